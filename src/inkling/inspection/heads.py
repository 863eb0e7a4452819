"""What each attention head looks at, in numbers, and a name only where the numbers give one.

Knows: attention weights of one text and the ids they are over. Does not know: models, text.
Data: weights (H, T, T) + ids (T,) -> `head_measures` -> a `HeadMeasure` a head.

T positions; row t of a head is a distribution over positions 0…t. Measured are

    entropy    mean over rows of −Σ p log2 p
    distance   mean over rows of Σ p (t − j)
    previous   mean of the weight on j = t − 1
    beginning  mean of the weight on j = 0
    same       mean of the weight on earlier positions with the same id
    copying    mean of the weight on positions right after an earlier one with the same id: what
               came then, which an induction head copies (Olsson et al. 2022, arXiv:2209.11895)

each beside what a head would give that looks everywhere alike: a name needs NAMED of the weight,
at least CLEARLY times that share, and ROWS rows in which it could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Behaviour = Literal["previous", "beginning", "same", "copying"]
Weights = NDArray[np.float64]

NAMED, CLEARLY, ROWS = 0.4, 2.0, 8

BEHAVIOURS: dict[Behaviour, str] = {
    "previous": "previous piece",
    "same": "same piece",
    "copying": "copying",
    "beginning": "beginning",
}


@dataclass(frozen=True)
class HeadMeasure:
    """A head on one text. Shares are None where the text has no row to measure them on."""

    entropy: float
    """Bits."""
    distance: float
    """Pieces back."""
    shares: dict[Behaviour, float | None]
    name: str | None


def row_entropy(weights: NDArray[np.floating]) -> Weights:
    """−Σ p log2 p over the last axis; 0 log 0 is 0."""
    p = weights.astype(np.float64)
    logs = np.log2(p, out=np.zeros_like(p), where=p > 0)
    found: Weights = -(p * logs).sum(-1) + 0.0  # no minus zero
    return found


def head_measures(weights_HTT: NDArray[np.floating], ids: Sequence[int]) -> list[HeadMeasure]:
    """Measures of every head of a layer."""
    p_HTT = weights_HTT.astype(np.float64)
    T = len(ids)
    back_TT = np.maximum(0, np.arange(T)[:, None] - np.arange(T)[None])
    entropy_H = row_entropy(p_HTT).mean(-1)
    distance_H = (p_HTT * back_TT).sum(-1).mean(-1)
    shares: list[dict[Behaviour, float | None]] = [{} for _ in p_HTT]
    named: list[dict[Behaviour, float]] = [{} for _ in p_HTT]
    evenly_T1 = 1 / np.arange(1, T + 1)[:, None]
    for behaviour, mask_TT in _places(ids).items():
        rows = mask_TT.any(-1)
        even = float((mask_TT * evenly_T1).sum(-1)[rows].mean()) if rows.any() else 1.0
        mass_H = (p_HTT * mask_TT).sum(-1)[:, rows]
        for head, mass in enumerate(mass_H):
            share = float(mass.mean()) if rows.any() else None
            shares[head][behaviour] = share
            if share is not None and rows.sum() >= ROWS and share >= max(NAMED, CLEARLY * even):
                named[head][behaviour] = share
    return [
        HeadMeasure(
            float(entropy_H[head]),
            float(distance_H[head]),
            shares[head],
            BEHAVIOURS[max(named[head], key=named[head].__getitem__)] if named[head] else None,
        )
        for head in range(len(p_HTT))
    ]


def _places(ids: Sequence[int]) -> dict[Behaviour, NDArray[np.bool_]]:
    """For each behaviour the positions (T, T) that a row may look at. A row's own position and
    row 0, which can look nowhere else, are nobody's."""
    ids_T = np.array(ids)
    T = len(ids_T)
    query, key = np.arange(T)[:, None], np.arange(T)[None]
    earlier_TT = key < query
    same_TT = ids_T[:, None] == ids_T[None]
    after_same_TT = np.zeros((T, T), dtype=np.bool_)
    after_same_TT[:, 1:] = (same_TT & earlier_TT)[:, :-1]
    return {
        "previous": key == query - 1,
        "same": same_TT & earlier_TT,
        # What is the piece itself is no copy of what came after an earlier one.
        "copying": after_same_TT & earlier_TT,
        # With the piece right behind it, "beginning" and "previous" are the same.
        "beginning": (key == 0) & (query > 1),
    }
