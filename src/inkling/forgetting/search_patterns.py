"""The forgotten text as patterns that any file can be searched for.

Knows: what counts as holding a text, and a fast search for many patterns at once. Does not know:
files, the corpus's rows.
Data: texts -> `SearchPatterns` -> `PatternSearch` -> patterns found in some bytes.

A file holds a text if it shares a run of about 27 characters with it (24, at every fourth place)
that stands nowhere in what stays: a reply that quotes half a sentence is found as well. The text
a person asked for with --match is searched for whole, from 12 bytes on; a shorter one would be
found by chance in any file of numbers, so it is looked for in databases cell by cell, and in
files of text as a word of its own. Text is compared in the form of `fold`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from inkling.corpus.clean import fold
from inkling.tokens.chat_format import normalize_turn

ANCHOR = 12
"""Bytes by which a place to look closer is found; nothing shorter is searched for in files."""
FRAGMENT, STRIDE = 24, 4
MAX_FRAGMENTS = 400_000
"""A very large source is sampled more thinly: what holds it holds much of it."""
MIN_WORD = 5


@dataclass(frozen=True)
class SearchPatterns:
    """What to search for, normalised. `asked` is the text of --match, of any length; `words`
    stand only in what was forgotten."""

    fragments: frozenset[str]
    hashes: frozenset[str] = frozenset()
    asked: str = ""
    words: frozenset[str] = frozenset()
    staying: frozenset[str] = frozenset()
    """Words of what stays."""

    @classmethod
    def of(
        cls, texts: Iterable[str], hashes: Iterable[str] = (), asked: str = ""
    ) -> SearchPatterns:
        """Cut texts into fragments. `hashes` are content hashes, found as they are."""
        plain = [form for text in (*texts, asked) if text for form in _forms(text)]
        stride = max(STRIDE, sum(map(len, plain)) // MAX_FRAGMENTS)
        fragments = set()
        for text in plain:
            last = len(text) - FRAGMENT
            if last >= 0:
                starts = {*range(0, last + 1, stride), last}
                fragments |= {text[start : start + FRAGMENT] for start in starts}
        words = {word for text in plain for word in _words(text)}
        return cls(frozenset(fragments), frozenset(hashes), fold(asked), frozenset(words))

    def without(self, staying: Iterable[str]) -> SearchPatterns:
        """The patterns that stand in nothing that stays; what was asked for always remains one."""
        search = PatternSearch(replace(self, hashes=frozenset(), asked=""))
        known: set[str] = set()
        words: set[str] = set()
        for text in _batches(staying):
            for plain in _forms(text):
                known |= search.found(plain.encode("utf-8", "surrogatepass"))
                words.update(_words(plain))
        return replace(
            self,
            fragments=self.fragments - known,
            words=self.words - words,
            staying=frozenset(words),
        )

    @property
    def too_short(self) -> bool:
        """Whether what was asked for is too short to search files for."""
        return 0 < len(self.asked.encode()) < ANCHOR

    @property
    def searchable(self) -> frozenset[str]:
        """What files are searched for."""
        asked = set() if self.too_short else _forms(self.asked)
        return frozenset(
            pattern
            for pattern in self.fragments | self.hashes | asked
            if len(pattern.encode("utf-8", "surrogatepass")) >= ANCHOR
        )


def _forms(text: str) -> set[str]:
    """As people write it, and as a model reads what others say."""
    return {fold(text), fold(normalize_turn("them", text))}


def _batches(texts: Iterable[str]) -> Iterator[str]:
    """Many short texts in one: a search has a cost of its own."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size > 1_000_000:
            yield "\n".join(batch)
            batch, size = [], 0
    yield "\n".join(batch)


def _words(plain: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", plain) if len(word) >= MIN_WORD]


class PatternSearch:
    """Finds any of many patterns in bytes: a table of their first 12 bytes says where to look."""

    def __init__(self, patterns: SearchPatterns) -> None:
        self._asked = patterns.asked.encode()
        self._word: re.Pattern[bytes] | None = None
        if patterns.too_short:
            # Letters of scripts without spaces have neighbours; those of others end somewhere.
            edge = rb"[a-z0-9]" if patterns.asked.isascii() else rb"[^\x00-\xff]"
            self._word = re.compile(rb"(?<!%s)%s(?!%s)" % (edge, re.escape(self._asked), edge))
        self._by_anchor: dict[bytes, list[bytes]] = {}
        for pattern in patterns.searchable:
            data = pattern.encode("utf-8", "surrogatepass")
            self._by_anchor.setdefault(data[:ANCHOR], []).append(data)
        self.longest = max((len(p) for ps in self._by_anchor.values() for p in ps), default=0)
        self._table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        for anchor in self._by_anchor:
            self._table[_hash_at(anchor, 0)] = True

    def holds(self, data: bytes) -> bool:
        """Whether a file's bytes hold any pattern, in any form that text may have."""
        for form, is_text in readings(data):
            if next(self._matches(form), None) is not None:
                return True
            if is_text and self._word is not None and self._word.search(form):
                return True
        return False

    def found(self, data: bytes) -> set[str]:
        """Every pattern that stands in the data, which is normalised text."""
        return {pattern.decode("utf-8", "surrogatepass") for pattern in self._matches(data)}

    def holds_cell(self, value: object) -> bool:
        """Whether a database's cell holds a pattern, or what was asked for, however short."""
        if value is None or isinstance(value, int | float):
            return False
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        return self.holds(data) or (
            bool(self._asked) and any(self._asked in form for form, _ in readings(data))
        )

    def _matches(self, data: bytes) -> Iterator[bytes]:
        if not self._by_anchor:
            return
        for offset in range(8):
            # Eight views, one for each alignment, together see every byte as a beginning.
            for index in np.flatnonzero(self._table[_hash_at(data, offset)]):
                at = offset + 8 * int(index)
                for pattern in self._by_anchor.get(data[at : at + ANCHOR], ()):
                    if data.startswith(pattern, at):
                        yield pattern


_TABLE_BITS = 22


def _hash_at(data: bytes, offset: int) -> np.ndarray:
    """A 22-bit hash of the 12 bytes at offset, offset + 8, …; (N,) int64."""
    count = max(0, (len(data) - offset - ANCHOR) // 8 + 1) if len(data) >= offset + ANCHOR else 0
    low = np.frombuffer(data, dtype="<u8", count=count, offset=offset) if count else _NONE
    # The last four bytes of the twelve, read with the four before them.
    high = np.frombuffer(data, dtype="<u8", count=count, offset=offset + 4) if count else _NONE
    mixed = (low * _ONE) ^ (high * _TWO)
    return (mixed >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)


_NONE = np.zeros(0, dtype="<u8")
_ONE, _TWO = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


_JSON_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|[nrtbf"\\/])')
_SAMPLE = 4_096


def readings(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The bytes in every form that a text may hide in, normalised, and whether it is text.

    As text; with JSON's escapes undone, twice at most; with HTML's; without the zero bytes of
    UTF-16 and UTF-32; and as they are, in lower case, where they are no text.
    """
    if not _is_text(data):
        yield data.lower(), False
        if data.count(b"\0") > len(data) // 4:
            yield from readings(data.replace(b"\0", b""))
        return
    text = data.decode("utf-8", "replace")
    seen = {text}
    todo = [text]
    while todo:
        form = todo.pop()
        yield fold(form).encode(), True
        for undo in (_without_json, _without_html):
            other = undo(form)
            if other not in seen and len(seen) < 6:
                seen.add(other)
                todo.append(other)
    if data.count(b"\0") > len(data) // 4:
        yield from readings(data.replace(b"\0", b""))


def _is_text(data: bytes) -> bool:
    """Whether some part of the data decodes with few errors; numbers do not."""
    step = max(_SAMPLE, len(data) // 16)
    for start in range(0, len(data), step):
        sample = data[start : start + _SAMPLE].replace(b"\0", b"").decode("utf-8", "replace")
        if sample and sample.count("\ufffd") <= len(sample) // 20:
            return True
    return False


def _without_json(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _JSON_ESCAPE.sub(lambda match: json.loads(f'"{match[0]}"'), text)
    # Two escapes of one character above U+FFFF make a pair of surrogates.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_html(text: str) -> str:
    if "&" not in text:
        return text
    import html

    return html.unescape(text)
