"""Ids: the tokenizer, packed data on disk, batches. No text sources, no tensors."""
