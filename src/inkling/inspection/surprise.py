"""How surprised a model is by each piece of a text: −log2 p.

Knows: logits and ids. Does not know: models, text.
Data: logits (T, V) + ids (T,) -> `surprises` -> a `Surprise` for each piece but the first.

p is the softmax over the whole vocabulary, as in training: the sum of all is the loss of the text,
in bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TOP = 5


@dataclass(frozen=True)
class Surprise:
    """What the model thought of a piece before it read it."""

    position: int
    id: int
    p: float
    bits: float
    rank: int
    """1: it was the likeliest."""
    top: tuple[tuple[int, float], ...]
    """The likeliest ids, with their probabilities."""


def surprises(logits_TV: np.ndarray, ids: Sequence[int], top: int = TOP) -> list[Surprise]:
    """Of the pieces 1…T-1; the first has nothing before it."""
    x_TV = logits_TV[:-1].astype(np.float64)
    ids_T = np.array(ids[1:], dtype=np.int64)
    own_T1 = np.take_along_axis(x_TV, ids_T[:, None], -1)
    peak_T1 = x_TV.max(-1, keepdims=True)
    log_sum_T1 = np.log(np.exp(x_TV - peak_T1).sum(-1, keepdims=True)) + peak_T1
    nats_T = (log_sum_T1 - own_T1)[:, 0]
    rank_T = (x_TV > own_T1).sum(-1) + 1
    best_TK = _likeliest(x_TV, min(top, x_TV.shape[-1]))
    p_TK = np.exp(np.take_along_axis(x_TV, best_TK, -1) - log_sum_T1)
    return [
        Surprise(
            at + 1, int(ids_T[at]), float(np.exp(-nats_T[at])), float(nats_T[at] / np.log(2)),
            int(rank_T[at]), tuple(zip(best_TK[at].tolist(), p_TK[at].tolist(), strict=True)),
        )
        for at in range(len(ids_T))
    ]  # fmt: skip


def _likeliest(x_TV: np.ndarray, count: int) -> np.ndarray:
    """Ids of the largest of each row, the largest first, of equal ones the lower id."""
    if count == 0:
        return np.zeros((len(x_TV), 0), np.int64)
    best_TK = np.argpartition(-x_TV, count - 1)[:, :count]
    order_TK = np.lexsort((best_TK, -np.take_along_axis(x_TV, best_TK, -1)))
    found: np.ndarray = np.take_along_axis(best_TK, order_TK, -1)
    return found
