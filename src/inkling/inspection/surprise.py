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

from inkling.inspection.next_piece import softmax

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
    found = []
    for position, (row, actual) in enumerate(zip(logits_TV[:-1], ids[1:], strict=True), start=1):
        p_V = softmax(row)
        best = np.argsort(-row, kind="stable")[:top]
        x = row.astype(np.float64)
        nats = float(np.log(np.exp(x - x.max()).sum()) + x.max() - x[actual])
        found.append(
            Surprise(
                position, int(actual), float(p_V[actual]), nats / np.log(2),
                int((row > row[actual]).sum()) + 1,
                tuple((int(index), float(p_V[index])) for index in best),
            )
        )  # fmt: skip
    return found
