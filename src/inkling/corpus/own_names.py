"""Who is "me": the names that the author goes by, remembered for a workspace.

Knows: the table `own_name`. Does not know: who asked, or in which source a name stands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inkling.database import has_column

EVERYWHERE = "*"
"""The importer under which a name stands that holds for all."""


@dataclass(frozen=True)
class OwnNames:
    """Names by importer, as they were given."""

    by_importer: Mapping[str, tuple[str, ...]]

    def of(self, importer: str) -> tuple[str, ...]:
        """The names that hold for one importer's sources."""
        found = (*self.by_importer.get(importer, ()), *self.by_importer.get(EVERYWHERE, ()))
        return tuple(dict.fromkeys(found))

    @classmethod
    def load(cls, db: sqlite3.Connection) -> OwnNames:
        """Read them; a file of an older version holds none."""
        names: dict[str, tuple[str, ...]] = {}
        if has_column(db, "own_name", "name"):
            for importer, name in db.execute(
                "SELECT importer, name FROM own_name ORDER BY importer, rowid"
            ):
                names[importer] = (*names.get(importer, ()), name)
        return cls(names)

    @staticmethod
    def store(db: sqlite3.Connection, importer: str, names: Iterable[str]) -> None:
        """Put these names in the place of those there were; the caller holds the transaction."""
        db.execute("DELETE FROM own_name WHERE importer = ?", (importer,))
        db.executemany(
            "INSERT OR IGNORE INTO own_name(importer, name) VALUES (?, ?)",
            [(importer, name.strip()) for name in names],
        )
