"""From losses to the numbers people compare.

Knows: the arithmetic, in one place. Data: nats -> bits, perplexity, words.
"""

from __future__ import annotations

import math


def bits(nats: float) -> float:
    """Nats to bits: divide by ln 2."""
    return nats / math.log(2)


def perplexity(nats_per_token: float) -> float:
    """exp of the loss; inf rather than an overflow."""
    try:
        return math.exp(nats_per_token)
    except OverflowError:
        return math.inf


# What text of a given held-out loss looks like, read off samples of models trained on tiny
# Shakespeare; upper bounds in nats per character. Other text is easier or harder to predict:
# bzip2 says by how much, and the same words then fit the demo corpus.
SHAKESPEARE_BZIP2_NATS = 1.65
_LOOKS = (
    (1.20, "sentences mostly hold; grammar is right more often than not"),
    (1.45, "real words in plausible order; phrases hold, sense wanders"),
    (1.60, "whole words, some invented; short sentences hold"),
    (1.80, "most words are real; grammar comes and goes"),
    (2.05, "word-like pieces, many invented; the layout is right"),
    (2.50, "syllables and spaces in the right places, few real words"),
    (math.inf, "letters in roughly the right proportions"),
)


def looks_like(nats_per_character: float, bzip2_nats: float = SHAKESPEARE_BZIP2_NATS) -> str:
    """What a beginner will see at this quality, in one phrase. `bzip2_nats` is what bzip2
    leaves of a character of the text."""
    comparable = nats_per_character * SHAKESPEARE_BZIP2_NATS / bzip2_nats
    return next(words for bound, words in _LOOKS if comparable < bound)
