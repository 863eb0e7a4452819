"""Text to the words that a look-up compares, in any language.

Knows: where words lie in a text, and how alike two spellings are made of. Does not know:
exchanges, scores. Data: text -> `words` -> (elsewhere) word numbers; word -> `spelling` -> letter
grams that alike words share.

Words are runs of letters, marks and digits in lower case, apostrophes closed up. Scripts that are
written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan) have no such runs:
there every two neighbouring letters are a word. A symbol such as an emoji is a word of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

BEGINNING = 5
"""Letters of a word's beginning that count as its stem."""

MAX_LETTERS = 40
"""A longer run of letters is cut: no word is that long, but a file of one letter is."""

_APOSTROPHES = frozenset("'’ʼ`")
UNSPACED = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
    (0x20000, 0x3FFFF),
)  # fmt: skip
_JOINT = "\ue000"
"""Stands before each letter of a script without spaces, inside this file only."""


class _Folding(dict[int, str]):
    """What each character becomes; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if character in _APOSTROPHES:
            folded = ""
        elif any(first <= code <= last for first, last in UNSPACED) and kind[0] in "LMN":
            folded = character if kind[0] == "M" else f"{_JOINT}{character}"
        elif kind[0] in "LMN":
            folded = character
        else:
            folded = f" {character} " if kind == "So" else " "
        self[code] = folded
        return folded


_FOLDING = _Folding()


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_FOLDING)
    found = folded.split()
    if _JOINT not in folded and max(map(len, found), default=0) <= MAX_LETTERS:
        return found
    return [word for run in found for word in _pieces(run)]


def _pieces(run: str) -> Iterator[str]:
    spaced, *letters = run.split(_JOINT)
    for start in range(0, len(spaced), MAX_LETTERS):
        yield spaced[start : start + MAX_LETTERS]
    if len(letters) == 1:
        yield letters[0][:MAX_LETTERS]
    for one, other in pairwise(letters):
        yield (one + other)[:MAX_LETTERS]


def spelling(word: str) -> set[str]:
    """Letter trigrams of a word, its edges included, and its beginning."""
    edged = f"^{word}$"
    return {edged[at : at + 3] for at in range(len(edged) - 2)} | {f"^^{word[:BEGINNING]}"}
