"""What is in a zip archive: read where it lies, without unpacking it into files.

Knows: names, sizes and traps of archives. Does not know: folders, formats.
Data: an open file -> `ZipContents.members` -> TreeFile | Dropped; an archive in an archive gives
its members under its own name, `a.zip/inner.txt`.

Nothing is ever written under an archive's names. An archive that lies in another one is copied to
a temporary file without a name, because it can be read only by going back and forth in it.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO

from inkling.corpus.document import Dropped
from inkling.corpus.importing.stream import DAMAGE, reading
from inkling.corpus.importing.tree import TreeFile
from inkling.wording import size as bytes_in_words

MAX_ENTRIES = 300_000
"""In one source, archives within archives included. The largest exports have about 100,000."""
MAX_RATIO = 200
"""Bytes that one packed byte may become. Exports stay under 50."""
RATIO_MATTERS = 50_000_000
"""Unpacked bytes from which the ratio is looked at."""
MAX_TOTAL = 500_000_000_000
MAX_UNPACKED = 4_000_000_000
"""Bytes of archives within archives, and of packed tar archives: they are copied to be read."""
MAX_DEPTH = 4
IN_MEMORY = 32_000_000

_READABLE = frozenset(
    {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def shown(name: str) -> str:
    """A name as valid Unicode on one line: other bytes and control characters are escaped."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def is_furniture(parts: list[str]) -> bool:
    """Whether a path is a system's own: hidden files, and what macOS puts beside each file."""
    return any(
        (part.startswith(".") and part != "..")
        or part in ("__MACOSX", "node_modules", "__pycache__")
        for part in parts
    )


class ZipContents:
    """The archives of one source, and what they may still unpack to. `resources` closes them."""

    def __init__(
        self,
        resources: contextlib.ExitStack,
        on_read: Callable[[int], None],
        left_out: list[Dropped],
    ) -> None:
        self._resources, self._on_read, self._left_out = resources, on_read, left_out
        self._entries = self._total = self._nested = 0

    def keep(self, file: BinaryIO) -> BinaryIO:
        """The file, which is closed with the rest."""
        return self._resources.enter_context(file)

    def members(self, file: IO[bytes], prefix: str, name: str) -> Iterator[TreeFile | Dropped]:
        """Every file in an archive, its path behind `prefix`. `name` is the archive's own."""
        yield from self._members(file, prefix, name, 1)

    def _members(
        self, file: IO[bytes], prefix: str, name: str, depth: int
    ) -> Iterator[TreeFile | Dropped]:
        try:
            archive = self._resources.enter_context(zipfile.ZipFile(file))
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
            yield Dropped("a damaged zip archive", name)
            return
        # Not `is_dir`, which raises IndexError on an empty name before Python 3.12.
        infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
        refusal = self._refusal(infos)
        if refusal is not None:
            yield Dropped(refusal, name)
            return
        seen: set[str] = set()
        for info in infos:
            parts = _parts(info)
            path = prefix + shown("/".join(parts))
            if is_furniture(parts):
                continue
            if ".." in parts or not parts:
                yield Dropped("a name that leads out of the archive", path or name)
            elif path in seen:
                yield Dropped("a second file of the same name in the archive", path)
            elif info.flag_bits & 1:
                yield Dropped("encrypted: unpack it with its password first", path)
            elif info.compress_type not in _READABLE:
                yield Dropped("packed in a way that cannot be read: unpack it first", path)
            elif _is_bomb(info.file_size, info.compress_size):
                yield Dropped(_bomb(info.file_size), path)
            elif path.lower().endswith(".zip"):
                yield from self._inner(archive, info, path, depth)
            else:
                seen.add(path)
                yield TreeFile(path, info.file_size, self._opener(archive, info, path))

    def _refusal(self, infos: list[zipfile.ZipInfo]) -> str | None:
        self._entries += len(infos)
        self._total += sum(info.file_size for info in infos)
        if self._entries > MAX_ENTRIES:
            return f"an archive of more than {MAX_ENTRIES:,} files: unpack it and add a folder"
        packed = sum(info.compress_size for info in infos)
        unpacked = sum(info.file_size for info in infos)
        if self._total > MAX_TOTAL or _is_bomb(unpacked, packed):
            return _bomb(unpacked)
        return None

    def _inner(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, depth: int
    ) -> Iterator[TreeFile | Dropped]:
        self._nested += info.file_size
        if depth >= MAX_DEPTH or self._nested > MAX_UNPACKED:
            yield Dropped("an archive too deep or too large in another: unpack it first", path)
            return
        copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed with the rest)
        self._resources.enter_context(copy)
        with self._opener(archive, info, path)() as stream:
            while block := stream.read(1 << 20):
                copy.write(block)
        copy.seek(0)
        yield from self._members(copy, f"{path}/", path, depth + 1)

    def _opener(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str
    ) -> Callable[[], BinaryIO]:
        told = False

        def damaged(error: Exception) -> None:
            nonlocal told
            if not told:
                self._left_out.append(Dropped("damaged in the archive: read in part", path))
            told = True

        def open_member() -> BinaryIO:
            try:
                raw = archive.open(info)
            except DAMAGE as error:
                damaged(error)
                return io.BytesIO()
            return reading(raw, self._on_read, damaged)

        return open_member


def _parts(info: zipfile.ZipInfo) -> list[str]:
    """The parts of a member's path. Older packers write UTF-8 without saying so, and some on
    Windows put backslashes; roots and drive letters go."""
    name = info.filename
    if not info.flag_bits & 0x800 and not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    if "/" not in name:
        name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        del parts[0]
    return parts


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > RATIO_MATTERS and unpacked > MAX_RATIO * max(1, packed)


def _bomb(unpacked: int) -> str:
    return f"unpacks to {bytes_in_words(unpacked)}, far more than any export: left packed"
