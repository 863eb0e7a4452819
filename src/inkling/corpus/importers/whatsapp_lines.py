"""From the bytes of a WhatsApp export to lines, and which of them open a message.

Knows: encodings and the two header forms, `[date, time] ` and `date, time - `. Does not know:
which date is meant, who wrote what. Data: TreeFile -> `lines` -> Line -> `header` -> Header.
"""

from __future__ import annotations

import codecs
import functools
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from inkling.corpus.importers.whatsapp_stamps import Stamp, stamp
from inkling.corpus.importing.tree import TreeFile

# A longer line is read in pieces, which are put together again in the message.
LINE_CHARACTERS = 1_000_000
_MAX_NAME = 120

_MARK = "[\u200e\u200f\u202a-\u202e]{0,4}"
_BRACKETS = re.compile(rf"({_MARK})\[([^\[\]\n]{{8,60}})\][ \u00a0]?")
_DASH = re.compile(rf"({_MARK})(\d[^\n]{{6,48}}?)(?:\s[-–]\s|:\s)")
_STRAY = re.compile("[\udc80-\udcff]")
_NAME_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def _western(match: re.Match[str]) -> str:
    byte = bytes([ord(match[0]) - 0xDC00])
    return byte.decode("cp1252", errors="replace")


def repaired(text: str) -> str:
    """Text in which bytes that were not UTF-8 are read as the Windows-1252 they mostly are."""
    return text if text.isascii() else _STRAY.sub(_western, text)


def _encoding(file: TreeFile) -> str:
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


class Line(NamedTuple):
    """One line, or a piece of one that is very long."""

    number: int
    """From 1."""
    text: str
    end: str
    """Its line break: "\\n", "\\r\\n", or "" for the end of the file and inside a long line."""
    starts: bool
    """Whether a line begins here."""


def lines(file: TreeFile, encoding: str | None = None) -> Iterator[Line]:
    """All lines of a file, streamed. Raises OSError where it cannot be read."""
    used = encoding or _encoding(file)
    errors = "surrogateescape" if used == "utf-8-sig" else "replace"
    number, starts = 1, True
    with (
        file.open() as stream,
        io.TextIOWrapper(stream, encoding=used, errors=errors, newline="") as text,
    ):
        while line := text.readline(LINE_CHARACTERS):
            words = line.rstrip("\r\n")
            end = line[len(words) :]
            yield Line(number, repaired(words).lstrip("\ufeff"), end, starts)
            starts = end != ""
            number += starts


class Header(NamedTuple):
    """What opens a message."""

    stamp: Stamp
    shape: str
    """The same in all headers of one export."""
    marked: bool
    """A direction mark stands before it, as before media on an iPhone."""
    rest: str
    """The line after it: `Name: body`, or a notice."""

    @property
    def iphone(self) -> bool:
        return self.shape.startswith("[")


def header(line: str) -> Header | None:
    """The header at the start of a line, or None."""
    line = line.lstrip("\ufeff")
    match = _BRACKETS.match(line) or _DASH.match(line)
    if match is None:
        return None
    moment = stamp(match[2])
    if moment is None:
        return None
    opening = "[" if line[match.end(1)] == "[" else "-"
    return Header(moment, f"{opening} {moment.shape}", match[1] != "", line[match.end() :])


def author(name: str) -> str:
    """A name as it is shown: without direction marks and the `~` of people who are no contact."""
    name = " ".join(_NAME_MARKS.sub("", name).split())
    return name.removeprefix("~").strip() or name


def split_author(rest: str, prefixes: tuple[str, ...] = ()) -> tuple[str | None, str]:
    """(author, body) of what follows a header; no author for a notice.

    `prefixes` are the names in which a colon stands, with the colon and space behind them.
    """
    for prefix in prefixes:
        if rest.startswith(prefix):
            return author(prefix[:-2]), rest[len(prefix) :]
    name, colon, body = rest.partition(": ")
    if not colon and rest.endswith(":"):
        name, colon = rest[:-1], ":"
    known = _author_or_none(name) if colon and len(name) <= _MAX_NAME else None
    return (known, body) if known is not None else (None, rest)


# The same few names stand before every message.
@functools.lru_cache(maxsize=4096)
def _author_or_none(name: str) -> str | None:
    """The author of that name, None where it is no name."""
    # In a quotation: 'Wilma changed the subject from "Tea: at four" to …'.
    quoted = (
        name.count('"') % 2 == 1
        or name.count("“") != name.count("”")
        or name.count("«") != name.count("»")
    )
    return None if quoted else author(name) or None
