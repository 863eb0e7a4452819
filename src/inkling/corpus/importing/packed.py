"""Single files that were packed: .gz, .bz2, .xz, .zst. Read as streams, never unpacked to a disk.

Knows: the packers, how large a packed file is, what unpacks to far too much. Does not know:
folders, archives of several files (importing.archive, importing.tar), formats.
Data: an open file -> `PackedFile` -> TreeFile under the name that it has unpacked.

Of a packed file nobody knows how long it is before it is read. Up to `MEASURED` bytes are, and one
that is longer counts as long as it would be if all of it packed as well as its beginning: enough to
know that it must be read in parts, and how far an import is.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, BinaryIO, cast

from inkling.corpus.importing.archive import MAX_RATIO, RATIO_MATTERS
from inkling.corpus.importing.stream import DAMAGE, reading

MEASURED = 16_000_001
"""Bytes: one more than what is read whole (importers.files)."""
BLOCK = 1 << 18

DAMAGED = "a damaged packed file: read in part"
BOMB = "unpacks to far more than any text: read in part"
NEEDS_ZSTD = "packed with Zstandard: run pip install backports.zstd, then add it again"


@dataclass(frozen=True)
class Unpacker:
    """How files of one ending are read."""

    open: Callable[[IO[bytes]], IO[bytes]]
    damage: tuple[type[Exception], ...] = DAMAGE


_UNPACKERS = {
    ".gz": Unpacker(lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file))),
    ".bz2": Unpacker(bz2.BZ2File),
    ".xz": Unpacker(lzma.LZMAFile),
}
_ZSTD = (".zst", ".zstd")


def packer_of(name: str) -> str | None:
    """The ending that says how a file is packed; None where it is not, or nothing is left
    without it."""
    stem, dot, _ = name.rpartition(".")
    ending = name[len(stem) :].lower()
    return ending if dot and stem and ending in (*_UNPACKERS, *_ZSTD) else None


def unpacker_of(ending: str) -> Unpacker | None:
    """What reads such files; None where a library is missing."""
    if ending not in _ZSTD:
        return _UNPACKERS[ending]
    # Python's own from 3.14 on, and the same module for those before.
    for name in ("compression.zstd", "backports.zstd"):
        try:
            zstd = import_module(name)
        except ImportError:
            continue
        return Unpacker(zstd.ZstdFile, (*DAMAGE, zstd.ZstdError))
    return None


class PackedFile:
    """A packed file of the disk. `on_damage` is told once, with the reason."""

    def __init__(
        self,
        path: Path,
        unpacker: Unpacker,
        on_read: Callable[[int], None],
        on_damage: Callable[[str], None],
    ) -> None:
        self._path, self._unpacker = path, unpacker
        self._on_read, self._on_damage = on_read, on_damage
        self._told = False

    def size(self) -> int:
        """Bytes that it unpacks to: exactly up to `MEASURED`, estimated above. Raises OSError
        where it cannot be opened."""
        with self._path.open("rb", buffering=0) as file:
            whole = file.seek(0, io.SEEK_END)
            file.seek(0)
            size = 0
            try:
                with self._unpacker.open(cast(IO[bytes], file)) as stream:
                    while size < MEASURED and (block := stream.read(BLOCK)):
                        size += len(block)
                    if size < MEASURED:
                        return size
            except self._unpacker.damage:  # told when it is read
                return size
            return max(MEASURED, size * whole // max(1, file.tell()))

    def open(self) -> BinaryIO:
        """A stream of its unpacked bytes, which ends at damage."""
        file = self._path.open("rb", buffering=0)
        return reading(cast(IO[bytes], _Bounded(file, self._unpacker)), self._on_read, self._tell)

    def _tell(self, error: Exception) -> None:
        if not self._told:
            self._on_damage(BOMB if isinstance(error, _TooMuchError) else DAMAGED)
        self._told = True


class _TooMuchError(ValueError):
    pass


class _Bounded(io.RawIOBase):
    """The unpacked bytes, and an end to them where they become too many for what was packed. It
    closes the packed file, which the unpackers leave open."""

    def __init__(self, file: IO[bytes], unpacker: Unpacker) -> None:
        self._file = file
        self._packed = file.seek(0, io.SEEK_END)
        file.seek(0)
        self._stream: IO[bytes] | None = None
        self._unpacker = unpacker
        self._most = max(RATIO_MATTERS, MAX_RATIO * self._packed)
        self._size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            if self._stream is None:
                self._stream = self._unpacker.open(self._file)
            data = self._stream.read(size)
        except self._unpacker.damage as error:
            raise ValueError(str(error)) from None
        self._size += len(data)
        if self._size > self._most:
            raise _TooMuchError
        return data

    def close(self) -> None:
        if not self.closed:
            if self._stream is not None:
                self._stream.close()
            self._file.close()
        super().close()
