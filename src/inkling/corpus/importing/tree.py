"""Files of an export, wherever they lie: one file, a folder, a zip, a zip in a zip.

Knows: paths, sizes, bytes. Does not know: formats, encodings.
Data: a path of the machine -> `Tree` -> `TreeFile` -> bytes.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol


class Opens(Protocol):
    """Opens the file that a path of a tree names."""

    def __call__(self) -> BinaryIO: ...


@dataclass(frozen=True)
class TreeFile:
    """One file of a tree."""

    path: str
    """Relative, with `/`; always valid Unicode, what is not is escaped (`caf\\xe9.txt`)."""
    size: int
    """Bytes, unpacked."""
    _open: Opens

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path of the folder it lies in, "" at the top."""
        return self.path.rpartition("/")[0]

    @property
    def suffix(self) -> str:
        """Lower case, with the dot; "" where there is none."""
        stem, dot, suffix = self.name.rpartition(".")
        return f".{suffix.lower()}" if dot and stem else ""

    def open(self) -> BinaryIO:
        """A stream of its bytes. Close it."""
        return self._open()

    def read(self, limit: int = -1) -> bytes:
        """Its first `limit` bytes, or all."""
        with self.open() as stream:
            return stream.read(limit)


@dataclass(frozen=True)
class Tree:
    """The files of one source, in sorted order."""

    name: str
    """What the person named: the last part of the path, or the address."""
    files: tuple[TreeFile, ...]
    holder: str = ""
    """What the folder is called in which the files at the top lie; "" where that is not known."""

    def folder_name(self, file: TreeFile) -> str:
        """What the folder is called in which a file lies: several exports name the chat by it."""
        return file.folder.rpartition("/")[2] or self.holder

    def matching(self, *patterns: str) -> Iterator[TreeFile]:
        """Files whose whole path fits one of the shell patterns; `*` crosses folders."""
        for file in self.files:
            if any(fnmatch.fnmatchcase(file.path, pattern) for pattern in patterns):
                yield file

    def get(self, path: str) -> TreeFile | None:
        """The file at exactly this path."""
        places = self._places.get(path)
        return self.files[places[0]] if places else None

    def only(self, paths: frozenset[str]) -> Tree:
        """The same tree with these files only."""
        places = sorted(place for path in paths for place in self._places.get(path, ()))
        return replace(self, files=tuple(self.files[place] for place in places))

    def without(self, paths: frozenset[str]) -> Tree:
        """The same tree without these files."""
        return replace(self, files=tuple(file for file in self.files if file.path not in paths))

    @functools.cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where in `files` a path stands; of an archive that holds a path twice, all."""
        places: dict[str, list[int]] = {}
        for place, file in enumerate(self.files):
            places.setdefault(file.path, []).append(place)
        return places
