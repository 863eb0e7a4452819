"""Messages of many conversations that an export mixes, one conversation after the other.

Knows: a temporary database that SQLite moves to disk as it grows. Does not know: any source.
Data: `add` in any order -> `conversations` -> `rows` of each in order of time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any


class ByConversation:
    """Rows sorted by conversation, then by time, then as they came. Memory does not grow with
    them; the temporary file is SQLite's own and goes with the object."""

    def __init__(self) -> None:
        # "" is a private temporary database, on disk once it outgrows the cache.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("BEGIN")
        self._database.execute(
            "CREATE TABLE rows (conversation TEXT, time TEXT, place INTEGER, row TEXT)"
        )
        self._sorted = False

    def add(self, conversation: str, time: str | None, row: Any, place: int) -> None:
        """A row that JSON can hold. `time` is ISO 8601 in one zone; rows without one come
        first. `place` orders rows of one time."""
        self._database.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?)",
            (_storable(conversation), time or "", place, json.dumps(row)),
        )

    def conversations(self) -> list[str]:
        """In the order in which they began in the export."""
        if not self._sorted:
            self._database.execute("CREATE INDEX by_time ON rows (conversation, time, place)")
            self._sorted = True
        found = self._database.execute(
            "SELECT conversation FROM rows GROUP BY conversation ORDER BY MIN(rowid)"
        )
        return [key for (key,) in found]

    def rows(self, conversation: str) -> Iterator[Any]:
        """The rows of one conversation, oldest first."""
        found = self._database.execute(
            "SELECT row FROM rows WHERE conversation = ? ORDER BY time, place",
            (_storable(conversation),),
        )
        for (row,) in found:
            yield json.loads(row)


def _storable(key: str) -> str:
    """Without lone surrogates, which JSON escapes can spell and SQLite refuses."""
    return key.encode("utf-8", "replace").decode()
