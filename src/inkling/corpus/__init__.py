"""Text: where it comes from, how it is kept, cleaned, paired and split. No ids, no tensors."""
