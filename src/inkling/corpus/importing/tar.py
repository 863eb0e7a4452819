"""What is in a tar archive, packed or not: Google Takeout's .tgz, and others.

Knows: names, sizes and traps of tar archives. Does not know: folders, formats.
Data: an open file -> `TarContents.members` -> TreeFile | Dropped.

A tar archive is read where it lies. A packed one can be read only from its beginning, so it is
unpacked as a whole into a temporary file without a name; nothing is written under its names.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, cast

from inkling.corpus.document import Dropped
from inkling.corpus.importing.archive import (
    IN_MEMORY,
    MAX_ENTRIES,
    MAX_RATIO,
    MAX_UNPACKED,
    RATIO_MATTERS,
    ZipContents,
    is_furniture,
    shown,
)
from inkling.corpus.importing.stream import reading
from inkling.corpus.importing.tree import TreeFile
from inkling.wording import size as bytes_in_words


def _gunzipped(file: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file))


_PACKERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".tgz": _gunzipped,
    ".tar.gz": _gunzipped,
    ".tbz2": bz2.BZ2File,
    ".tar.bz2": bz2.BZ2File,
    ".txz": lzma.LZMAFile,
    ".tar.xz": lzma.LZMAFile,
}

_HEADER_BYTES = 16_000_000
"""A header that says of itself that it is longer is never read."""

_DAMAGE = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)

_DAMAGED = "a damaged tar archive: read in part"


def is_tar(name: str) -> bool:
    """Whether a file is a tar archive by its name."""
    return name.lower().endswith((".tar", *_PACKERS))


class TarContents:
    """The tar archives of one source. `resources` closes them, `zips` reads zips in them."""

    def __init__(
        self,
        resources: contextlib.ExitStack,
        zips: ZipContents,
        on_read: Callable[[int], None],
        left_out: list[Dropped],
    ) -> None:
        self._resources, self._zips = resources, zips
        self._on_read, self._left_out = on_read, left_out
        self._entries = self._unpacked = 0

    def members(self, file: IO[bytes], prefix: str, name: str) -> Iterator[TreeFile | Dropped]:
        """What is in an open archive, behind `prefix`; `name` stands for the archive itself."""
        ends = (end for end in _PACKERS if name.lower().endswith(end))
        packer = _PACKERS.get(next(ends, ""))
        if packer is not None:
            unpacked = self._copy(file, packer, name)
            if isinstance(unpacked, Dropped):
                yield unpacked
                return
            file = unpacked
        seen: set[str] = set()
        try:
            # Closes nothing of its own: the file is the caller's.
            archive = tarfile.open(fileobj=cast(BinaryIO, _Headers(file)), mode="r:")  # noqa: SIM115
            for info in archive:
                self._entries += 1
                if self._entries > MAX_ENTRIES:
                    many = f"an archive of more than {MAX_ENTRIES:,} files"
                    yield Dropped(f"{many}: unpack it and add a folder", name)
                    return
                if not info.isdir():
                    yield from self._member(file, info, prefix, name, seen)
        except _DAMAGE:
            yield Dropped(_DAMAGED if seen else "a damaged tar archive", name)

    def _member(
        self, file: IO[bytes], info: tarfile.TarInfo, prefix: str, name: str, seen: set[str]
    ) -> Iterator[TreeFile | Dropped]:
        parts = [part for part in info.name.split("/") if part not in ("", ".")]
        path = prefix + shown("/".join(parts))
        if is_furniture(parts):
            return
        if ".." in parts or not parts:
            yield Dropped("a name that leads out of the archive", path or name)
        elif path in seen:
            yield Dropped("a second file of the same name in the archive", path)
        elif not info.isreg() or info.issparse():
            yield Dropped("a link or another thing in the archive that is no file", path)
        elif path.lower().endswith(".zip"):
            seen.add(path)
            part = _Part(file, info.offset_data, info.size)
            yield from self._zips.members(cast(BinaryIO, part), f"{path}/", path)
        else:
            seen.add(path)
            yield TreeFile(path, info.size, self._opener(file, info, path))

    def _copy(
        self, file: IO[bytes], packer: Callable[[IO[bytes]], IO[bytes]], name: str
    ) -> IO[bytes] | Dropped:
        """What the packed archive unpacks to; a damaged one up to the damage."""
        copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed with the rest)
        self._resources.enter_context(copy)
        packed, size = file.seek(0, io.SEEK_END), 0
        file.seek(0)
        try:
            with packer(file) as stream:
                while block := stream.read(1 << 16):
                    size += len(block)
                    self._unpacked += len(block)
                    if size > RATIO_MATTERS and size > MAX_RATIO * packed:
                        return Dropped("unpacks to far more than any export: left packed", name)
                    if self._unpacked > MAX_UNPACKED:
                        limit = bytes_in_words(MAX_UNPACKED)
                        return Dropped(
                            f"unpacks to more than {limit}: unpack it and add the folder", name
                        )
                    copy.write(block)
                    self._on_read(len(block))
        except _DAMAGE:
            if not size:
                return Dropped("a damaged tar archive", name)
            self._left_out.append(Dropped(_DAMAGED, name))
        copy.seek(0)
        return cast(IO[bytes], copy)

    def _opener(self, file: IO[bytes], info: tarfile.TarInfo, path: str) -> Callable[[], BinaryIO]:
        def damaged(error: Exception) -> None:
            self._left_out.append(Dropped("damaged in the archive: read in part", path))

        start, size = info.offset_data, info.size
        return lambda: reading(cast(BinaryIO, _Part(file, start, size)), self._on_read, damaged)


class _Headers:
    """The archive as `tarfile` sees it, which reads a header of any length that it claims."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER_BYTES:
            raise tarfile.ReadError("a header that is too long")
        return self._file.read(size)


class _Part(io.RawIOBase):
    """One member, read out of the archive's file, which others read from in between."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size = file, start, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("a place before the beginning")
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(view), self._size - self._at)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
