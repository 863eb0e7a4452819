"""What a crawl has fetched already, so that it continues where it stopped.

Knows: a file of JSON lines that grows until a crawl has ended. Does not know: what is kept in it.
A value is found under its key and a fingerprint of what the site said of it: a post that changed
is fetched again. Where a site says nothing, `visit` is the fingerprint: such a page is fetched once
in each crawl, however often that was stopped. A line that was torn by a kill is no line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inkling.atomic_files import atomic_write
from inkling.permissions import make_private_folder, private_opener

_VISITS = "visits"


class CrawlState:
    """A file of fetched values, or nothing where there is no path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._places: dict[str, tuple[str, int]] = {}
        """key -> (fingerprint, where its line begins)."""
        self._torn = False
        if path is None or not path.exists():
            return
        with path.open("rb") as stream:
            start = 0
            for line in stream:
                self._torn = not line.endswith(b"\n")
                entry = _entry(line)
                if entry is not None and not self._torn:
                    self._places[entry["key"]] = (entry["fingerprint"], start)
                start += len(line)

    @property
    def visit(self) -> str:
        """Which crawl this is: the same until one was `finished`."""
        return f"visit {self._visits}"

    @property
    def _visits(self) -> int:
        found = self.get(_VISITS, "")
        return found if isinstance(found, int) else 0

    def finished(self) -> None:
        """The crawl has ended and what it gave is stored: values that newer ones replaced go.

        Raises OSError where the file cannot be written.
        """
        if self._path is None or not self._path.exists():
            return
        self.put(_VISITS, "", self._visits + 1)
        places: dict[str, tuple[str, int]] = {}
        atomic_write(self._path, self._live(self._path, places))
        self._places = places

    def _live(self, path: Path, places: dict[str, tuple[str, int]]) -> Iterator[bytes]:
        """The line of each value that counts; `places` takes where each will stand."""
        size = 0
        with path.open("rb") as stream:
            for key, (fingerprint, start) in self._places.items():
                stream.seek(start)
                line = stream.readline()
                places[key] = (fingerprint, size)
                size += len(line)
                yield line

    def get(self, key: str, fingerprint: str) -> Any:
        """A kept value, None where there is none or the fingerprint differs."""
        kept, start = self._places.get(key, ("", -1))
        if self._path is None or start < 0 or kept != fingerprint:
            return None
        with self._path.open("rb") as stream:
            stream.seek(start)
            entry = _entry(stream.readline())
        return entry["value"] if entry is not None else None

    def put(self, key: str, fingerprint: str, value: Any) -> None:
        """Keep a value. Raises OSError where the file cannot be written."""
        if self._path is None:
            return
        make_private_folder(self._path.parent)
        entry = {"key": key, "fingerprint": fingerprint, "value": value}
        line = json.dumps(entry).encode() + b"\n"
        with open(self._path, "ab", opener=private_opener) as stream:
            if self._torn:
                stream.write(b"\n")
                self._torn = False
            start = stream.tell()
            stream.write(line)
        self._places[key] = (fingerprint, start)


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or "value" not in entry:
        return None
    named = isinstance(entry.get("key"), str) and isinstance(entry.get("fingerprint"), str)
    return entry if named else None
