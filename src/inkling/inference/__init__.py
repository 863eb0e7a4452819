"""From a prompt to text: decoding, sampling, batching, and the chat that is built on them."""
