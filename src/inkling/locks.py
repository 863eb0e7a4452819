"""Locks between processes, which the system frees when their holder dies.

Knows: a lock file that names the process that holds it, and a lock on a folder. Does not know what
is locked. Data: a file's path -> `LockFile.hold` in one process, `LockFile.process` in the others.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inkling.permissions import FILE_MODE


class LockHeldError(Exception):
    """Another process holds the lock; `process` is its number, as it wrote it down."""

    def __init__(self, process: str) -> None:
        super().__init__(process)
        self.process = process


@dataclass(frozen=True)
class LockFile:
    """A file that at most one process has locked, and that holds its number meanwhile."""

    path: Path

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock, or raise LockHeldError at once. Raises OSError where the file cannot be
        made."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(handle, 64).decode("ascii", "replace").strip() or "unknown"
                raise LockHeldError(holder) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            try:
                yield
            finally:
                os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def process(self) -> int | None:
        """The process that holds the lock; None where none does."""
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            holder = _read(handle)
            # One that ended well left the file empty: the lock is then not even tried, because
            # a trial could make a holder that begins at this very moment fail.
            if not holder.isdecimal() or not _is_alive(int(holder)):
                return None
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(holder)
        finally:
            os.close(handle)
        return None  # another program has that number now

    def changed(self) -> float:
        """When the lock was last taken or given back, as `time.time()`; 0 for never."""
        try:
            return self.path.stat().st_mtime
        except OSError:
            return 0.0


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, waiting for it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(handle: int) -> str:
    """What a lock file says; nothing where it is none."""
    try:
        return os.read(handle, 64).decode("ascii", "replace").strip()
    except OSError:  # of a folder
        return ""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # of another user
    return True
