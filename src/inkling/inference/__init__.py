"""Writing: sampling, decoding, chat."""
