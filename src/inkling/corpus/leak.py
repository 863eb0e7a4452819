"""How much of the held-out text also stands in the training text: what clustering cannot mend.

Knows: runs of 50 characters, by their hash. Does not know: how the split was made.
Data: sections of both sides, gone through one at a time -> a share.

Of more than two million held-out characters an evenly spread part is looked up, so that what
is remembered stays bounded; all of the training text is searched.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np

from inkling.corpus.duplicates import Section, digest
from inkling.corpus.reading import evenly
from inkling.corpus.repeats import hash_ranges

LEAK_RUN = 50
LOOKED_UP = 2_000_000
"""Held-out characters looked up in the training text, at most."""
BOILERPLATE_DOCUMENTS = 3

# Characters hashed at once: the arrays of a piece fit the processor's cache.
_PIECE = 32_000


def leak(train: Iterable[Section], held_out: Iterable[Section]) -> float:
    """Share of the held-out characters inside 50-character runs that stand in train.

    Compared with white space collapsed; paragraphs found in three or more documents are
    boilerplate and left out on both sides. Goes through both sides more than once.
    """
    characters = sum(section.stop - section.start for section in held_out)
    if not characters:
        return 0.0
    boilerplate = _boilerplate((train, held_out))
    lengths: list[int] = []
    hashes: list[np.ndarray] = []
    for section in evenly(held_out, LOOKED_UP / characters):
        text = _comparable(section.text, boilerplate)
        lengths.append(len(text))
        hashes.append(_run_hashes(text))
    total = sum(lengths)
    wanted = np.unique(np.concatenate(hashes))
    if not total or not len(wanted):
        return 0.0
    found = _found(wanted, train, boilerplate)
    covered = 0
    for length, runs in zip(lengths, hashes, strict=True):
        mask = np.zeros(length + 1, dtype=np.int64)
        hits = np.flatnonzero(found[np.searchsorted(wanted, runs)])
        np.add.at(mask, hits, 1)
        np.add.at(mask, hits + min(LEAK_RUN, length), -1)
        covered += int((np.cumsum(mask[:-1]) > 0).sum())
    return covered / total


def _found(wanted: np.ndarray, train: Iterable[Section], boilerplate: set[int]) -> np.ndarray:
    """Which of the sorted hashes in `wanted` occur in train: (N,) bool."""
    found = np.zeros(len(wanted), dtype=bool)
    # A table of the hashes' top bits sends most runs home without a search.
    bits = min(25, len(wanted).bit_length() + 4)
    shift = np.uint64(64 - bits)
    possible = np.zeros(1 << bits, dtype=bool)
    possible[wanted >> shift] = True
    for text in _joined(train, boilerplate):
        for start in range(0, max(1, len(text) - LEAK_RUN + 1), _PIECE):
            runs = _run_hashes(text[start : start + _PIECE + LEAK_RUN - 1])
            runs = runs[possible[runs >> shift]]
            at = np.searchsorted(wanted, runs).clip(max=len(wanted) - 1)
            found[at[wanted[at] == runs]] = True
    return found


def _boilerplate(sides: Iterable[Iterable[Section]]) -> set[int]:
    """Digests of the paragraphs that stand in three or more documents."""
    numbers: dict[str, int] = {}
    said = array("Q")
    said_in = array("I")
    for side in sides:
        for section in side:
            number = numbers.setdefault(section.document, len(numbers))
            for paragraph in _paragraphs(section.text):
                said.append(digest(paragraph))
                said_in.append(number)
    if len(numbers) < BOILERPLATE_DOCUMENTS:
        return set()
    hashes = np.frombuffer(said, dtype=np.uint64)
    documents = np.frombuffer(said_in, dtype=np.uint32)
    boilerplate: set[int] = set()
    for chosen in hash_ranges(hashes):
        order = chosen[np.lexsort((documents[chosen], hashes[chosen]))]
        values, owners = hashes[order], documents[order]
        fresh = np.concatenate([[True], (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])])[
            : len(values)
        ]
        kinds, counts = np.unique(values[fresh], return_counts=True)
        boilerplate.update(kinds[counts >= BOILERPLATE_DOCUMENTS].tolist())
    return boilerplate


def _paragraphs(text: str) -> Iterator[str]:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return (paragraph for paragraph in paragraphs if paragraph)


def _comparable(text: str, boilerplate: set[int]) -> str:
    if not boilerplate:
        return " ".join(_paragraphs(text))
    return " ".join(p for p in _paragraphs(text) if digest(p) not in boilerplate)


def _joined(sections: Iterable[Section], boilerplate: set[int]) -> Iterator[str]:
    """Texts of runs of neighbouring sections: runs across a cut count as well."""
    group: list[str] = []
    end = ("", 0)
    for section in sections:
        if group and (section.document, section.start) != end:
            yield " ".join(group)
            group = []
        group.append(_comparable(section.text, boilerplate))
        end = section.document, section.stop
    if group:
        yield " ".join(group)


_BASE = np.uint64(0x9E3779B97F4A7C15)
_BASE_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))


def _run_hashes(text: str) -> np.ndarray:
    """A 64-bit hash of every run of 50 characters (of the whole text, where it is shorter).

    Polynomial modulo 2^64 over mixed code points, by prefix sums: the base is odd, so it can
    be divided out.
    """
    length = min(LEAK_RUN, len(text))
    if not length:
        return np.zeros(0, dtype=np.uint64)
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    mixed = (codes + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    powers, inverse = _powers(1 << len(codes).bit_length())
    prefix = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(mixed * powers[: len(codes)], out=prefix[1:])
    count = len(codes) - length + 1
    return (prefix[length:] - prefix[:-length]) * inverse[:count]


@lru_cache(maxsize=32)
def _powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first powers of the base and of its inverse, from the first on."""
    bases = (np.full(count, base, dtype=np.uint64) for base in (_BASE, _BASE_INVERSE))
    powers, inverse = (np.cumprod(base) for base in bases)
    return powers, inverse
