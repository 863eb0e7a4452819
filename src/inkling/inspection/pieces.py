"""A text cut into pieces: which, how often they stand in the training text, and by which merges.

Knows: a tokenizer. Does not know: models, runs' files.
Data: ids -> `describe` -> `Piece`; text -> `merge_ranks` -> the merge at which each place between
two characters closed.

Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) takes, in each word, the earliest merge
that applies, until none does. A merge is learned after the two that made its parts, so taking them
in order leads to the same pieces, and "the first n merges" is a cut of its own for every n.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import SPECIAL_TOKENS


@dataclass(frozen=True)
class Piece:
    """A token as it is shown.

    `text` is None where its bytes are no whole characters; `count` is how often it stands in the
    training text (None where that is gone).
    """

    id: int
    text: str | None
    bytes: str
    """In hexadecimal; empty of a special token."""
    special: bool
    characters: int
    code_points: tuple[str, ...]
    """Such as "U+0041 LATIN CAPITAL LETTER A"."""
    count: int | None
    live: bool
    """Whether training saw it: only then can it be drawn."""


def describe(
    tokenizer: Tokenizer, ids: Iterable[int], live_V: np.ndarray, counts_V: np.ndarray | None
) -> list[Piece]:
    """Each of some ids as a piece."""
    return [_piece(tokenizer, index, live_V, counts_V) for index in ids]


def piece_text(tokenizer: Tokenizer, index: int) -> str:
    """A token in print: its text, a special token's name, or bytes that are half a character."""
    if index in tokenizer.special_ids:
        return SPECIAL_TOKENS[index - tokenizer.special_ids.start]
    content = tokenizer.token_bytes[index]
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"<{content.hex(' ')}>"


def code_point(character: str) -> str:
    """A character's number and name in Unicode."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def _piece(
    tokenizer: Tokenizer, index: int, live_V: np.ndarray, counts_V: np.ndarray | None
) -> Piece:
    special = index in tokenizer.special_ids
    content = tokenizer.token_bytes[index]
    try:
        text: str | None = piece_text(tokenizer, index) if special else content.decode()
    except UnicodeDecodeError:
        text = None
    return Piece(
        id=index,
        text=text,
        bytes=content.hex(" "),
        special=special,
        characters=0 if special or text is None else len(text),
        code_points=() if special or text is None else tuple(map(code_point, text)),
        count=None if counts_V is None else int(counts_V[index]),
        live=bool(live_V[index]),
    )


def character_ids(tokenizer: Tokenizer, text: str) -> list[int | None]:
    """Each character's place in `sorted(set(corpus))`; None where the corpus has no such."""
    places = {character: index for index, character in enumerate(tokenizer.characters)}
    return [places.get(character) for character in text]


def merge_ranks(tokenizer: Tokenizer, text: str) -> list[int | None]:
    """For each place between two characters, the number of the merge that closed it, from 1;
    None where it stays open. len(text) - 1 entries.

    A character of several bytes is one symbol, as it is where merges are learned. Takes a pass over
    a word for each merge that applies in it.
    """
    ranks = {pair: number for number, pair in enumerate(tokenizer.learned_merges, start=1)}
    found: list[int | None] = []
    for word in tokenizer.words(text):
        found += [*_closed(list(word), ranks), None]
    return found[:-1]


def _closed(symbols: list[str], ranks: dict[tuple[str, str], int]) -> list[int | None]:
    """The merge that closed each place within a word."""
    closed: list[int | None] = [None] * (len(symbols) - 1)
    # The place behind each symbol's last character.
    ends = list(range(len(symbols)))
    while len(symbols) > 1:
        best = min(
            (ranks[pair] for pair in pairwise(symbols) if pair in ranks),
            default=None,
        )
        if best is None:
            break
        joined, joined_ends, at = list[str](), list[int](), 0
        while at < len(symbols):
            symbol = symbols[at]
            if at + 1 < len(symbols) and ranks.get((symbol, symbols[at + 1])) == best:
                closed[ends[at]] = best
                at += 1
                symbol += symbols[at]
            joined.append(symbol)
            joined_ends.append(ends[at])
            at += 1
        symbols, ends = joined, joined_ends
    return closed
