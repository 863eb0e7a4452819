"""Tensors: the architectures and the KV cache."""
