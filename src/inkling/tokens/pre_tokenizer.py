"""Where a text is cut before it is encoded: into words, within which merges apply, and into chunks.

Knows: Qwen2's regular expression (llama.cpp's `qwen2` pre-tokenizer). Does not know any vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inkling.errors import TokenizerError

# As in Qwen2's tokenizer.json; llama.cpp calls it LLAMA_VOCAB_PRE_TYPE_QWEN2.
SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Characters handed to the Rust encoder at once: bounds its memory for a text of any size.
_CHUNK_CHARACTERS = 200_000


def splitter() -> Any:
    """What cuts a text into words, for the library."""
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated")


def check_text(text: str) -> None:
    """Raises TokenizerError for a text with lone surrogates."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TokenizerError(
                f"The text holds a lone surrogate (U+{ord(text[error.start]):04X}) at character "
                f"{error.start}, which is not valid Unicode. Remove it, or read the file as UTF-8."
            ) from None


def safe_chunks(text: str, size: int = _CHUNK_CHARACTERS) -> Iterator[str]:
    """Cut a text where no token can cross: after a line break that text follows.

    The pieces joined are the text; their encodings joined are the text's encoding. Each has
    at least `size` characters, the last excepted.
    """
    start = 0
    while start + size < len(text):
        cut = text.find("\n", start + size)
        # The split's newline groups swallow whitespace on both sides, so move past it.
        while cut != -1 and cut + 1 < len(text) and text[cut + 1].isspace():
            cut = text.find("\n", cut + 1)
        if cut == -1 or cut + 1 >= len(text):
            break
        yield text[start : cut + 1]
        start = cut + 1
    if start < len(text):
        yield text[start:]
