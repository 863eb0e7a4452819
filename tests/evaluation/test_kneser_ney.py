"""The 5-gram against a slow one written from the paper, and against the axioms."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.evaluation.kneser_ney import KneserNey

Gram = tuple[int, ...]


class Slow:
    """Interpolated modified Kneser-Ney with dictionaries, one formula a method."""

    def __init__(self, ids: list[int], size: int, order: int) -> None:
        self.size = size
        raw = {
            n: Counter(zip(*(ids[i:] for i in range(n)), strict=False)) for n in range(1, order + 1)
        }
        self.counts: dict[int, Counter[Gram]] = {order: raw[order]}
        for n in range(1, order):
            before: dict[Gram, set[int]] = defaultdict(set)
            for gram in raw[n + 1]:
                before[gram[1:]].add(gram[0])
            self.counts[n] = Counter({gram: len(kinds) for gram, kinds in before.items()})
        self.order = order

    def discount(self, n: int, count: int) -> float:
        if count == 0:
            return 0.0
        n1, n2, n3, n4 = (sum(c == k for c in self.counts[n].values()) for k in (1, 2, 3, 4))
        if min(n1, n2, n3, n4) == 0:
            one = n1 / (n1 + 2 * n2) if n1 else 0.5
            return min(max(one, 0.1), 1)
        y = n1 / (n1 + 2 * n2)
        if count == 1:
            return min(max(1 - 2 * y * n2 / n1, 0.1), 1)
        if count == 2:
            return min(max(2 - 3 * y * n3 / n2, 0.1), 2)
        return min(max(3 - 4 * y * n4 / n3, 0.1), 3)

    def probability(self, context: Gram, symbol: int) -> float:
        context = context[max(0, len(context) - self.order + 1) :]
        n = len(context) + 1
        lower = self.probability(context[1:], symbol) if context else 1 / self.size
        followers = {g: c for g, c in self.counts[n].items() if g[:-1] == context}
        total = sum(followers.values())
        if not total:
            return lower
        count = followers.get((*context, symbol), 0)
        left = sum(self.discount(n, c) for c in followers.values()) / total
        return (count - self.discount(n, count)) / total + left * lower


def test_equals_the_slow_reference() -> None:
    """Every position of a held-out row, orders 1 to 5, to rounding."""
    source = random.Random(4)
    text = [min(int(source.expovariate(0.6)), 6) for _ in range(900)]
    train, held_out = text[:700], [*text[700:], 7, 7, 0, 1]
    for order in range(1, 6):
        fast = KneserNey.fit(np.array(train), 8, order).probability(np.array(held_out))
        slow = Slow(train, 8, order)
        for at, symbol in enumerate(held_out):
            context = tuple(held_out[max(0, at - order + 1) : at])
            assert fast[at] == pytest.approx(slow.probability(context, symbol), rel=1e-9)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=120),
    st.lists(st.integers(0, 5), max_size=5),
)
@settings(max_examples=120, deadline=None)
def test_sums_to_one_after_any_context(train: list[int], context: list[int]) -> None:
    """Contexts seen and unseen, with a symbol that training never saw; nothing is impossible."""
    model = KneserNey.fit(np.array(train), 6)
    mass = [model.probability(np.array([*context, symbol]))[-1] for symbol in range(6)]
    assert sum(mass) == pytest.approx(1)
    assert min(mass) > 0


def test_a_longer_memory_helps_where_there_is_something_to_remember() -> None:
    """On a row of period four the next symbol is certain after three."""
    row = np.array(list(itertools.islice(itertools.cycle([0, 1, 0, 2]), 2_000)))
    one, five = (KneserNey.fit(row, 3, order).probability(row)[4:].mean() for order in (1, 5))
    assert one < 0.5
    assert five > 0.99


def test_any_alphabet_fits() -> None:
    """Code points of any script, as ids: keys never outgrow 64 bits."""
    row = np.random.default_rng(0).integers(0, 90_000, 20_000)
    found = KneserNey.fit(row, 90_000).probability(row[:50])
    assert np.isfinite(found).all()
    assert (found > 0).all()
