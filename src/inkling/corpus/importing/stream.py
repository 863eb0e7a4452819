"""Bytes of a file while they are read: counted, and ended where the file is damaged.

Knows: a raw stream, and whom to tell. Does not know: folders, archives, formats.
Data: raw stream -> `reading` -> buffered stream -> an importer.

A stream of a damaged file ends at the damage instead of raising: an importer reads what there is,
and the damage is reported once, by whoever opened the file.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, BinaryIO, cast

BUFFER = 1 << 18

DAMAGE = (
    OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, ValueError,
)  # fmt: skip
"""What reading a file or an archive's member raises for what is on the disk. RuntimeError: an
encrypted member; ValueError: bz2; NotImplementedError is a RuntimeError."""


class _Told(io.RawIOBase):
    def __init__(
        self,
        raw: IO[bytes],
        on_read: Callable[[int], None],
        on_damage: Callable[[Exception], None],
    ) -> None:
        self._raw, self._on_read, self._on_damage = raw, on_read, on_damage

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._raw.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            if isinstance(self._raw, io.FileIO):
                count = self._raw.readinto(view)
            else:
                data = self._raw.read(len(view))
                count = len(data)
                view[:count] = data
        except DAMAGE as error:
            self._on_damage(error)
            return 0
        self._on_read(count)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def reading(
    raw: IO[bytes], on_read: Callable[[int], None], on_damage: Callable[[Exception], None]
) -> BinaryIO:
    """A buffered stream over `raw` that says how many bytes were read, and ends at damage."""
    return cast(BinaryIO, io.BufferedReader(_Told(raw, on_read, on_damage), BUFFER))
