"""What a model computes on a text, step by step, and the counts that it learned from."""
