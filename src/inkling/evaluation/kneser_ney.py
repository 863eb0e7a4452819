"""A character 5-gram with interpolated modified Kneser-Ney smoothing, in numpy.

Knows: n-gram counts. Does not know: text, models. Data: symbol ids -> `KneserNey.fit` ->
`probability` of every symbol of another row of ids, given the symbols before it.

Chen and Goodman 1999 (Computer Speech & Language 13, "An empirical study of smoothing
techniques"): three discounts an order, from the counts of counts; below the highest order a
count is the number of different symbols seen before the n-gram; under the unigram lies the
uniform distribution, so that nothing has probability 0.

An n-gram's id is its place among the n-grams of its order, so that no key ever needs more than
64 bits whatever the alphabet: key = id of the first n-1 symbols · size + last symbol.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ORDER = 5

_LEAST_DISCOUNT = 0.1
"""A discount of 0 would leave nothing to what was not seen; tiny texts can give one."""


@dataclass(frozen=True)
class _Level:
    """The n-grams of one order. keys, counts: (G,); totals, left_over: (contexts,)."""

    keys: np.ndarray
    counts: np.ndarray
    totals: np.ndarray
    left_over: np.ndarray
    """Share of a context's mass that the lower order hands out."""
    discounts: np.ndarray
    """By count: 0, 1, 2, 3 and more."""


@dataclass(frozen=True)
class KneserNey:
    """P(symbol | up to order-1 symbols before it) over an alphabet of `size` symbols."""

    size: int
    levels: tuple[_Level, ...]

    @classmethod
    def fit(cls, ids: np.ndarray, size: int, order: int = ORDER) -> KneserNey:
        """Count `ids` (N,), each in 0…size-1."""
        ids = np.asarray(ids, dtype=np.int64)
        order = max(1, min(order, len(ids)))
        context = np.zeros(len(ids), dtype=np.int64)
        keys: list[np.ndarray] = []
        counts: list[np.ndarray] = []
        grams: list[np.ndarray] = []
        for n in range(1, order + 1):
            key = context * size + ids[n - 1 :]
            found, first, gram = np.unique(key, return_index=True, return_inverse=True)
            if n > 1:
                # The kind of n-gram that begins at `first` ends in this (n-1)-gram.
                endings = grams[-1][first + 1]
                counts[-1] = np.bincount(endings, minlength=len(keys[-1]))
            keys.append(found)
            counts.append(np.bincount(gram, minlength=len(found)))
            grams.append(gram)
            context = gram[:-1]
        contexts = [1, *(len(found) for found in keys)]
        levels = (_level(*row, size) for row in zip(keys, counts, contexts, strict=False))
        return cls(size, tuple(levels))

    def probability(self, ids: np.ndarray) -> np.ndarray:
        """(N,) probabilities; the first symbols have shorter contexts."""
        ids = np.asarray(ids, dtype=np.int64)
        result = np.full(len(ids), 1 / self.size)
        context = np.zeros(len(ids), dtype=np.int64)
        for level in self.levels:
            key = context * self.size + ids
            at = np.searchsorted(level.keys, key).clip(max=len(level.keys) - 1)
            found = (context >= 0) & (level.keys[at] == key)
            count = np.where(found, level.counts[at], 0)
            total = np.where(context >= 0, level.totals[context], 0)
            kept = (count - level.discounts[count.clip(max=3)]) / total.clip(min=1)
            mixed = kept + level.left_over[context] * result
            result = np.where(total > 0, mixed, result)
            context = np.concatenate([[-1], np.where(found, at, -1)[:-1]])
        return result


def _level(keys: np.ndarray, counts: np.ndarray, contexts: int, size: int) -> _Level:
    discounts = _discounts(counts)
    owner = keys // size
    totals = np.bincount(owner, weights=counts, minlength=contexts)
    taken = np.bincount(owner, weights=discounts[counts.clip(max=3)], minlength=contexts)
    return _Level(keys, counts, totals, taken / totals.clip(min=1), discounts)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """Chen and Goodman's D1, D2, D3+; one discount for all where a count of counts is 0."""
    n1, n2, n3, n4 = (int((counts == count).sum()) for count in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0:
        one = n1 / (n1 + 2 * n2) if n1 else 0.5
        found = [one, one, one]
    else:
        y = n1 / (n1 + 2 * n2)
        found = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.array([0.0, *np.clip(found, _LEAST_DISCOUNT, [1, 2, 3])])
