"""Forgetting on disk: which files still hold a text, and taking it out of them."""
