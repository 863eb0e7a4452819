"""Compressed single files: .gz, .bz2, .xz, .zst. Read as streams, never decompressed to a disk.

Knows: the formats, how large such a file is, what decompresses to far too much. Does not know:
folders, archives of several files (importing.archive, importing.tar), formats.
Data: an open file -> `CompressedFile` -> TreeFile under its name without the ending.

How long such a file is nobody knows before it is read. Up to `MEASURED` bytes are, and the length
of a longer one is estimated, as if all of it compressed as well as its beginning: enough to know
that it must be read in parts, and how far an import is.
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

DAMAGED = "a damaged compressed file: nothing of it can be read"
CUT = "a compressed file whose end is missing or damaged: read up to there"
BOMB = "decompresses to far more than any text: read in part"
NEEDS_ZSTD = "compressed with Zstandard: run pip install backports.zstd, then add it again"


@dataclass(frozen=True)
class Decompressor:
    """How files of one ending are read."""

    open: Callable[[IO[bytes]], IO[bytes]]
    damage: tuple[type[Exception], ...] = DAMAGE


_DECOMPRESSORS = {
    ".gz": Decompressor(lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file))),
    ".bz2": Decompressor(bz2.BZ2File),
    ".xz": Decompressor(lzma.LZMAFile),
}
_ZSTD = (".zst", ".zstd")


def compression_of(name: str) -> str | None:
    """The ending that says how a file is compressed; None where it is not, or nothing is left
    without it."""
    stem, dot, _ = name.rpartition(".")
    ending = name[len(stem) :].lower()
    return ending if dot and stem and ending in (*_DECOMPRESSORS, *_ZSTD) else None


def decompressor_of(ending: str) -> Decompressor | None:
    """What reads such files; None where a library is missing."""
    if ending not in _ZSTD:
        return _DECOMPRESSORS[ending]
    # Python's own from 3.14 on, and the same module for those before.
    for name in ("compression.zstd", "backports.zstd"):
        try:
            zstd = import_module(name)
        except ImportError:
            continue
        return Decompressor(zstd.ZstdFile, (*DAMAGE, zstd.ZstdError))
    return None


class CompressedFile:
    """A compressed file of the disk. Once, `on_damage` is called where it ends before its end, or
    `on_bomb` where it is far too long; what comes before is read."""

    def __init__(
        self,
        path: Path,
        decompressor: Decompressor,
        on_read: Callable[[int], None],
        on_damage: Callable[[], None],
        on_bomb: Callable[[], None],
    ) -> None:
        self._path, self._decompressor = path, decompressor
        self._on_read, self._on_damage, self._on_bomb = on_read, on_damage, on_bomb
        self._reported = False

    def size(self) -> int | None:
        """Bytes of what is in it: exactly up to `MEASURED`, estimated above; None where it is so
        damaged that nothing is. Raises OSError where it cannot be opened."""
        with self._path.open("rb", buffering=0) as file:
            whole = file.seek(0, io.SEEK_END)
            file.seek(0)
            size = 0
            try:
                with self._decompressor.open(cast(IO[bytes], file)) as stream:
                    while size < MEASURED and (block := _some(stream, BLOCK)):
                        size += len(block)
                    if size < MEASURED:
                        return size
            except self._decompressor.damage:  # reported when it is read
                return size or None
            return max(MEASURED, size * whole // max(1, file.tell()))

    def open(self) -> BinaryIO:
        """A stream of what is in it, which ends at damage."""
        file = self._path.open("rb", buffering=0)
        return reading(
            cast(IO[bytes], _Bounded(file, self._decompressor)), self._on_read, self._tell
        )

    def _tell(self, error: Exception) -> None:
        if not self._reported:
            (self._on_bomb if isinstance(error, _TooMuchError) else self._on_damage)()
        self._reported = True


def _some(stream: IO[bytes], size: int) -> bytes:
    """Up to `size` bytes, none at the end: of a file that is cut off, `read` would lose what stands
    before the damage."""
    some: bytes = stream.read1(size)  # type: ignore[attr-defined]
    return some


class _TooMuchError(ValueError):
    pass


class _Bounded(io.RawIOBase):
    """What is in the file, and an end to it where it becomes too much for what was compressed. It
    closes the file, which decompressors leave open."""

    def __init__(self, file: IO[bytes], decompressor: Decompressor) -> None:
        self._file = file
        self._compressed = file.seek(0, io.SEEK_END)
        file.seek(0)
        self._stream: IO[bytes] | None = None
        self._decompressor = decompressor
        self._most = max(RATIO_MATTERS, MAX_RATIO * self._compressed)
        self._size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            if self._stream is None:
                self._stream = self._decompressor.open(self._file)
            data = _some(self._stream, size)
        except self._decompressor.damage as error:
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
