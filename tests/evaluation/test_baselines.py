"""Uniform and bigram, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inkling.evaluation.baselines import bigram, uniform
from inkling.tokens.dataset import PackedIds


def packed(ids: list[int]) -> PackedIds:
    """Ids as a part."""
    return PackedIds("part", np.array(ids, dtype=np.uint16), None, ())


ONE_CHARACTER_EACH = np.array([1, 1, 1, 0])
END = 3


def test_uniform_is_ln_v() -> None:
    """One character a token: ln V; two a token: half of it. <|end|> is not scored."""
    part = packed([3, 0, 1, 3, 2])
    assert uniform(part, 7, ONE_CHARACTER_EACH, END) == pytest.approx(math.log(7))
    assert uniform(part, 7, ONE_CHARACTER_EACH * 2, END) == pytest.approx(math.log(7) / 2)


def test_bigram_by_hand() -> None:
    """Train 0 1 0 1 0 2; held out 0 1 2. After 0: twice 1, once 2; after 1: twice 0."""
    train, held_out = packed([0, 1, 0, 1, 0, 2]), packed([0, 1, 2])
    p1, p2 = (2 + 1) / (6 + 4), (1 + 1) / (6 + 4)
    after_0 = (2 + 2 * p1) / (3 + 2)
    after_1 = (0 + 1 * p2) / (2 + 1)
    expected = -(math.log(after_0) + math.log(after_1)) / 2
    assert bigram(train, held_out, 4, ONE_CHARACTER_EACH, END) == pytest.approx(expected)


def test_bigram_is_a_distribution() -> None:
    """Over all next tokens the probabilities sum to one, for seen and unseen tokens."""
    train = packed([0, 1, 0, 2, 1, 0])
    for first in range(4):
        mass = sum(
            math.exp(-bigram(train, packed([first, second]), 4, np.ones(4, dtype=int), end_id=99))
            for second in range(4)
        )
        assert mass == pytest.approx(1)
