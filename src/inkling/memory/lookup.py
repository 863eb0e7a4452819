"""The nearest exchanges to a message, and how much each is worth.

Knows: how a message, what was said before it, questions and replies are weighed against each
other. Does not know: posting lists (index.py), ids, how a neighbour is used (mixture.py), models.
Data: message + history -> scores of all records -> the best few -> `Neighbour`s.

What a word says does not tell "how are you" from "and are you": all of their words stand
everywhere. So among the best, and the more the less a message says, it also counts how many pairs
of neighbouring words a question has in common with it, its beginning and end included.

What people ask a stranger first is looked up in every way of asking it (ways_of_asking.py): "what
are you called" finds who was asked "what's your name".

A short follow-up ("why?", "and then?") says little; so the less a message says, the more the two
turns before it count: against the turns before a record (the same talk went on there), and
against its question and reply (it is about the same). A reply that was already given in this
conversation is not looked up again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from inkling.memory.index import Index, Query
from inkling.memory.records import LOOKED_BACK, Record
from inkling.memory.ways_of_asking import other_ways
from inkling.memory.words import BEGINNING, words
from inkling.tokens.chat_format import Turn

NEIGHBOURS = 6
SHARPNESS = 1.0
"""Neighbours' weights are softmax(SHARPNESS × score)."""

REPLY_SHARE = 0.6
"""What a word of the message counts that stands in a record's reply, not in its question."""

MID_DIALOG = 0.8
"""What a question counts that was asked in the middle of a dialog: it often leaves out what it is
about."""

OTHER_WAY = 0.9
"""What a question counts that another way of asking the same finds."""

PAIRS = 0.5
"""What sharing all pairs of neighbouring words with a question of two counts, for a message that
says nothing, in units of a word that was never said; it falls by e for each such unit that a
message says."""

BEFORE, ABOUT = 1.5, 2.5
"""What the two turns before count, in the same units, where a record has all of their words in the
turns before it (half of them: a quarter, since other talk shares words too), and where it has them
in question and reply."""

LEAN_FALLS = 1.5
"""By so many powers of e that falls for each unit that a message says itself."""

LOOKED_OVER = 48
"""So many of the best are looked through: some say the same as others."""

SAID = 0.8
"""A reply of whose words this share was said before says nothing new."""


@dataclass(frozen=True)
class Neighbour:
    """A record that was looked up. `weight` is its share among the neighbours; they sum to 1."""

    number: int
    record: Record
    score: float
    weight: float


def nearest(
    index: Index,
    message: str,
    history: Sequence[Turn] = (),
    count: int = NEIGHBOURS,
    passages: bool = False,
) -> tuple[Neighbour, ...]:
    """The exchanges nearest to a message after `history` (oldest first), the nearest first; with
    `passages` those of the writing instead, for a model that has seen no dialogs.

    Fewer than `count` where fewer have anything in common with it; none for an empty index.
    """
    asked = index.query(message)
    ways = other_ways(message)
    # What people ask first is no follow-up, whatever was said before it.
    scores_N = _scores(index, asked, () if ways else history)
    if ways:
        scores_N = np.maximum(scores_N, OTHER_WAY * _other_ways(index, ways))
    scores_N[index.asked == passages] = 0
    said = {word for role, text in history if role == "me" for word in words(text)}
    unit = index.rarity("")
    in_order = PAIRS * unit * math.exp(-asked.weight / unit)
    found = _pairs(message)
    candidates: list[tuple[float, int, Record]] = []
    for number in _highest(scores_N, LOOKED_OVER):
        record = index.records[number]
        if ways and _asks_another(record.question, message, ways):
            continue
        own = _pairs(record.question)
        shared = in_order * len(own & found) / math.sqrt(len(own))
        candidates.append((float(scores_N[number]) + shared, number, record))
    candidates.sort(key=lambda entry: (-entry[0], entry[1]))
    chosen: list[tuple[float, int, Record]] = []
    replies: set[tuple[str, ...]] = set()
    for score, number, record in candidates:
        reply = tuple(words(record.reply))
        if reply in replies or sum(word in said for word in reply) >= SAID * max(1, len(reply)):
            continue
        replies.add(reply)
        chosen.append((score, number, record))
        if len(chosen) == count:
            break
    if not chosen:
        return ()
    weights = np.exp([SHARPNESS * (score - chosen[0][0]) for score, _, _ in chosen])
    weights /= weights.sum()
    return tuple(
        Neighbour(number, record, score, float(weight))
        for (score, number, record), weight in zip(chosen, weights, strict=True)
    )


def _scores(index: Index, asked: Query, history: Sequence[Turn]) -> np.ndarray:
    """How near each record is, (N,)."""
    scores_N = _question_scores(index, asked)
    scores_N += REPLY_SHARE * index.scores(asked, "reply")
    earlier = index.query(" ".join(text for _, text in history[-LOOKED_BACK:]))
    if earlier.weight:
        about_N = index.scores(earlier, "question") + REPLY_SHARE * index.scores(earlier, "reply")
        before_N = index.scores(earlier, "before") / earlier.weight
        unit = index.rarity("")
        leaning = unit * math.exp(-LEAN_FALLS * asked.weight / unit)
        scores_N += (leaning * ABOUT / earlier.weight) * about_N
        scores_N += (leaning * BEFORE) * before_N**2
    return scores_N


def _question_scores(index: Index, asked: Query) -> np.ndarray:
    scores_N = index.scores(asked, "question")
    scores_N[~index.opens] *= MID_DIALOG
    return scores_N


def _other_ways(index: Index, ways: Sequence[str]) -> np.ndarray:
    """How near each record is to the nearest of these ways of asking, (N,)."""
    scores_N = np.zeros(len(index), dtype=np.float32)
    for way in ways:
        scores_N = np.maximum(scores_N, _question_scores(index, index.query(way)))
    return scores_N


def _asks_another(question: str, message: str, ways: tuple[str, ...]) -> bool:
    """Whether a question is another of those that people ask first: "how old are you" has all the
    words of "how are you". One that holds the message as it stands ("hi, how are you?", "hi") is
    none."""
    if other_ways(question) in ((), ways):
        return False
    return f" {' '.join(words(message))} " not in f" {' '.join(words(question))} "


def _highest(scores_N: np.ndarray, count: int) -> list[int]:
    """Numbers of the highest positive scores, in no order."""
    found = np.flatnonzero(scores_N > 0)
    if len(found) > count:
        found = found[np.argpartition(-scores_N[found], count - 1)[:count]]
    numbers: list[int] = found.tolist()
    return numbers


def _pairs(text: str) -> set[tuple[str, str]]:
    """Neighbouring words by their beginnings, the edges of the text counted as words."""
    return set(pairwise(["", *(word[:BEGINNING] for word in words(text)), ""]))
