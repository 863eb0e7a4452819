"""Lines and CSV rows of an export's text files, streamed.

Knows: encodings of exports (UTF-8 with or without a mark, else what the bytes are), line
ends, CSV. Does not know: any source.
Data: TreeFile -> `charset_of` -> `lines`; TreeFile -> `csv_rows`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from inkling.corpus.document import Dropped
from inkling.corpus.importing.charset import Charset, find_encoding, mended
from inkling.corpus.importing.importer import Note
from inkling.corpus.importing.json_items import UNREADABLE
from inkling.corpus.importing.tree import TreeFile

LINE_LIMIT = 4_000_000
"""Characters; a longer line comes in pieces."""

_FIELD_LIMIT = 50_000_000


def _blocks(file: TreeFile) -> Iterator[bytes]:
    with file.open() as stream:
        while block := stream.read(1 << 20):
            yield block


def charset_of(file: TreeFile, told: str | None) -> Charset:
    """How a file's bytes are read: as a person said, else as they look; exports are UTF-8."""
    try:
        return find_encoding(lambda: _blocks(file), told) or Charset("utf-8")
    except UNREADABLE:
        return Charset("utf-8")


def _text(stream: BinaryIO, charset: Charset, newline: str) -> io.TextIOWrapper:
    errors = "surrogateescape" if charset.encoding == "utf-8" else "replace"
    return io.TextIOWrapper(cast(Any, stream), charset.encoding, errors, newline)


def lines(file: TreeFile, charset: Charset) -> Iterator[str]:
    """Lines without their ends. Only line feeds end a line, so that others inside a message
    survive; the carriage return before one goes. Nothing where the file cannot be read."""
    try:
        with file.open() as stream:
            text = _text(stream, charset, "\n")
            while line := text.readline(LINE_LIMIT):
                yield mended(_unmarked(line).removesuffix("\n").removesuffix("\r"))
    except UNREADABLE:
        return


def _unmarked(line: str) -> str:
    """A line without byte order marks, which also stand where files were joined."""
    return line if line.isascii() else line.replace("\ufeff", "")


def csv_rows(
    file: TreeFile, encoding: str | None = None, backslash_quotes: bool = False
) -> Iterator[dict[str, str] | Dropped | Note]:
    """Rows by header, whatever the order of the columns; names of columns are lower case with
    single spaces. Lines above the header that have one field are none. The first thing is a Note
    where the encoding was guessed, the last a Dropped where the file cannot be read to its end.

    `backslash_quotes`: quotes in a field are written `\\"`, as LinkedIn's comments have them.
    """
    # The limit is the process's: text fields are longer than the module's default of 128 KB.
    csv.field_size_limit(max(csv.field_size_limit(), _FIELD_LIMIT))
    header: list[str] | None = None
    charset = charset_of(file, encoding)
    yield from (Note(note, file.path) for note in charset.notes)
    try:
        with file.open() as stream:
            text: Iterator[str] = map(mended, _text(stream, charset, ""))
            if backslash_quotes:
                text = map(_doubled_quotes, text)
            for fields in csv.reader(map(_unmarked, text)):
                if header is None:
                    if len(fields) > 1:
                        header = [_column(name) for name in fields]
                elif fields:
                    yield dict(zip(header, (f.replace("\r\n", "\n") for f in fields), strict=False))
    except csv.Error:
        yield Dropped("CSV that breaks off or is damaged", file.path)
    except UNREADABLE:
        yield Dropped("a file that cannot be read", file.path)


def csv_header(head: bytes) -> frozenset[str]:
    """Names of the columns of a CSV file that begins so."""
    text = head.decode("utf-8-sig", "replace")
    try:
        for fields in csv.reader(text.splitlines()[:6]):
            if len(fields) > 1:
                return frozenset(_column(name) for name in fields)
    except csv.Error:
        pass
    return frozenset()


def _column(name: str) -> str:
    return " ".join(name.removeprefix("\ufeff").casefold().split())


def _doubled_quotes(line: str) -> str:
    """`\\"` as CSV has it, except where the quote ends the line and so the field."""
    end = line.rstrip("\r\n")
    if '\\"' not in end:
        return line
    body, last = (end[:-2], end[-2:]) if end.endswith('\\"') else (end, "")
    return body.replace('\\"', '""') + last + line[len(end) :]
