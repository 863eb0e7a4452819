"""Clean text: line ends, and the forms in which texts are compared.

Knows: what two texts have in common whatever typed them. Does not know: files, encodings
(importing.charset), headers (`front_matter.py`), Markdown and HTML (`markdown.py`, `html.py`).
Data: str -> `tidy` -> str. Emoji, ZWJ and the author's own line breaks survive untouched.
"""

from __future__ import annotations

import re
import unicodedata


def tidy(text: str) -> str:
    """Unix line ends, no trailing spaces, no edge blank lines, at most two blank lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Line by line: a regular expression would look through a run of spaces once for each of them.
    *lines, last = text.split("\n")
    text = "\n".join([*(line.rstrip(" \t") for line in lines), last])
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n")


def normalise(text: str) -> str:
    """The form in which texts are compared (never stored): NFC, one space, lower case."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛ʼ′", "'") | dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u2060\ufeff", "")
)  # fmt: skip


def fold(text: str) -> str:
    """The form in which a text is looked for: normalised, and typed as a keyboard types it, with
    straight quotes, plain hyphens and nothing invisible."""
    return normalise(text.translate(_TYPOGRAPHY))
