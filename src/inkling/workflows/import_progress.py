"""How far the reading of one source is.

Knows: counting what is read, and how long the rest takes. Does not know who looks at it.
Data: bytes, messages and pages as they are read -> `ImportMeter` -> `ImportProgress`, each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ImportProgress:
    """How far the reading of one source is."""

    source: str
    done: int
    """Bytes read, or pages fetched."""
    size: int
    """Bytes there are, of files that are read at all; or pages."""
    messages: int
    """Messages of chats read so far."""
    elapsed: float
    """Seconds since it began."""
    pages: bool = False
    """Whether it is an address, whose pages are counted instead of bytes."""

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.size) if self.size else 1.0

    @property
    def seconds_left(self) -> float | None:
        """None while too little is read to tell."""
        return self.elapsed / self.share * (1 - self.share) if self.share > 0.01 else None


class ImportMeter:
    """Bytes and messages of one source, told as progress."""

    def __init__(self, source: str, progress: Callable[[ImportProgress], None]) -> None:
        self.source, self._progress = source, progress
        self._done = self._size = self._messages = 0
        self._began = time.monotonic()

    def begin(self, size: int) -> None:
        """Forget what was read to find out what it is."""
        self._done, self._size = 0, size

    def read(self, count: int) -> None:
        self._done += count
        self._tell()

    def messages(self, count: int) -> None:
        self._messages += count
        self._tell()

    def pages(self, done: int, there: int) -> None:
        self._done, self._size = done, there
        self._tell(pages=True)

    def _tell(self, pages: bool = False) -> None:
        elapsed = time.monotonic() - self._began
        position = (self._done, self._size, self._messages)
        self._progress(ImportProgress(self.source, *position, elapsed, pages))
