"""What of a section already stands in the sections before it.

Knows: shingles and which section had them first. Does not know: the database, clusters.
Data: `Fingerprints` -> `Repeats` -> shares of sections, and the spans left of one.

A section that straddles two repeated texts is like neither of them, so near-duplicate
clustering lets it pass; here it is looked through paragraph by paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.corpus.clean import normalise
from inkling.corpus.duplicates import Fingerprints, Section, paragraphs, sampled, shingle_hashes
from inkling.corpus.reading import TextRange

CONTAINED = 0.7
"""Share of known shingles from which a paragraph is a repeat."""
WHOLE_BELOW = 0.2
"""Share of known shingles under which a section is not looked into: quotes are no repeats."""


class Repeats:
    """Who said what first, among the texts of `fingerprints` that `counted` (n,) bool names."""

    def __init__(self, fingerprints: Fingerprints, counted: np.ndarray) -> None:
        self._sampling, self._words = fingerprints.sampling, fingerprints.word_hashes
        hashes, sizes = fingerprints.shingles()
        owners = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
        known = np.zeros(len(sizes), dtype=np.int64)
        tables: list[tuple[np.ndarray, np.ndarray]] = []
        for chosen in hash_ranges(hashes):
            chosen = chosen[counted[owners[chosen]]]
            order = chosen[np.argsort(hashes[chosen], kind="stable")]
            values, said_by = hashes[order], owners[order]
            begins = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
            if not len(values):
                continue
            lengths = np.diff(np.append(begins, len(values)))
            first = np.repeat(said_by[begins], lengths)
            known += np.bincount(said_by[said_by > first], minlength=len(sizes))
            shared = begins[lengths > 1]
            tables.append((values[shared], said_by[shared]))
        self.shares = known / np.maximum(1, sizes)
        """For each text, the share of its shingles that stand in an earlier one, (n,)."""
        empty = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint32)
        self._hashes, self._first = (
            np.concatenate(column) for column in zip(empty, *tables, strict=True)
        )

    def left_of(self, index: int, section: Section) -> Iterator[TextRange]:
        """The paragraphs of text number `index` that are no repeats.

        A paragraph is repeated when 70 % of its 5-word shingles stand in earlier texts.
        """
        start = section.start
        for paragraph in paragraphs(section.text):
            if self._share(index, paragraph) < CONTAINED:
                yield TextRange(section.document, start, start + len(paragraph))
            start += len(paragraph)

    def _share(self, index: int, text: str) -> float:
        found = sampled(shingle_hashes(normalise(text).split(" "), self._words), self._sampling)
        if not len(found) or not len(self._hashes):
            return 0.0
        at = np.searchsorted(self._hashes, found).clip(max=len(self._hashes) - 1)
        known = (self._hashes[at] == found) & (self._first[at] < index)
        return float(known.mean())


def hash_ranges(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of uint64 hashes, in ranges of their value, ascending: what is sorted or counted
    range by range needs a fraction of the memory. Within a range the indices ascend."""
    bits = (len(hashes) >> 18).bit_length()
    if not bits:
        yield np.arange(len(hashes))
        return
    top = (hashes >> np.uint64(64 - bits)).astype(np.uint32)
    for value in range(1 << bits):
        yield np.flatnonzero(top == value)
