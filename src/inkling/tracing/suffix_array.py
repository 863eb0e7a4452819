"""Finding bytes in many bytes: the start of every suffix, in sorted order.

Knows: bytes. Does not know: characters, texts, files. Whatever begins with a pattern is one range
of the sorted suffixes, found by bisection.

Sources: suffix arrays are Manber and Myers (1990); the array is made by libdivsufsort (Mori;
Fischer and Kurpicz 2017).
"""

from __future__ import annotations

import mmap
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

# Bytes compared first when a match is extended; few matches are longer.
_FIRST_BYTES = 64


@dataclass(frozen=True)
class SuffixArray:
    """Bytes, and the starts of their suffixes in sorted order: (N,) int32."""

    content: bytes | mmap.mmap
    suffixes: memoryview[int]

    @classmethod
    def build(cls, content: bytes) -> SuffixArray:
        """Sort the suffixes, at most 2^31 - 1 of them."""
        if not content:
            return cls(content, memoryview(array("i")))
        from pydivsufsort import divsufsort

        return cls(content, memoryview(divsufsort(content)).cast("B").cast("i"))

    def contains(self, pattern: bytes) -> bool:
        """Whether the pattern stands anywhere."""
        content, length = self.content, len(pattern)
        first = bisect_left(self.suffixes, pattern, key=lambda at: content[at : at + length])
        if first == len(self.suffixes):
            return not pattern
        at = self.suffixes[first]
        return content[at : at + length] == pattern

    def range_of(self, pattern: bytes, low: int = 0, high: int | None = None) -> tuple[int, int]:
        """The range first … last of the suffixes between `low` and `high` that begin with the
        pattern; `last` is excluded."""
        content, length = self.content, len(pattern)

        def head(at: int) -> bytes:
            return content[at : at + length]

        first = bisect_left(self.suffixes, pattern, low, high, key=head)
        return first, bisect_right(self.suffixes, pattern, first, high, key=head)

    def longest_match(self, query: bytes, begin: int) -> int:
        """How many bytes of the query, counted from `begin`, stand anywhere, at most."""
        length = _FIRST_BYTES
        low, high = 0, len(self.suffixes)
        while True:
            pattern = query[begin : begin + length]
            first, last = self.range_of(pattern, low, high)
            if first == last:
                # The best match is a neighbour of where the pattern would stand.
                near = [self.suffixes[i] for i in (first - 1, first) if low <= i < high]
                return max(_common(pattern, self.content[at : at + length]) for at in near)
            if begin + length >= len(query):
                return len(pattern)
            low, high, length = first, last, 4 * length


def _common(left: bytes, right: bytes) -> int:
    """Length of the longest common prefix."""
    shorter = min(len(left), len(right))
    return bisect_left(range(shorter), True, key=lambda i: left[: i + 1] != right[: i + 1])
