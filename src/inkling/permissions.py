"""Who may read what Inkling writes: the account that it runs as, and nobody else.

Knows: the modes of files and folders, and how those of an older version are put right. Does not
know what lies where (inkling.workspace).

A file has its mode from its first byte, not from a `chmod` behind it: in between anybody could open
it. The command line also sets the process's umask (`inkling.__main__`), for whatever a library
writes.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600
UMASK = 0o077
"""What others than the owner may do: nothing."""


def private_opener(path: str, flags: int) -> int:
    """`opener=` of `open`: a file that this makes is its owner's alone."""
    return os.open(path, flags, FILE_MODE)


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing; each of them is its owner's alone, where
    `mkdir(parents=True)` gives its mode to the last one only. Raises OSError."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(FOLDER_MODE, exist_ok=True)


def create_private(path: Path) -> None:
    """Make an empty file where there is none; one that is there is not touched, not even opened:
    closing it again would take SQLite's locks away. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))


def is_open_to_others(path: Path) -> bool:
    """Whether other accounts may do anything with what is ours at a path."""
    try:
        status = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(status.st_mode) or status.st_uid != os.geteuid():
        return False
    return bool(status.st_mode & UMASK)


def is_shared_folder(folder: Path) -> bool:
    """Whether a folder has a purpose beside ours, which closing it would end: the root of the
    file system, a home folder, one that everybody writes to."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return True
    return folder == folder.parent or folder == Path.home() or bool(mode & stat.S_ISVTX)


def close_to_others(path: Path) -> bool:
    """Take a file or folder of ours away from other accounts; whether it was open to them. What
    cannot be changed, on a read-only disk, stays as it is."""
    if not is_open_to_others(path):
        return False
    try:
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~UMASK)
    except OSError:
        return False
    return True


def close_tree_to_others(top: Path) -> bool:
    """The same with all that lies in a folder. Links are not followed. One that is closed already
    is not gone through: nobody gets into it."""
    if not close_to_others(top):
        return False
    for parent, folders, files in os.walk(top):
        for name in folders + files:
            close_to_others(Path(parent, name))
    return True
