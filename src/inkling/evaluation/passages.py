"""A run's packed ids as text again: passages, exchanges, and the characters that are scored.

Knows: how the dialog grammar and document boundaries lie in packed ids. Does not know: models,
measures. Data: PackedIds -> `passages` -> `Symbols` (for baselines) or `HeldOutExchange`s (for
replies).

A report is about what the run saw, so it reads the run's own data, not the workspace's corpus,
which may have grown since. What others said is there as the model reads it (chat_format).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from inkling.tokens.chat_format import Turn, as_said
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import END, ME, SPECIAL_TOKENS, THEM

FIRST_SPECIAL = 0x110000
"""Code of the first special token among `Symbols.codes`: one past the last of Unicode."""


@dataclass(frozen=True)
class HeldOutPassage:
    """Text between two special tokens. `opener` is the one before it, "" where a part was cut."""

    opener: str
    text: str


@dataclass(frozen=True)
class HeldOutExchange:
    """A question, what was said before it, and the reply that `me` really gave."""

    history: tuple[Turn, ...]
    question: str
    reply: str


@dataclass(frozen=True)
class Symbols:
    """Characters and special tokens in one row.

    codes: (N,) int64, code points, special tokens from FIRST_SPECIAL on; scored: (N,) bool.
    """

    codes: np.ndarray
    scored: np.ndarray

    @property
    def characters(self) -> int:
        """Scored characters; a scored <|end|> spells none."""
        return int((self.scored & (self.codes < FIRST_SPECIAL)).sum())

    def last(self, count: int) -> Symbols:
        return Symbols(self.codes[-count:], self.scored[-count:])

    def as_bytes(self) -> bytes:
        """UTF-8, each special token as one control byte that text hardly holds."""
        special = self.codes >= FIRST_SPECIAL
        codes = np.where(special, self.codes - FIRST_SPECIAL, self.codes).astype("<u4")
        return codes.tobytes().decode("utf-32-le").encode()


def passages(ids: np.ndarray, tokenizer: Tokenizer) -> Iterator[HeldOutPassage]:
    """Cut ids (N,) at special tokens and decode what lies between."""
    special = tokenizer.special_ids
    cuts = np.flatnonzero((ids >= special.start) & (ids < special.stop))
    first = int(cuts[0]) if len(cuts) else len(ids)
    if first:
        yield HeldOutPassage("", tokenizer.decode(ids[:first].tolist()))
    for start, stop in pairwise([*cuts, len(ids)]):
        opener = SPECIAL_TOKENS[int(ids[start]) - special.start]
        text = tokenizer.decode(ids[start + 1 : stop].tolist())
        yield HeldOutPassage(opener, as_said(text) if opener in (THEM, ME) else text)


def writing_symbols(found: Iterable[HeldOutPassage]) -> Symbols:
    """Every character is scored, no special token: as held-out writing is."""
    return _symbols((p, False, True) for p in found)


def reply_symbols(found: Sequence[HeldOutPassage]) -> Symbols:
    """What `me` says is scored, and the <|end|> behind it: as the mask of dialogs has it."""
    before = [HeldOutPassage("", ""), *found]
    return _symbols(
        (p, p.opener == END and previous.opener == ME, p.opener == ME)
        for previous, p in zip(before, found, strict=False)
    )


def _symbols(rows: Iterable[tuple[HeldOutPassage, bool, bool]]) -> Symbols:
    codes: list[np.ndarray] = []
    scored: list[np.ndarray] = []
    for passage, opener_scored, text_scored in rows:
        if passage.opener:
            index = SPECIAL_TOKENS.index(passage.opener)
            codes.append(np.array([FIRST_SPECIAL + index], dtype=np.int64))
            scored.append(np.array([opener_scored]))
        points = np.frombuffer(passage.text.encode("utf-32-le"), dtype="<u4").astype(np.int64)
        codes.append(points)
        scored.append(np.full(len(points), text_scored))
    if not codes:
        return Symbols(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    return Symbols(np.concatenate(codes), np.concatenate(scored))


def dialogs(part: PackedIds, tokenizer: Tokenizer) -> list[tuple[Turn, ...]]:
    """The dialogs of a part, as turns."""
    return [
        tuple(
            ("me" if p.opener == ME else "them", p.text)
            for p in passages(np.asarray(part.ids[start : start + length]), tokenizer)
            if p.opener in (THEM, ME)
        )
        for start, length, _, _ in part.segments
    ]


def exchanges(found: Iterable[Sequence[Turn]]) -> list[HeldOutExchange]:
    """Every `me` turn that follows a `them` turn, with all that was said before."""
    return [
        HeldOutExchange(tuple(turns[: at - 1]), turns[at - 1][1], turns[at][1])
        for turns in found
        for at in range(1, len(turns))
        if turns[at - 1][0] == "them" and turns[at][0] == "me"
    ]
