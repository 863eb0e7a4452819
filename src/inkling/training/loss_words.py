"""From losses to words: what was measured, what such text looks like, whether training failed.

Knows: what was read off samples. Data: nats, or the rows of metrics.jsonl -> words. The
arithmetic is in evaluation.units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from inkling.config import DataFacts, Phase

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

GUESSING = 4.0
"""Nats a character from which nothing was learned: ln 55, a guess among 55 characters alike. Prose
in an alphabet has 50 to 90 of them with capitals, digits and marks; that some come more often than
others saves a nat (the demo: 4.48 alike, 3.10 by how often). Neither depends on how well the text
compresses, so this bound is not scaled by bzip2."""


def looks_like(nats_per_character: float, facts: DataFacts) -> str | None:
    """What a beginner will see at this quality, in one phrase; None for text that is no prose, of
    which no such thing was ever read off."""
    if not facts.prose:
        return None
    if nats_per_character >= GUESSING:
        return "no better than guessing: too little text or too few steps"
    comparable = nats_per_character * SHAKESPEARE_BZIP2_NATS / facts.bzip2_nats
    return next(words for bound, words in _LOOKS if comparable < bound)


def measured_on(phase: Phase, facts: DataFacts) -> str:
    """What a phase's held-out loss is measured on, in a word or two."""
    if phase == "finetune":
        return "replies"
    return "writing" if facts.val_characters else "replies, before the dialogs were fine-tuned on"


def readings_words(readings: float) -> str:
    """How much of a text a training reads: "reading the text 1.2 times"."""
    if readings >= 0.95:
        return f"reading the text {readings:.1f} times"
    share = f"{readings:.0%}" if readings >= 0.01 else "less than 1%"
    return f"reading {share} of the text"


WORSE = 0.5
"""Nats a token by which a phase must end worse than it began: less is chance."""


def diverged(records: Iterable[Mapping[str, Any]], phase: Phase, vocab_size: int) -> str | None:
    """One sentence where a phase ended with a model that knows less than nothing, or less than
    before; None where it learned. `records` are the rows of metrics.jsonl.

    Fine-tuning is measured before its first step. That its held-out loss rises may be the price
    of learning dialogs by heart; that the loss on what it learns rises is not.
    """
    rows = [row for row in records if row.get("phase") == phase and "val_loss" in row]
    if not rows:
        return None
    before, last = rows[0]["val_loss"], rows[-1]
    guessing = math.log(vocab_size)
    advice = "The learning rate is too high: train again with a lower one, or the planned one."
    learned = last["train_loss"]
    # Of a text learned by heart held-out text may cost more than guessing; the earlier weights,
    # which are kept, do better.
    by_heart = learned is not None and learned < guessing
    if not last["val_loss"] < guessing and not by_heart:  # a non-finite loss is no better
        return (
            f"The training diverged: at the end a held-out token costs {last['val_loss']:.2f} "
            f"nats, and choosing blindly among {vocab_size:,} costs {guessing:.2f}. {advice}"
        )
    if phase == "finetune" and learned is not None and learned > before + WORSE:
        return (
            f"The fine-tuning diverged: a token of the dialogs cost {before:.2f} nats before, and "
            f"{learned:.2f} at the end. {advice}"
        )
    return None
