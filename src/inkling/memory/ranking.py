"""Which of several drafts is said: the one that is sure, says what was said before, in new words.

Knows: drafts as text with the mean log-probability of their tokens, and the neighbours that were
read along. Does not know: ids, models, how drafts are written.
Data: index + neighbours -> `Ranking` -> `rank(text, logprob)` of each finished draft -> the best.

Drafts from the mixture differ in which neighbour they followed and where they left it. Their
log-probability alone prefers an earlier reply word for word, because each of its tokens is likely
in the memory and in the weights. So three things are added, all of them small beside a draft that
makes no sense (measured, docs/decisions.md): how much it says of what the neighbours say (a draft
that left the subject says little of it), a fine for being an earlier reply word for word, which
decides between drafts that are about as sure, and a fine for saying the same words again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from inkling.memory.index import Index
from inkling.memory.lookup import Neighbour
from inkling.memory.words import BEGINNING, words

AGREEMENT = 1.0
"""Nats a token that full agreement with the neighbours is worth."""

RECITAL = 0.15
"""Nats a token that a draft loses which is an earlier reply word for word."""

REPETITION = 1.0
"""Nats a token that a draft loses all of whose triples of words have stood before."""


class Ranking:
    """Ranks the drafts of one message."""

    def __init__(self, index: Index, neighbours: Sequence[Neighbour]) -> None:
        self._index = index
        self._replies = [(n.weight, self._vector(words(n.record.reply))) for n in neighbours]

    def rank(self, text: str, logprob: float) -> float:
        """How fit a finished draft is to be said; higher is fitter. `logprob` is the mean natural
        logarithm of its tokens' probabilities in the mixture, <|end|> included."""
        found = words(text)
        return (
            logprob
            + AGREEMENT * self.agreement(found)
            - RECITAL * self._index.holds_reply(text)
            - REPETITION * repetition(found)
        )

    def agreement(self, found: Sequence[str]) -> float:
        """Mean cosine of words with the neighbours' replies, by their weights; 0 to 1."""
        vector = self._vector(found)
        return sum(
            weight * sum(value * reply.get(word, 0.0) for word, value in vector.items())
            for weight, reply in self._replies
        )

    def _vector(self, found: Sequence[str]) -> dict[str, float]:
        """Beginnings of words, each by its rarity, to length 1."""
        vector: dict[str, float] = {}
        for word in found:
            stem = word[:BEGINNING]
            vector[stem] = max(vector.get(stem, 0.0), self._index.rarity(word))
        norm = math.sqrt(sum(value * value for value in vector.values())) or 1.0
        return {stem: value / norm for stem, value in vector.items()}


def repetition(found: Sequence[str]) -> float:
    """Share of three words in a row that have stood before."""
    triples = list(zip(found, found[1:], found[2:], strict=False))
    return 1 - len(set(triples)) / len(triples) if triples else 0.0
