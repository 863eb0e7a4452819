"""From losses to words: what text of a held-out loss looks like.

Knows: what was read off samples. Data: nats -> words. The arithmetic is in evaluation.units.
"""

from __future__ import annotations

import math

from inkling.evaluation.units import bits

__all__ = ["bits", "looks_like"]

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
