"""Documents that are a zip with XML in it, opened without trust: Word files, books, exports.

Knows: limits of size, XML without entities. Does not know: which parts a format has.
Data: bytes of a file -> `OfficeZip` -> a part -> `xml_events`.

An XML parser is asked to expand nothing: a file that declares an entity is refused.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

from inkling.corpus.importing.tree import TreeFile

PART_BYTES = 200_000_000
"""Of one part, unpacked. A book without its pictures has less than ten."""
TOTAL_BYTES = 500_000_000
_BLOCK_BYTES = 1 << 16

# What zipfile raises for a damaged zip.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, lzma.LZMAError, EOFError, OSError, ValueError,
    NotImplementedError, OverflowError,
)  # fmt: skip


class DamagedError(Exception):
    """The file cannot be read; the message is the reason that is told."""


class OfficeZip:
    """A zip whose parts are read one by one, up to a size."""

    def __init__(self, file: TreeFile) -> None:
        """Raises DamagedError where it is no zip."""
        if file.size > TOTAL_BYTES:
            raise DamagedError("larger than 500 MB")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(file.read()))
        except _DAMAGE as error:
            raise DamagedError("damaged, cannot be opened") from error
        self.names = frozenset(self._zip.namelist())
        self._left = TOTAL_BYTES

    def read(self, name: str) -> bytes:
        """A part. Raises DamagedError where it is missing, damaged, locked or too large."""
        if name not in self.names:
            raise DamagedError("damaged, a part is missing")
        limit = min(PART_BYTES, self._left)
        try:
            with self._zip.open(name) as stream:
                data = stream.read(limit + 1)
        except _DAMAGE as error:
            raise DamagedError("damaged, a part cannot be unpacked") from error
        except RuntimeError as error:  # what zipfile says of a password
            raise DamagedError("locked with a password") from error
        if len(data) > limit:
            raise DamagedError("unpacks to more than is read")
        self._left -= len(data)
        return data


class XmlEvent(NamedTuple):
    """A tag that opens or closes, or text."""

    kind: str
    """`open`, `close` or `text`."""
    name: str
    """Of the tag without its namespace; the text of a text."""
    attributes: dict[str, str]
    """Names without their namespaces."""


def xml_events(data: bytes) -> Iterator[XmlEvent]:
    """What stands in an XML document, in order. Raises DamagedError where it is malformed."""
    events: list[XmlEvent] = []
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True

    def opened(name: str, attributes: dict[str, str]) -> None:
        short = {key.rpartition("\n")[2]: value for key, value in attributes.items()}
        events.append(XmlEvent("open", name.rpartition("\n")[2], short))

    def closed(name: str) -> None:
        events.append(XmlEvent("close", name.rpartition("\n")[2], {}))

    def entity(*_: object) -> None:
        raise DamagedError("declares entities, which no such file needs")

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = lambda text: events.append(XmlEvent("text", text, {}))
    parser.EntityDeclHandler = entity
    try:
        for start in range(0, len(data), _BLOCK_BYTES):
            parser.Parse(data[start : start + _BLOCK_BYTES], False)
            yield from events
            events.clear()
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        yield from events
        raise DamagedError("damaged, malformed XML") from error
    yield from events
