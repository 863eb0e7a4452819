"""The files of one import, while they are sent and read: in a private folder of the workspace.

Knows: that each is called by a number there, so that no name that was sent is ever a path; that
they come one behind the other, without anything between them. Does not know what is in them.
Data: bytes in pieces -> `SentFiles.write` -> files -> `batch`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from inkling.errors import ServerError, explain_os_error
from inkling.locks import LockHeldError
from inkling.server.import_requests import SentFile
from inkling.wording import size
from inkling.workflows.import_batch import SentBatch, sources_of
from inkling.workspace import Workspace

SPARE_BYTES = 200_000_000
"""Disk space that an import leaves free, for what it stores."""


class ImportBusyError(ServerError):
    """An import is under way, or is not at the point where it can do what was asked."""


class SentFiles:
    """Holds the workspace's lock on imports until it is closed; then the folder is gone. Safe to
    use from several threads."""

    def __init__(self, workspace: Workspace, files: Sequence[SentFile]) -> None:
        """Raises ImportBusyError where another server imports, or where there is no room."""
        self.size = sum(file.size for file in files)
        self.received = 0
        self._folder = workspace.importing_path
        self._files = files
        self._number = -1
        self._left = 0
        self._open: BinaryIO | None = None
        self._held = contextlib.ExitStack()
        self._lock = threading.Lock()
        """Held while something is written: an import may be cancelled meanwhile."""
        self._closed = False
        try:
            self._held.enter_context(workspace.importing_lock())
            self._refuse_without_room(workspace)
            self._folder.mkdir(mode=0o700)
        except LockHeldError as error:
            raise ImportBusyError(
                f"Another import (process {error.process}) is under way in this workspace. Wait "
                "for it to end."
            ) from None
        except OSError as error:
            self.close()
            raise ImportBusyError(explain_os_error(error, self._folder, "write")) from None
        except BaseException:
            self.close()
            raise

    def _refuse_without_room(self, workspace: Workspace) -> None:
        free = shutil.disk_usage(workspace.path).free
        if self._files and self.size + SPARE_BYTES > free:
            raise ImportBusyError(
                f"This is {size(self.size)}, and {size(free)} of the disk are free. Free some "
                "space, or add it in a terminal, where nothing is copied: inkling add PATH."
            )

    def write(self, data: bytes) -> None:
        """The next bytes. Raises ImportBusyError where they are more than was announced, or cannot
        be written."""
        with self._writing():
            view = memoryview(data)
            while view:
                if not self._left:
                    self._next()
                taken = view[: self._left]
                assert self._open is not None
                self._open.write(taken)
                self._left -= len(taken)
                self.received += len(taken)
                view = view[len(taken) :]

    def finish(self) -> None:
        """All was sent. Raises ImportBusyError where something is missing."""
        with self._writing():
            if self.received < self.size:
                raise ImportBusyError(
                    "The files were not sent to their end: they changed meanwhile, or the "
                    "connection was cut. Choose them again."
                )
            while self._number + 1 < len(self._files):
                self._next()  # empty ones
            self._close_file()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ImportBusyError("This import was cancelled.")
            try:
                yield
            except OSError as error:
                raise ImportBusyError(explain_os_error(error, self._folder, "write")) from None

    def batch(self, workspace: Workspace) -> SentBatch:
        """What is sent, by the names it has there."""
        sizes = {self._place(number): file.size for number, file in enumerate(self._files)}
        sources = sources_of({f.path: place for f, place in zip(self._files, sizes, strict=True)})
        to_read = {
            s.shown_name: 1 + sum(sizes[place] for place in s.files.values()) for s in sources
        }
        return SentBatch(workspace, sources, to_read)

    def close(self) -> None:
        """Remove the files, and let another import begin."""
        with self._lock:
            self._closed = True
            with contextlib.suppress(OSError):
                self._close_file()
            self._held.close()

    def _place(self, number: int) -> Path:
        return self._folder / f"{number:06d}"

    def _next(self) -> None:
        """Go on to the next file that has bytes."""
        self._close_file()
        while True:
            self._number += 1
            if self._number == len(self._files):
                raise ImportBusyError("More was sent than was announced. Choose the files again.")
            handle = os.open(self._place(self._number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._open = os.fdopen(handle, "wb")
            self._left = self._files[self._number].size
            if self._left or self._number + 1 == len(self._files):
                return
            self._close_file()

    def _close_file(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
