"""From a path of the machine to a tree of files: a file, a folder, a zip, a tar, a compressed file.

Knows: walking folders, links, permissions. Does not know: what is in an archive (importing.archive,
importing.tar), how a file is compressed (importing.compressed), or what is in it.
Data: path -> `open_tree` -> `OpenTree`: the tree, and what was left out with its reason. Files that
lie under other names than their own, as sent ones do, are opened by `open_held`.

Hidden files, other workspaces and the folders of tools are nobody's writing and are not looked
into. A linked folder is read once, under the first name it is met by.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Self

from inkling.corpus.document import Dropped
from inkling.corpus.importing.archive import ZipContents, is_furniture, shown
from inkling.corpus.importing.compressed import (
    BOMB,
    CUT,
    DAMAGED,
    NEEDS_ZSTD,
    CompressedFile,
    compression_of,
    decompressor_of,
)
from inkling.corpus.importing.importer import Note
from inkling.corpus.importing.stream import reading
from inkling.corpus.importing.tar import TarContents, is_tar
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.workspace import CONFIG_NAME


def _ignore(count: int) -> None:
    """Nobody wants to know how much was read."""


class OpenTree:
    """A tree whose files can be read until it is closed. Use as a context manager."""

    def __init__(
        self,
        path: Path,
        on_read: Callable[[int], None] = _ignore,
        held: Mapping[str, Path] | None = None,
    ) -> None:
        """With `held` the path is a name and no place: each file is read where it says.

        Raises OSError where the path itself is not there or cannot be looked into.
        """
        self._on_read = on_read
        self.left_out: list[Dropped] = []
        """What is no file of the tree, and why; also what turns out to be damaged when read."""
        self.notes: list[Note] = []
        """What was read all the same: through a link that leads out, or up to damage."""
        with contextlib.ExitStack() as resources:
            self._zips = ZipContents(resources, on_read, self.left_out)
            self._tars = TarContents(resources, self._zips, on_read, self.left_out)
            if held is not None:
                found = self._held(path.name, held)
            elif path.is_dir():
                found = self._folder(path)
            else:
                found = self._file(path, shown(path.name), "")
            self.tree = Tree(shown(path.name), tuple(found), _holder(path, held))
            self._resources = resources.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._resources.close()

    def _folder(self, top: Path) -> Iterator[TreeFile]:
        root = os.path.realpath(top)
        seen: set[tuple[int, int]] = set()
        folders: list[tuple[str, str]] = [(str(top), "")]
        links: list[tuple[str, str]] = []
        # What lies in the tree itself is read under its own name, so links come last.
        while folders or links:
            linked = not folders
            path, prefix = links.pop(0) if linked else folders.pop()
            try:
                if linked and _contains(os.path.realpath(path), root):
                    self.left_out.append(
                        Dropped("a link to a folder that contains it", prefix[:-1])
                    )
                    continue
                status = os.stat(path)
                if (identity := (status.st_dev, status.st_ino)) in seen:
                    self.left_out.append(
                        Dropped("a link to a folder that is read already", prefix[:-1])
                    )
                    continue
                seen.add(identity)
                if linked:
                    self._say_if_outside(path, root, prefix[:-1])
                entries = sorted(os.scandir(path), key=lambda entry: os.fsencode(entry.name))
            except PermissionError:
                self.left_out.append(
                    Dropped("no permission to read the folder", prefix[:-1] or shown(path))
                )
                continue
            except OSError as error:
                self.left_out.append(_unreadable(error, prefix[:-1]))
                continue
            inner = []
            for entry in entries:
                if is_furniture([entry.name]):
                    continue
                name = prefix + shown(entry.name)
                if not os.path.isdir(entry.path):
                    if entry.is_symlink():
                        self._say_if_outside(entry.path, root, name)
                    yield from self._file(Path(entry.path), name, f"{name}/")
                elif os.path.exists(os.path.join(entry.path, CONFIG_NAME)):
                    continue  # another workspace
                elif entry.is_symlink():
                    links.append((entry.path, f"{name}/"))
                else:
                    inner.append((entry.path, f"{name}/"))
            folders += reversed(inner)

    def _say_if_outside(self, path: str, root: str, name: str) -> None:
        if os.path.exists(path) and not _contains(root, os.path.realpath(path)):
            self.notes.append(Note("read through a link that leads out of the folder", name))

    def _held(self, name: str, held: Mapping[str, Path]) -> Iterator[TreeFile]:
        """As `_folder` and `_file` would give the same files."""
        if held.keys() == {name}:
            yield from self._file(held[name], shown(name), "")
            return
        for path in sorted(held, key=lambda path: path.split("/")):
            if not is_furniture(path.split("/")):
                yield from self._file(held[path], shown(path), f"{shown(path)}/")

    def _file(self, path: Path, name: str, prefix: str) -> Iterator[TreeFile]:
        """The file, or the members of the archive that it is, behind `prefix`."""
        try:
            status = path.stat()
        except FileNotFoundError:
            self.left_out.append(Dropped("a link to nothing", name))
            return
        except OSError as error:
            self.left_out.append(_unreadable(error, name))
            return
        if not stat.S_ISREG(status.st_mode):
            self.left_out.append(Dropped("not a regular file", name))
        elif not os.access(path, os.R_OK):
            self.left_out.append(Dropped("no permission to read", name))
        elif name.lower().endswith(".zip") or is_tar(name):
            contents = self._tars if is_tar(name) else self._zips
            try:
                file = self._zips.keep(path.open("rb"))
            except OSError as error:
                self.left_out.append(_unreadable(error, name))
                return
            for member in contents.members(file, prefix, name):
                if isinstance(member, Dropped):
                    self.left_out.append(member)
                else:
                    yield member
        elif (ending := compression_of(name)) is not None:
            yield from self._compressed(path, name, prefix, ending)
        else:
            yield TreeFile(name, status.st_size, self._opener(path, name))

    def _compressed(self, path: Path, name: str, prefix: str, ending: str) -> Iterator[TreeFile]:
        """The one file that is in a compressed file, behind `prefix`, as of an archive."""

        decompressor = decompressor_of(ending)
        if decompressor is None:
            self.left_out.append(Dropped(NEEDS_ZSTD, name))
            return
        file = CompressedFile(
            path,
            decompressor,
            self._on_read,
            on_damage=lambda: self.notes.append(Note(CUT, name)),
            on_bomb=lambda: self.left_out.append(Dropped(BOMB, name)),
        )
        inner = prefix + name.rpartition("/")[2][: -len(ending)]
        try:
            size = file.size()
        except OSError as error:
            self.left_out.append(_unreadable(error, name))
            return
        if size is None:
            self.left_out.append(Dropped(DAMAGED, name))
        else:
            yield TreeFile(inner, size, file.open)

    def _opener(self, path: Path, name: str) -> Callable[[], BinaryIO]:
        def damaged(error: Exception) -> None:
            assert isinstance(error, OSError)
            self.left_out.append(_unreadable(error, name))

        return lambda: reading(path.open("rb", buffering=0), self._on_read, damaged)


def open_tree(path: Path, on_read: Callable[[int], None] = _ignore) -> OpenTree:
    """The files of a file, folder or archive. `on_read` gets how many bytes were read.

    Raises OSError where the path itself is not there or cannot be looked into.
    """
    return OpenTree(path, on_read)


def open_held(
    name: str, held: Mapping[str, Path], on_read: Callable[[int], None] = _ignore
) -> OpenTree:
    """The files of a folder of this name, by their paths in it, each read where it lies; or one
    file, whose path is the name. Names are shown, and nothing is opened under them."""
    return OpenTree(Path(name), on_read, held)


def _holder(path: Path, held: Mapping[str, Path] | None) -> str:
    """What the folder is called whose files stand at the top of the tree."""
    if held is not None:
        return "" if held.keys() == {path.name} else shown(path.name)
    place = Path(os.path.abspath(path))  # a name only: the folders above may not be looked into
    if path.is_dir():
        return shown(place.name)
    if place.suffix.lower() == ".zip" or is_tar(place.name):
        return shown(place.name.partition(".")[0])
    return shown(place.parent.name)


def _contains(folder: str, path: str) -> bool:
    return folder == path or os.path.commonpath([folder, path]) == folder


def _unreadable(error: OSError, name: str) -> Dropped:
    if isinstance(error, PermissionError):
        return Dropped("no permission to read", name)
    return Dropped(f"could not be read ({(error.strerror or str(error)).lower()})", name)
