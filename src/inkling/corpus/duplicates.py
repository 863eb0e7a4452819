"""Sections, and which of them say the same thing.

Knows: how to cut a text into sections, exact and near-duplicate clusters. Does not know: the
database, the split. Data: documents -> `cut_sections` -> `Fingerprints` -> one cluster number a
section; no text is kept.

A padded corpus is often one file, so the unit is a section (500 to 4,000 characters). Cuts
fall at headings and rules, else at blank lines chosen by the paragraph's own content, so
that two copies of a text are cut in the same places whatever stands before them.

Near duplicates: MinHash (Broder 1997) over shingles of 5 words, 14 bands of 8 rows, which
pairs sections of Jaccard similarity near 0.72 and above; candidates are verified. A section
that straddles two others is like neither; see `repeats`.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from inkling.corpus.clean import normalise

MIN_CHARACTERS, MAX_CHARACTERS = 500, 4_000
SHINGLE_WORDS = 5
BANDS, ROWS = 14, 8
MIN_WORDS = 50
SIMILARITY = 0.5
"""Estimated Jaccard similarity from which a candidate pair counts as the same text."""

_BLANK_LINES = re.compile(r"\n\s*\n")
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
    for paragraph in paragraphs(text):
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


def paragraphs(text: str) -> Iterator[str]:
    """Blank-line groups with the blank lines after them; a huge one is cut at line or
    sentence ends."""
    start = 0
    while start < len(text):
        match = _BLANK_LINES.search(text, start + 1)
        stop = match.end() if match else len(text)
        while stop - start > MAX_CHARACTERS:
            head = text[start : start + MAX_CHARACTERS]
            cut = max(head.rfind("\n") + 1, head.rfind(". ") + 2)
            cut = cut if cut > MIN_CHARACTERS else MAX_CHARACTERS
            yield text[start : start + cut]
            start += cut
        if start < stop:
            yield text[start:stop]
        start = stop


class Fingerprints:
    """What clustering must know of many texts, in some 400 bytes each, however long they are.

    Also keeps the distinct shingles whose hash is a multiple of `sampling` (0: none), for
    `Repeats`.
    """

    def __init__(self, sampling: int = 0) -> None:
        self.sampling = sampling
        self.word_hashes = WordHashes()
        # Exact copies by a 64-bit digest: at ten million texts the odds of one false match are
        # 3 in a million.
        self._digests = array("Q")
        self._signed = array("Q")
        self._signatures = array("H")
        self._shingles = array("Q")
        self._shingle_counts = array("I")

    def __len__(self) -> int:
        return len(self._digests)

    def add(self, text: str) -> None:
        """Take in the next text."""
        plain = normalise(text)
        words = plain.split(" ")
        shingles = shingle_hashes(words, self.word_hashes)
        if len(words) >= MIN_WORDS:
            self._signed.append(len(self))
            self._signatures.frombytes(_signature(shingles).tobytes())
        if self.sampling:
            kept = sampled(shingles, self.sampling)
            self._shingles.frombytes(kept.tobytes())
            self._shingle_counts.append(len(kept))
        self._digests.append(digest(plain))

    def shingles(self) -> tuple[np.ndarray, np.ndarray]:
        """Sampled shingles of all texts in order, uint64 (N,), and how many each text has."""
        hashes = np.frombuffer(self._shingles, dtype=np.uint64)
        return hashes, np.frombuffer(self._shingle_counts, dtype=np.uint32)

    def clusters(self) -> list[int]:
        """Cluster number of each text: the index of the first text that says the same."""
        digests = np.frombuffer(self._digests, dtype=np.uint64)
        _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        parent: list[int] = first[inverse].tolist()

        def root(index: int) -> int:
            while parent[index] != index:
                parent[index] = parent[parent[index]]
                index = parent[index]
            return index

        texts = np.frombuffer(self._signed, dtype=np.uint64).astype(np.int64)
        signatures = np.frombuffer(self._signatures, dtype=np.uint16).reshape(-1, BANDS * ROWS)
        alone = first[inverse[texts]] == texts
        buckets: dict[int, list[int]] = {}
        for row, bucket in _candidates(signatures, np.flatnonzero(alone)):
            index = int(texts[row])
            members = buckets.setdefault(bucket, [])
            for other in members:
                low, high = sorted((root(int(texts[other])), root(index)))
                if low != high and (signatures[other] == signatures[row]).mean() >= SIMILARITY:
                    parent[high] = low
                    break
            # A bucket keeps few members: those of one cluster stand for each other.
            if len(members) < 8:
                members.append(row)
        return [root(index) for index in range(len(parent))]


def cluster_duplicates(texts: Iterable[str]) -> list[int]:
    """Cluster number of each text: the index of the first text that says the same."""
    fingerprints = Fingerprints()
    for text in texts:
        fingerprints.add(text)
    return fingerprints.clusters()


def _candidates(signatures: np.ndarray, rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """(row, bucket) where a band of a row's signature is shared: by row, then band.

    signatures: (n, BANDS*ROWS) uint16; rows: those that take part, ascending.
    """
    found_rows: list[np.ndarray] = []
    found_buckets: list[np.ndarray] = []
    buckets = 0
    for band in range(BANDS):
        keys = np.zeros(len(rows), dtype=np.uint64)
        for value in signatures[rows, band * ROWS : (band + 1) * ROWS].T:
            keys = (keys ^ (keys >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15) + value
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        shared = np.flatnonzero(counts[inverse] > 1)
        found_rows.append(rows[shared])
        found_buckets.append(inverse[shared] + buckets)
        buckets += len(counts)
    every_row, every_bucket = np.concatenate(found_rows), np.concatenate(found_buckets)
    order = np.argsort(every_row, kind="stable")
    for row, bucket in zip(every_row[order], every_bucket[order], strict=True):
        yield int(row), int(bucket)


_GENERATOR = np.random.default_rng(20_260_101)
_MULTIPLIERS = _GENERATOR.integers(1, 1 << 63, BANDS * ROWS, dtype=np.uint64) * np.uint64(2) + (
    np.uint64(1)
)
_OFFSETS = _GENERATOR.integers(0, 1 << 63, BANDS * ROWS, dtype=np.uint64)


class WordHashes(dict[str, int]):
    """CRC-32 of words, remembered: a text is made of few words said often."""

    def __missing__(self, word: str) -> int:
        if len(self) >= 100_000:
            self.clear()
        self[word] = value = zlib.crc32(word.encode())
        return value


def digest(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def shingle_hashes(words: list[str], known: WordHashes) -> np.ndarray:
    """A 64-bit hash of every run of 5 words, (n-4,) uint64; none where there are fewer."""
    hashes = np.fromiter(map(known.__getitem__, words), dtype=np.uint64, count=len(words))
    shingles = np.zeros(max(0, len(words) - SHINGLE_WORDS + 1), dtype=np.uint64)
    for offset in range(SHINGLE_WORDS):
        part = hashes[offset : offset + len(shingles)]
        shingles = (shingles ^ (shingles >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15) + part
    return shingles


def sampled(shingles: np.ndarray, sampling: int) -> np.ndarray:
    """The distinct shingles whose hash is a multiple of `sampling`."""
    return np.unique(shingles[shingles % np.uint64(sampling) == 0])


def _signature(shingles: np.ndarray) -> np.ndarray:
    """MinHash signature: (BANDS*ROWS,) uint16, the high bits of multiply-add hashes."""
    lowest = np.full(BANDS * ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(shingles), 64):  # small enough for the processor's cache
        mixed = shingles[start : start + 64, None] * _MULTIPLIERS + _OFFSETS
        np.minimum(lowest, mixed.min(axis=0), out=lowest)
    return (lowest >> np.uint64(48)).astype(np.uint16)
