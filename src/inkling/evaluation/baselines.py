"""What needs no training: uniform guessing and exact counts, on the same tokens and characters.

Knows: counts of ids. Does not know: models, files.
Data: packed training ids -> counts -> nats a character of the held-out ids.

A model that does not beat the bigram of its own tokens has learned nothing that a table
could not hold.
"""

from __future__ import annotations

import math

import numpy as np

from inkling.tokens.dataset import PackedIds


def uniform(held_out: PackedIds, live: int, characters_started: np.ndarray, end_id: int) -> float:
    """Every one of `live` tokens equally likely: ln(live) nats a token."""
    ids = _scored(held_out, end_id)
    return math.log(live) * len(ids) / int(characters_started[ids].sum())


def bigram(
    train: PackedIds, held_out: PackedIds, vocab_size: int, characters_started: np.ndarray,
    end_id: int,
) -> float:  # fmt: skip
    """P(b | a) from exact counts, smoothed with the unigram by Witten and Bell's rule (1991):
    (count(ab) + kinds(a) · P(b)) / (count(a) + kinds(a)), where kinds(a) is the number of
    different tokens seen after a, and P(b) is the add-one unigram.
    """
    ids = np.asarray(train.ids, dtype=np.int64)
    singles = np.bincount(ids, minlength=vocab_size)
    unigram = (singles + 1) / (len(ids) + vocab_size)
    pairs, counts = np.unique(ids[:-1] * vocab_size + ids[1:], return_counts=True)
    kinds = np.bincount(pairs // vocab_size, minlength=vocab_size)
    before = np.bincount(ids[:-1], minlength=vocab_size)

    seen = np.asarray(held_out.ids, dtype=np.int64)
    first, second = seen[:-1], seen[1:]
    wanted = first * vocab_size + second
    at = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
    count = np.where(pairs[at] == wanted, counts[at], 0)
    # After a token that training never saw there is only the unigram.
    weight = np.maximum(kinds[first], 1)
    probability = (count + weight * unigram[second]) / (before[first] + weight)
    scored = second != end_id
    characters = int(characters_started[second[scored]].sum())
    return float(-np.log(probability[scored]).sum() / characters)


def _scored(part: PackedIds, end_id: int) -> np.ndarray:
    ids = np.asarray(part.ids[1:], dtype=np.int64)
    return ids[ids != end_id]
