"""What needs no training: uniform guessing, exact counts, compressors, on the same text.

Knows: counts of ids. Does not know: models, files.
Data: packed training ids -> counts -> nats a character of the held-out ids; or the same over
`Symbols`, a character each, for a report.

A model that does not beat the bigram of its own tokens has learned nothing that a table
could not hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from inkling.evaluation.compressors import added_nats, ppm_installed, ppm_size, xz_size
from inkling.evaluation.kneser_ney import ORDER, KneserNey
from inkling.evaluation.passages import Symbols
from inkling.tokens.dataset import PackedIds


def uniform(held_out: PackedIds, live: int, characters_started: np.ndarray, end_id: int) -> float:
    """Every one of `live` tokens equally likely: ln(live) nats a token."""
    ids = _scored(held_out, end_id)
    return math.log(live) * len(ids) / int(characters_started[ids].sum())


def bigram(
    train: PackedIds, held_out: PackedIds, vocab_size: int, characters_started: np.ndarray,
    end_id: int,
) -> float:  # fmt: skip
    """Nats a character of `bigram_probability` over tokens; <|end|> is context, not scored."""
    seen = np.asarray(held_out.ids, dtype=np.int64)
    probability = bigram_probability(np.asarray(train.ids, dtype=np.int64), seen, vocab_size)
    scored = seen[1:] != end_id
    characters = int(characters_started[seen[1:][scored]].sum())
    return float(-np.log(probability[1:][scored]).sum() / characters)


def unigram_probability(train: np.ndarray, held_out: np.ndarray, size: int) -> np.ndarray:
    """Exact counts plus one: (count(b) + 1) / (N + size). ids (N,), (M,) -> (M,)."""
    singles = np.bincount(train, minlength=size)
    return ((singles + 1) / (len(train) + size))[held_out]


def bigram_probability(train: np.ndarray, held_out: np.ndarray, size: int) -> np.ndarray:
    """P(b | a) from exact counts, smoothed with the unigram by Witten and Bell's rule (1991):
    (count(ab) + kinds(a) · P(b)) / (count(a) + kinds(a)), where kinds(a) is the number of
    different ids seen after a, and P(b) is the add-one unigram. The first id has only that.
    """
    unigram = unigram_probability(train, held_out, size)
    if len(held_out) < 2 or len(train) < 2:
        return unigram
    pairs, counts = np.unique(train[:-1] * size + train[1:], return_counts=True)
    kinds = np.bincount(pairs // size, minlength=size)
    before = np.bincount(train[:-1], minlength=size)
    first = held_out[:-1]
    wanted = first * size + held_out[1:]
    at = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
    count = np.where(pairs[at] == wanted, counts[at], 0)
    # After an id that training never saw there is only the unigram.
    weight = np.maximum(kinds[first], 1)
    rest = (count + weight * unigram[1:]) / (before[first] + weight)
    return np.concatenate([unigram[:1], rest])


@dataclass(frozen=True)
class Baseline:
    """What a method without a network needs for the held-out text. `how`: in plain words."""

    name: str
    nats_per_char: float
    how: str


def counted(train: Symbols, held_out: Symbols, alphabet: int) -> list[Baseline]:
    """Uniform, unigram, bigram and Kneser-Ney over characters.

    `alphabet` is the number of the corpus's characters. A baseline may also predict the
    special tokens, as the model may.
    """
    codes, dense = np.unique(np.concatenate([train.codes, held_out.codes]), return_inverse=True)
    size = max(len(codes), alphabet)
    known, asked = dense[: len(train.codes)], dense[len(train.codes) :]

    def nats(probability: np.ndarray) -> float:
        return float(-np.log(probability[held_out.scored]).sum()) / held_out.characters

    fivegram = KneserNey.fit(known, size)
    return [
        Baseline("uniform", math.log(alphabet), f"each of {alphabet:,} characters alike"),
        Baseline(
            "unigram",
            nats(unigram_probability(known, asked, size)),
            "counts of characters, plus one",
        ),
        Baseline(
            "bigram",
            nats(bigram_probability(known, asked, size)),
            "counts of pairs, smoothed after Witten and Bell",
        ),
        Baseline(
            f"Kneser-Ney {ORDER}-gram",
            nats(fivegram.probability(asked)),
            f"counts of up to {ORDER} characters, interpolated, modified Kneser-Ney",
        ),
    ]


def compressed(train: Symbols, held_out: Symbols) -> list[Baseline]:
    """xz, and PPM where it is installed, behind the training text."""
    before, after = train.as_bytes(), held_out.as_bytes()
    sizes = [("xz", xz_size, "preset 9e, its window over everything")]
    if ppm_installed():
        sizes.append(("PPM", ppm_size, "PPMd, order 8"))
    return [
        Baseline(name, added_nats(size, before, after) / held_out.characters, how)
        for name, size, how in sizes
    ]


def xz_ratio(train: Symbols, held_out: Symbols) -> float:
    """Bytes that xz needs for the held-out text behind the training text, as a share of what it
    needs for it alone. Near 1: nothing of it was there before; near 0: all of it was."""
    before, after = train.as_bytes(), held_out.as_bytes()
    return (xz_size(before + after) - xz_size(before)) / max(1, xz_size(after))


def _scored(part: PackedIds, end_id: int) -> np.ndarray:
    ids = np.asarray(part.ids[1:], dtype=np.int64)
    return ids[ids != end_id]
