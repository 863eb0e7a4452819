"""Which words of a question tell what the reply will be.

Knows: posting lists. Does not know: text. Data: the fields `question` and `reply` -> `telling`
-> a factor for each word, by which `index` weighs it.

"hello", "please" and the author's name are no rarer in questions than "swim" or "coriander", but
exchanges that share them have replies that have nothing in common. So a word is worth as much as
the replies of the exchanges that ask with it are alike: the mean cosine of their words (each by
its rarity) over all pairs of them, against the mean of all words. With v_i the reply vectors of
length 1 of the n exchanges that hold a word, that mean is (|Σ v_i|² − n) / (n (n − 1)), so no pair
is looked at. Learned from the author's own dialogs, it knows no language.
"""

from __future__ import annotations

import numpy as np

from inkling.memory.postings import Field

MOST_HOLDERS = 64
"""Of a word that more exchanges ask with, so many are looked at, spread evenly."""

PRIOR_HOLDERS = 3.0
"""A word is believed as if so many exchanges more had been average."""

POWER, LEAST, MOST = 0.5, 0.2, 1.6
"""The factor is (alikeness / mean) ** POWER, within these bounds."""

MOST_RECORDS = 100_000
"""Of more exchanges, so many are looked at, spread evenly."""

_WORDS_AT_ONCE = 2_000


def telling(question: Field, reply: Field) -> np.ndarray:
    """A factor for each word, (V,) float32; 1 for an average one and for one asked with once."""
    vocabulary, count = len(question.starts) - 1, len(reply.lengths)
    alike_V, holders_V = np.zeros(vocabulary), np.zeros(vocabulary)
    every = 1 + count // MOST_RECORDS
    vectors = _Vectors(reply, count, every)
    asked = np.flatnonzero(question.frequencies() > 1)
    for first in range(0, len(asked), _WORDS_AT_ONCE):
        chosen = asked[first : first + _WORDS_AT_ONCE]
        lists = [_spread(question.holding(int(word)), every) for word in chosen]
        sizes = np.array([len(holders) for holders in lists])
        several = sizes > 1
        chosen, sizes = chosen[several], sizes[several]
        lists = [holders for holders in lists if len(holders) > 1]
        if not lists:
            continue
        squares = vectors.squared_sums(np.concatenate(lists), np.repeat(range(len(lists)), sizes))
        alike_V[chosen] = (squares - sizes) / (sizes * (sizes - 1))
        holders_V[chosen] = sizes
    looked_at = holders_V > 0
    mean = alike_V[looked_at].mean() if looked_at.any() else 0.0
    if mean <= 0:
        return np.ones(vocabulary, dtype=np.float32)
    believed_V = (alike_V * holders_V + PRIOR_HOLDERS * mean) / (holders_V + PRIOR_HOLDERS)
    factors_V = np.clip((np.maximum(believed_V, 0) / mean) ** POWER, LEAST, MOST)
    return np.where(looked_at, factors_V, 1).astype(np.float32)


class _Vectors:
    """The replies of every n-th record as vectors of length 1 over words."""

    def __init__(self, reply: Field, count: int, every: int) -> None:
        kept = np.flatnonzero(reply.records % every == 0)
        words = np.searchsorted(reply.starts, kept, side="right") - 1
        order = np.argsort(reply.records[kept], kind="stable")
        owners = reply.records[kept][order]
        self._words = words[order]
        self._starts = np.searchsorted(owners, np.arange(count + 1))
        values = np.log1p(count / (reply.frequencies() + 0.5))[self._words]
        norms = np.sqrt(np.bincount(owners, values**2, minlength=count))
        self._values = values / norms[owners]

    def squared_sums(self, records: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """|Σ v|² over the records of each group; `groups` ascends from 0."""
        sizes = self._starts[records + 1] - self._starts[records]
        ends = np.cumsum(sizes)
        places = np.arange(ends[-1]) - np.repeat(ends - sizes, sizes)
        places += np.repeat(self._starts[records], sizes)
        keys = np.repeat(groups, sizes) << 32 | self._words[places]
        order = np.argsort(keys, kind="stable")
        bounds = np.flatnonzero(np.diff(keys[order], prepend=-1))
        sums = np.add.reduceat(self._values[places][order], bounds) if len(bounds) else keys
        return np.bincount(keys[order][bounds] >> 32, sums**2, minlength=int(groups[-1]) + 1)


def _spread(holders: np.ndarray, every: int) -> np.ndarray:
    holders = holders[holders % every == 0]
    return holders[:: max(1, len(holders) // MOST_HOLDERS)][:MOST_HOLDERS]
