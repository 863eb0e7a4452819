"""Which records hold which words: posting lists of one field, and how they are collected.

Knows: word numbers and record numbers. Does not know: text, scores, files.
Data: (word, record) pairs -> `PairCollector` -> `Field`. N records, V words, P postings.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_RECORD_BITS = 32
_RECORD_MASK = (1 << _RECORD_BITS) - 1


@dataclass(frozen=True)
class Field:
    """Posting lists: `records[starts[w] : starts[w + 1]]` are the records that hold word w.

    starts (V + 1,) int64; records (P,) int32, ascending in each list; lengths (N,) float32, how
    many words each record's field has.
    """

    starts: np.ndarray
    records: np.ndarray
    lengths: np.ndarray

    def holding(self, word: int) -> np.ndarray:
        """The records that hold a word, ascending."""
        return self.records[self.starts[word] : self.starts[word + 1]]

    def frequencies(self) -> np.ndarray:
        """How many records hold each word, (V,)."""
        return np.diff(self.starts)

    def damping(self, share: float) -> np.ndarray:
        """What BM25 divides by for the length of each record (its b is `share`), (N,): 1 for one
        of mean length."""
        filled = self.lengths[self.lengths > 0]
        mean = float(filled.mean()) if len(filled) else 1.0
        return 1 - share + share * np.maximum(self.lengths, 1) / mean


class PairCollector:
    """Gathers the words of one field, eight bytes for each word of each record."""

    def __init__(self) -> None:
        self._pairs = array("q")
        self._lengths = array("f")

    def add(self, words: Sequence[int]) -> None:
        """The word numbers of the next record."""
        record = len(self._lengths)
        self._lengths.append(len(words))
        self._pairs.extend([word << _RECORD_BITS | record for word in set(words)])

    def field(self, vocabulary: int) -> Field:
        """The posting lists of all that was added; what was gathered is let go."""
        gathered, self._pairs = self._pairs, array("q")
        pairs = np.frombuffer(gathered, dtype=np.int64)
        pairs.sort()
        bounds = np.arange(vocabulary + 1, dtype=np.int64) << _RECORD_BITS
        return Field(
            np.searchsorted(pairs, bounds),
            (pairs & _RECORD_MASK).astype(np.int32),
            np.array(self._lengths, dtype=np.float32),
        )
