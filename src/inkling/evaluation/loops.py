"""Replies that go in circles, say nothing, or do not end.

Knows: texts. Does not know: models. Data: `GeneratedReply` replies -> `Loops`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LOOP_LENGTH, LOOP_TIMES = 20, 3


@dataclass(frozen=True)
class GeneratedReply:
    """A reply as it was written; `cut_off` where max_tokens ended it and not the model."""

    text: str
    cut_off: bool


@dataclass(frozen=True)
class Loops:
    """How many of `replies` loop, are empty, or were cut off."""

    replies: int
    looping: int
    empty: int
    cut_off: int


def has_loop(text: str, length: int = LOOP_LENGTH, times: int = LOOP_TIMES) -> bool:
    """Whether some string of `length` characters begins at `times` places of `text`. The
    places may overlap: a row of 22 dashes holds a string of 20 three times."""
    starts = Counter(text[at : at + length] for at in range(len(text) - length + 1))
    return max(starts.values(), default=0) >= times


def count_loops(written: Sequence[GeneratedReply]) -> Loops:
    return Loops(
        replies=len(written),
        looping=sum(has_loop(reply.text) for reply in written),
        empty=sum(not reply.text.strip() for reply in written),
        cut_off=sum(reply.cut_off for reply in written),
    )
