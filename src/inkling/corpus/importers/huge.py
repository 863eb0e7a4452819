"""Files too large to be held whole: read in parts, each a document of its own.

Knows: where a text may be cut. Does not know: what a format means; each part goes to the
format's own reader. Data: file -> blocks of bytes -> one encoding for all -> parts of up to
four million characters -> reader -> items.

Parts are cut at fixed distances from the file's beginning, so that a file that has grown
since its last import repeats its earlier parts to the letter, and only the new ones are added.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from inkling.corpus.clean import tidy
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importing.charset import decoded, find_encoding
from inkling.corpus.importing.importer import ImportedRecord, Note, ReadOptions
from inkling.corpus.importing.reader import Reader
from inkling.corpus.importing.tree import TreeFile

PART_CHARACTERS = 4_000_000
BLOCK_BYTES = 1_000_000


def read(
    file: TreeFile, reader: Reader, lines_only: bool, options: ReadOptions
) -> Iterator[ImportedRecord]:
    """What `reader` finds in each part. With `lines_only` lines are records of their own, and are
    cut nowhere."""
    charset = find_encoding(lambda: _blocks(file), options.encoding)
    if charset is None:
        yield Dropped("binary, not text", file.path)
        return
    yield from (Note(note, file.path) for note in charset.notes)
    breaks = ("\n",) if lines_only else ("\n\n", "\n", ". ", " ")
    title: str | None = None
    timestamp: str | None = None
    number = 0
    for part in parts(decoded(_blocks(file), charset.encoding), breaks, PART_CHARACTERS):
        text = tidy(part)
        if not text.strip():
            continue
        number += 1
        for item in reader(text, f"{file.path} (part {number})", options):
            if isinstance(item, Document) and not lines_only:
                if number == 1:  # front matter stands in the first part and speaks for all
                    title, timestamp = item.title, item.timestamp
                item = replace(
                    item, title=f"{title or file.name} (part {number})", timestamp=timestamp
                )
            yield item
    if not number:
        yield Dropped("empty", file.path)


def parts(pieces: Iterable[str], breaks: tuple[str, ...], size: int) -> Iterator[str]:
    """A text in parts of half of `size` to `size` characters, cut behind the last of the first
    kind of break that there is in the second half; joined, they are the text with Unix line
    ends. One without any break is cut at `size`, or, where only lines may be cut, grows."""
    line_ends = io.IncrementalNewlineDecoder(None, translate=True)
    waiting: list[str] = []
    length, enough = 0, size
    for piece in chain(pieces, [None]):
        waiting.append(line_ends.decode(piece or "", final=piece is None))
        length += len(waiting[-1])
        if length < enough and piece is not None:
            continue
        text = "".join(waiting)
        start = 0
        while len(text) - start >= size and (cut := _cut(text, start, breaks, size)):
            yield text[start:cut]
            start = cut
        waiting = [text[start:]]
        length = len(waiting[0])
        # A line that does not end is looked at again when it has doubled, not at every piece.
        enough = max(size, 2 * length if length >= size else 0)
    if length:
        yield waiting[0]


def _cut(text: str, start: int, breaks: tuple[str, ...], size: int) -> int:
    """Where the part that begins at `start` ends; 0 where it cannot end yet."""
    for mark in breaks:
        found = text.rfind(mark, start + size // 2, start + size)
        if found != -1:
            return found + len(mark)
    if len(breaks) > 1:
        return start + size
    return text.find(breaks[0], start + size) + 1


def _blocks(file: TreeFile) -> Iterator[bytes]:
    with file.open() as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block
