"""A trained run in the formats of other engines, and back.

Knows: what transformers, llama.cpp, Ollama, MLX and vLLM read. Does not know: who asks, how a
model is trained or generates. Data: run -> `ExportableRun` -> a folder of the engine's files.
"""
