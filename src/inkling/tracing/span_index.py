"""Which spans of a text stand word for word in other texts.

Knows: texts by number, characters, and the index's files. Does not know: runs, documents, tokens.
Data: texts -> `SpanIndex.build` -> `save` / `open` (memory-mapped) -> `spans(text)`.

The texts lie one after the other in UTF-8, each closed by a byte that UTF-8 never uses, so
that no match reaches from one text into the next; a `SuffixArray` finds bytes in them.
A character's first byte is never a later byte of another (UTF-8 synchronises itself), so a
match that begins at a character of the query begins at one of the text as well; its end is
rounded down to a whole character.

In a folder: `text.bin`, `suffixes.bin` (int32), `starts.bin` (int64, the first byte of each
text and the end), `characters.bin` (int64, characters before every 4,096th byte), `about.json`
(the maker's own notes) and `index.json` (version, byte order, length and CRC-32 of each file).
"""

from __future__ import annotations

import json
import mmap
import sys
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from inkling.atomic_files import atomic_folder
from inkling.errors import CorpusError
from inkling.regular_files import open_regular, parse_json, read_json
from inkling.tracing.suffix_array import SuffixArray

VERSION = 1
MIN_CHARACTERS = 20
MAX_BYTES = 2**31 - 1

_INDEX = "index.json"
_TEXT, _SUFFIXES, _STARTS, _CHARACTERS, _ABOUT = _FILES = (
    "text.bin", "suffixes.bin", "starts.bin", "characters.bin", "about.json",
)  # fmt: skip
_SEPARATOR = b"\xff"
_BLOCK = 4096
# All that is not the first byte of a character.
_CONTINUATION = bytes(range(0x80, 0xC0))


class Place(NamedTuple):
    """Where a span stands: the number of the text, and the character at which it begins."""

    text: int
    character: int


@dataclass(frozen=True)
class MatchedSpan:
    """Characters start … stop of the query, which stand `count` times in the indexed texts.

    `places` are the first of them, in the order of the texts.
    """

    start: int
    stop: int
    count: int
    places: tuple[Place, ...]

    @property
    def length(self) -> int:
        return self.stop - self.start


def covered(spans: Sequence[MatchedSpan]) -> int:
    """How many characters of the query lie in at least one of the spans."""
    total = reached = 0
    for span in sorted(spans, key=lambda span: span.start):
        total += max(0, span.stop - max(span.start, reached))
        reached = max(reached, span.stop)
    return total


class SpanIndex:
    """Texts and the sorted starts of their suffixes."""

    def __init__(
        self,
        array: SuffixArray,
        starts: memoryview[int],
        characters: memoryview[int],
        about: dict[str, Any],
    ) -> None:
        self._array = array
        self._text = array.content
        self._starts = starts
        self._characters = characters
        self.about = about

    # -- making, keeping --------------------------------------------------------------------

    @classmethod
    def build(cls, texts: Iterable[bytes | str], about: dict[str, Any] | None = None) -> SpanIndex:
        """Index texts (bytes must be UTF-8), numbered as they come. `about` is kept with them.

        Takes about five bytes of memory for each byte of text. Raises CorpusError above 2 GB,
        ValueError for what is not valid Unicode.
        """
        starts = array("q", [0])
        held = bytearray()
        for text in texts:
            if isinstance(text, str):
                held += text.encode()
            else:
                text.decode()
                held += text
            held += _SEPARATOR
            if len(held) > MAX_BYTES:
                raise CorpusError(
                    "There is more than 2.1 GB of text, too much for the index of its passages. "
                    "Copied passages can be traced in runs trained on less."
                )
            starts.append(len(held))
        content = bytes(held)
        del held
        characters = array("q", accumulate(_characters_in_blocks(content), initial=0))
        return cls(
            SuffixArray.build(content), memoryview(starts), memoryview(characters), about or {}
        )

    def save(self, folder: Path) -> None:
        """Write the index; a reader sees all of it or what was there before."""
        contents = {
            _TEXT: self._text,
            _SUFFIXES: self._array.suffixes.cast("B"),
            _STARTS: self._starts.cast("B"),
            _CHARACTERS: self._characters.cast("B"),
            _ABOUT: json.dumps(self.about, ensure_ascii=False).encode(),
        }
        with atomic_folder(folder) as temporary:
            for name, content in contents.items():
                (temporary / name).write_bytes(content)
            files = {name: [len(data), zlib.crc32(data)] for name, data in contents.items()}
            index = {"version": VERSION, "byteorder": sys.byteorder, "files": files}
            (temporary / _INDEX).write_text(json.dumps(index))

    @classmethod
    def open(cls, folder: Path) -> SpanIndex | None:
        """Map an index. None where there is none, or one that is damaged, cut short or of
        another version: its maker builds it anew."""
        try:
            index = read_json(folder / _INDEX)
            if (index["version"], index["byteorder"]) != (VERSION, sys.byteorder):
                return None
            mapped = {name: _mapped(folder / name) for name in _FILES}
            for name, content in mapped.items():
                if [len(content), zlib.crc32(content)] != index["files"][name]:
                    return None
            about = parse_json(mapped[_ABOUT][:])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(
            SuffixArray(mapped[_TEXT], memoryview(mapped[_SUFFIXES]).cast("i")),
            memoryview(mapped[_STARTS]).cast("q"),
            memoryview(mapped[_CHARACTERS]).cast("q"),
            about,
        )

    # -- reading ----------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._starts) - 1

    def characters(self, text: int) -> int:
        """How many characters a text has."""
        end = self._starts[text + 1] - len(_SEPARATOR)
        return self._characters_before(end) - self._characters_before(self._starts[text])

    def part(self, text: int, start: int, stop: int) -> str:
        """Characters start … stop of a text, as far as there are any."""
        before, total = self._characters_before(self._starts[text]), self.characters(text)
        start, stop = max(0, min(start, total)), max(0, min(stop, total))
        return self._text[self._byte(before + start) : self._byte(before + stop)].decode()

    def spans(
        self, text: str, min_characters: int = MIN_CHARACTERS, max_places: int = 10
    ) -> list[MatchedSpan]:
        """The maximal stretches of `text` with at least `min_characters` that stand in the
        indexed texts, in order. They may overlap; none lies within another.

        Some 0.1 ms for each hundred characters that nothing matches.
        """
        assert min_characters >= 1
        query = _Query(text)
        found = []
        # Every span not yet found begins at `low` or later and ends at `stop` or later.
        low, stop = 0, min_characters
        while stop <= len(text):
            start = self._farthest(query, low, stop)
            if stop - start < min_characters:
                low, stop = start, start + min_characters
                continue
            end = query.character(
                query.bytes_at[start]
                + self._array.longest_match(query.content, query.bytes_at[start])
            )
            found.append(self._span(query, start, end, max_places))
            low, stop = start + 1, end + 1
        return found

    def _span(self, query: _Query, start: int, stop: int, max_places: int) -> MatchedSpan:
        import numpy as np

        first, last = self._array.range_of(query.between(start, stop))
        where = np.asarray(self._array.suffixes[first:last])
        if len(where) > max_places:
            where = np.partition(where, max_places)[:max_places]
        places = tuple(self._place(int(at)) for at in np.sort(where))
        return MatchedSpan(start, stop, last - first, places)

    def _farthest(self, query: _Query, low: int, stop: int) -> int:
        """The first character from `low` on from which the query up to `stop` stands somewhere.

        Bisecting the beginning leaps, where nothing matches, over most of a shortest span at
        once, and costs a logarithm of a long span's length instead of all of it.
        """

        def stands(start: int) -> bool:
            return self._array.contains(query.between(start, stop))

        return low + bisect_left(range(low, stop), True, key=stands)

    # -- bytes and characters ---------------------------------------------------------------

    def _place(self, at: int) -> Place:
        text = bisect_right(self._starts, at) - 1
        return Place(
            text, self._characters_before(at) - self._characters_before(self._starts[text])
        )

    def _characters_before(self, at: int) -> int:
        block = at // _BLOCK
        return self._characters[block] + _count(self._text[block * _BLOCK : at])

    def _byte(self, character: int) -> int:
        """The byte at which a character begins, counted from the beginning of everything."""
        block = bisect_right(self._characters, character) - 1
        content = self._text[block * _BLOCK : (block + 1) * _BLOCK]
        wanted = character - self._characters[block] + 1
        inside = bisect_left(range(len(content)), wanted, key=lambda i: _count(content[: i + 1]))
        return block * _BLOCK + inside


class _Query:
    """A text in bytes, with the byte at which each of its characters begins."""

    def __init__(self, text: str) -> None:
        # A lone surrogate becomes bytes that stand in no text.
        self.content = text.encode("utf-8", "surrogatepass")
        self.bytes_at = list(accumulate(map(_size, text), initial=0))

    def between(self, start: int, stop: int) -> bytes:
        return self.content[self.bytes_at[start] : self.bytes_at[stop]]

    def character(self, byte: int) -> int:
        """How many whole characters end at or before a byte."""
        return bisect_right(self.bytes_at, byte) - 1


def _size(character: str) -> int:
    """Bytes of a character in UTF-8."""
    return 1 if character < "\x80" else len(character.encode("utf-8", "surrogatepass"))


def _characters_in_blocks(content: bytes) -> Iterator[int]:
    for start in range(0, len(content), _BLOCK):
        yield _count(content[start : start + _BLOCK])


def _count(content: bytes) -> int:
    """Characters (and separators) that begin in these bytes."""
    return len(content.translate(None, _CONTINUATION))


def _mapped(path: Path) -> bytes | mmap.mmap:
    with open_regular(path) as file:
        if path.stat().st_size == 0:  # an empty file cannot be mapped
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
