"""Values out of JSON files that are too large to hold, and out of ones that break off.

Knows: what can go wrong in a file. Does not know: JSON's structure (`json_stream`), any source.
Data: TreeFile -> `json_items` -> values, then a Dropped where the file breaks off.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.importing.json_shape import BROKEN, Shape
from inkling.corpus.importing.json_stream import JsonStream, valid_text
from inkling.corpus.importing.tree import TreeFile

UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error)
"""What opening or reading a damaged file raises."""

DAMAGED = "JSON that breaks off or is damaged"


def json_items(
    file: TreeFile, key: str | None = None, shape: type[Shape] | None = None
) -> Iterator[Any]:
    """The values of the list that a file holds, or that stands in its object under `key`, a few at
    a time; objects in a shape where one is given. A value that is damaged is a Dropped in its
    place; where the file breaks off, the last thing is one."""
    try:
        with file.open() as stream:
            pulled = JsonStream(stream)
            for value in _values(pulled, key, shape):
                if value is not BROKEN:
                    yield value
                elif not pulled.damaged:  # the end of the file is told below
                    yield Dropped(DAMAGED, file.path)
            if pulled.damaged:
                yield Dropped(DAMAGED, file.path)
    except UNREADABLE:
        yield Dropped("a file that cannot be read", file.path)


def _values(pulled: JsonStream, key: str | None, shape: type[Shape] | None) -> Iterator[Any]:
    if key is None:
        yield from pulled.items(shape)
        return
    for field in pulled.fields():
        if field == key:
            yield from pulled.items(shape)


def json_value(file: TreeFile) -> Any:
    """All of a small JSON file, None where it is not valid."""
    try:
        with file.open() as stream:
            value = JsonStream(stream).value()
    except UNREADABLE:
        return None
    return None if value is BROKEN else value


def head_of(file: TreeFile, size: int = 65_536) -> bytes:
    """The beginning of a file, empty where it cannot be read."""
    try:
        return file.read(size)
    except UNREADABLE:
        return b""


def text_or_none(value: object) -> str | None:
    """A string that can be stored, None for anything else."""
    return valid_text(value) if isinstance(value, str) else None


def dict_of(value: object) -> dict[str, Any]:
    """The object, or an empty one where the value is something else."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """The list, or an empty one where the value is something else."""
    return value if isinstance(value, list) else []
