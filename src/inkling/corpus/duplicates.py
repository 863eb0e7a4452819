"""Sections, and which of them say the same thing.

Knows: how to cut a text into sections, exact and near-duplicate clusters. Does not know: the
database, the split. Data: documents -> `cut_sections` -> `cluster_duplicates` -> one cluster
number a section.

A padded corpus is often one file, so the unit is a section (500 to 4,000 characters). Cuts
fall at headings and rules, else at blank lines chosen by the paragraph's own content, so
that two copies of a text are cut in the same places whatever stands before them.

Near duplicates: MinHash (Broder 1997) over shingles of 5 words, 14 bands of 8 rows, which
pairs sections of Jaccard similarity near 0.72 and above; candidates are verified. A section
that straddles two others is like neither, so what is left is looked through once more,
paragraph by paragraph (`drop_repeats`).
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inkling.corpus.clean import normalise

MIN_CHARACTERS, MAX_CHARACTERS = 500, 4_000
SHINGLE_WORDS = 5
BANDS, ROWS = 14, 8
MIN_WORDS = 50
SIMILARITY = 0.5
"""Estimated Jaccard similarity from which a candidate pair counts as the same text."""

CONTAINED = 0.7
"""Share of known shingles from which a paragraph is a repeat."""
WHOLE_BELOW = 0.2
"""Share of known shingles under which a section is not looked into: quotes are no repeats."""

_HARD_CUT = re.compile(r"#{1,6}\s|([-*_=~])(\s*\1){2,}\s*$|(chapter|part|section)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """Characters start … start+len(text) of a document's text."""

    document: str
    start: int
    text: str

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


def cut_sections(document: str, text: str) -> Iterator[Section]:
    """Cut a text into sections; joined, they are the text."""
    start = size = 0
    for paragraph in _paragraphs(text):
        at = start + size
        hard = _HARD_CUT.match(paragraph) is not None
        full = size >= MIN_CHARACTERS and size + len(paragraph) > MAX_CHARACTERS
        if size and ((hard and size >= MIN_CHARACTERS // 2) or full):
            yield Section(document, start, text[start:at])
            start, size = at, 0
        size += len(paragraph)
        # A cut that depends only on this paragraph falls alike in every copy of it.
        if size >= MIN_CHARACTERS and zlib.crc32(normalise(paragraph).encode()) % 2 == 0:
            yield Section(document, start, text[start : start + size])
            start, size = start + size, 0
    if size:
        yield Section(document, start, text[start : start + size])


def _paragraphs(text: str) -> Iterator[str]:
    """Blank-line groups with the blank lines after them; a huge one is cut at line or
    sentence ends."""
    for match in re.finditer(r".+?(?:\n\s*\n|\Z)", text, flags=re.DOTALL):
        block = match[0]
        while len(block) > MAX_CHARACTERS:
            head = block[:MAX_CHARACTERS]
            cut = max(head.rfind("\n") + 1, head.rfind(". ") + 2)
            cut = cut if cut > MIN_CHARACTERS else MAX_CHARACTERS
            yield block[:cut]
            block = block[cut:]
        if block:
            yield block


def cluster_duplicates(texts: Sequence[str]) -> list[int]:
    """Cluster number of each text: the index of the first text that says the same."""
    parent = list(range(len(texts)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(a: int, b: int) -> None:
        low, high = sorted((root(a), root(b)))
        parent[high] = low

    first_with: dict[str, int] = {}
    signatures: dict[int, np.ndarray] = {}
    for index, text in enumerate(texts):
        plain = normalise(text)
        same = first_with.setdefault(plain, index)
        if same != index:
            join(same, index)
            continue
        words = plain.split(" ")
        if len(words) >= MIN_WORDS:
            signatures[index] = _signature(words)

    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for index, signature in signatures.items():
        for band in range(BANDS):
            key = (band, signature[band * ROWS : (band + 1) * ROWS].tobytes())
            for other in buckets[key]:
                if root(other) != root(index):
                    alike = float((signatures[other] == signature).mean())
                    if alike >= SIMILARITY:
                        join(other, index)
                        break
            # A bucket keeps few members: those of one cluster stand for each other.
            if len(buckets[key]) < 8:
                buckets[key].append(index)
    return [root(index) for index in range(len(texts))]


def drop_repeats(sections: Sequence[Section]) -> list[list[Section]]:
    """For each section, what of it does not stand in the sections before it.

    A section of which little is repeated stays whole; else its repeated paragraphs go. A
    paragraph is repeated when 70 % of its 5-word shingles stand in text kept before. Above
    four million words the shingles are sampled by their hash, so that memory stays bounded.
    """
    sampling = np.uint64(1 + sum(len(section.text) for section in sections) // 24_000_000)
    known: set[int] = set()

    def share_known(text: str) -> tuple[float, set[int]]:
        words = normalise(text).split(" ")
        if len(words) < SHINGLE_WORDS:
            return 0.0, set()
        hashes = _shingles(words)
        found = set(hashes[hashes % sampling == 0].tolist())
        return len(found & known) / max(1, len(found)), found

    kept: list[list[Section]] = []
    for section in sections:
        share, shingles = share_known(section.text)
        pieces = [section]
        if share >= WHOLE_BELOW:
            pieces = []
            start = section.start
            for paragraph in _paragraphs(section.text):
                if share_known(paragraph)[0] < CONTAINED:
                    pieces.append(Section(section.document, start, paragraph))
                start += len(paragraph)
        kept.append(pieces)
        known |= shingles
    return kept


_GENERATOR = np.random.default_rng(20_260_101)
_MULTIPLIERS = _GENERATOR.integers(1, 1 << 63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + (
    np.uint64(1)
)
_OFFSETS = _GENERATOR.integers(0, 1 << 63, BANDS * ROWS, dtype=np.uint64)


def _shingles(words: list[str]) -> np.ndarray:
    """A 64-bit hash of every run of 5 words."""
    hashes = np.array([zlib.crc32(word.encode()) for word in words], dtype=np.uint64)
    shingles = np.zeros(len(words) - SHINGLE_WORDS + 1, dtype=np.uint64)
    for offset in range(SHINGLE_WORDS):
        part = hashes[offset : offset + len(shingles)]
        shingles = (shingles ^ (shingles >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15) + part
    return shingles


def _signature(words: list[str]) -> np.ndarray:
    """MinHash signature: (BANDS*ROWS,) uint32, the high halves of multiply-add hashes."""
    mixed = _shingles(words)[:, None] * _MULTIPLIERS + _OFFSETS
    return (mixed.min(axis=0) >> np.uint64(32)).astype(np.uint32)
