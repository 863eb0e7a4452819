"""Looking inside: what a run copied, and what its model does with a text."""
