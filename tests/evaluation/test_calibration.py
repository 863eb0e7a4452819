"""Confidence against accuracy, by hand and on a model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inkling.evaluation.calibration import calibration, measure_calibration
from inkling.evaluation.likelihood import measure
from inkling.tokens.dataset import PackedIds


def test_by_hand() -> None:
    """Two tokens at 0.9 of which one is right, one at 0.25 that is right, one at exactly 0.3
    (which belongs to the bin below) that is wrong."""
    found = calibration(np.array([0.9, 0.9, 0.25, 0.3]), np.array([True, False, True, False]))
    counts = [b.tokens for b in found.bins]
    assert counts == [0, 0, 2, 0, 0, 0, 0, 0, 2, 0]
    low = abs(0.5 - 0.275)
    high = abs(0.5 - 0.9)
    assert found.error == pytest.approx(0.5 * low + 0.5 * high)
    assert found.confidence == pytest.approx(0.5875)
    assert found.accuracy == 0.5


def test_a_perfect_and_a_boastful_forecaster() -> None:
    """Right as often as it says: 0. Always sure and never right: 1."""
    sure = np.full(1_000, 0.75)
    assert calibration(sure, np.arange(1_000) % 4 != 0).error == pytest.approx(0)
    assert calibration(np.ones(10), np.zeros(10, dtype=bool)).error == 1


class Constant(torch.nn.Module):
    """Token 1 with probability 0.6, tokens 0, 2, 3 share the rest, whatever came before."""

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        p = torch.tensor([0.4 / 3, 0.6, 0.4 / 3, 0.4 / 3])
        return p.log().expand(*ids_BT.shape, 4)


def test_every_scored_token_is_measured_once() -> None:
    """As many tokens as the loss counts; masked ones and <|end|> are left out."""
    ids = np.array([3, 1, 1, 0, 3, 1, 2, 1, 0, 1, 1, 3, 1], dtype=np.uint16)
    for mask in (None, (np.arange(len(ids)) % 2).astype(np.uint8)):
        data = PackedIds("val", ids, mask, ())
        found = measure_calibration(Constant(), data, end_id=3, context_length=4)
        loss = measure(Constant(), data, np.ones(4, dtype=np.int64), 3, 4)
        assert found is not None
        assert found.tokens == loss.tokens
        scored = ids[1:][(ids[1:] != 3) if mask is None else mask[1:] == 1]
        assert found.accuracy == pytest.approx((scored == 1).mean())
        assert found.error == pytest.approx(abs(0.6 - (scored == 1).mean()), abs=1e-6)


def test_nothing_to_measure() -> None:
    """An empty part has no calibration."""
    empty = PackedIds("val", np.zeros(0, dtype=np.uint16), None, ())
    assert measure_calibration(Constant(), empty, 3, 4) is None
