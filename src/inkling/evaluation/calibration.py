"""Does a model know how sure it may be? Its likeliest token's probability against how often
that token is right.

Knows: bins of confidence. Does not know: text, files. Data: held-out ids -> (confidence, right)
of every token -> `Calibration`.

Expected calibration error: Naeini, Cooper and Hauskrecht 2015; for networks, Guo et al. 2017
(arXiv:1706.04599): the mean distance of confidence and accuracy over ten bins of equal width,
weighted by the tokens in them. Measured at temperature 1, without top-k: on the model, not on
how one samples from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from inkling.evaluation.likelihood import NOT_SCORED, predictions
from inkling.runtime import is_out_of_memory
from inkling.tokens.dataset import PackedIds

BINS = 10
_ROWS = 32


@dataclass(frozen=True)
class Bin:
    """Tokens whose top probability lies in (low, high]. The means are 0 where there is none."""

    low: float
    high: float
    tokens: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Ten bins, and what they add up to. All shares lie in 0…1."""

    error: float
    confidence: float
    accuracy: float
    tokens: int
    bins: tuple[Bin, ...]


def calibration(confidence: np.ndarray, right: np.ndarray) -> Calibration:
    """confidence: (N,) in (0, 1]; right: (N,) bool. N may not be 0."""
    index = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    found = []
    for number in range(BINS):
        inside = index == number
        count = int(inside.sum())
        found.append(
            Bin(
                number / BINS,
                (number + 1) / BINS,
                count,
                float(confidence[inside].mean()) if count else 0.0,
                float(right[inside].mean()) if count else 0.0,
            )
        )
    error = sum(b.tokens * abs(b.accuracy - b.confidence) for b in found) / len(confidence)
    return Calibration(
        error, float(confidence.mean()), float(right.mean()), len(confidence), tuple(found)
    )


@torch.no_grad()
def measure_calibration(
    model: torch.nn.Module,
    data: PackedIds,
    end_id: int,
    context_length: int,
    device: torch.device | str = "cpu",
    rows: int = _ROWS,
) -> Calibration | None:
    """Over every token that the held-out loss counts; None where there is none."""
    was_training = model.training
    model.eval()
    confidence: list[np.ndarray] = []
    right: list[np.ndarray] = []
    try:
        for logits, y, _ in predictions(model, data, end_id, context_length, device, rows=rows):
            scored = y != NOT_SCORED
            top, choice = logits[scored].float().softmax(-1).max(-1)
            confidence.append(top.double().cpu().numpy())
            right.append((choice == y[scored]).cpu().numpy())
    except (RuntimeError, MemoryError) as error:
        if rows == 1 or not is_out_of_memory(error):
            raise
        return measure_calibration(model, data, end_id, context_length, device, rows // 4 or 1)
    finally:
        model.train(was_training)
    if not confidence:
        return None
    return calibration(np.concatenate(confidence), np.concatenate(right))
