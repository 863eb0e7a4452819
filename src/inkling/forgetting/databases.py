"""Taking rows out of any SQLite file, so that neither its pages nor its log keep them.

Knows: SQLite's tables, full-text indexes and free pages. Does not know: what the tables mean.
Data: file + `PatternSearch` -> `count_rows` / `purge_rows` -> how many rows hold a pattern.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from inkling.errors import WorkspaceError
from inkling.forgetting.search_patterns import PatternSearch

MAGIC = b"SQLite format 3\0"
LOGS = ("-wal", "-shm", "-journal")


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def count_rows(path: Path, search: PatternSearch) -> int:
    """The number of rows with a cell that holds a pattern."""
    with _opened(path, search) as db:
        return sum(
            db.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0]
            for table, condition in _tables(db)
        )


def purge_rows(path: Path, search: PatternSearch) -> int:
    """Delete the rows that hold a pattern, and the rows that reference them, in one transaction;
    then rewrite the file. Killed at any moment, the same call finishes the work.

    Raises WorkspaceError where another program holds the file open.
    """
    with _opened(path, search) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        db.execute("PRAGMA defer_foreign_keys = ON")
        removed = 0
        for table, condition in _tables(db):
            removed += db.execute(f"DELETE FROM {table} WHERE {condition}").rowcount
        while orphans := db.execute("PRAGMA foreign_key_check").fetchall():
            for table, rowid, *_ in orphans:
                db.execute(f"DELETE FROM {_quoted(table)} WHERE rowid = ?", (rowid,))
        for table in _full_text(db):
            # A segment keeps a deleted row's words until the index is built anew.
            db.execute(f"INSERT INTO {_quoted(table)}({_quoted(table)}) VALUES ('rebuild')")
        db.execute("COMMIT")
        db.execute("VACUUM")
        db.execute("PRAGMA busy_timeout = 1000")
        if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise WorkspaceError(
                f"Another program (inkling serve?) has {path} open, so what was deleted still "
                "stands in its log. Stop that program and run the same command again."
            )
    return removed


@contextlib.contextmanager
def _opened(path: Path, search: PatternSearch) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    try:
        db.create_function("holds", 1, lambda cell: int(search.holds_cell(cell)))
        yield db
    except sqlite3.Error as error:
        raise WorkspaceError(
            f"{path} cannot be searched: {error}. Stop what is using it and run the same command "
            "again; if it is damaged, delete it."
        ) from None
    finally:
        db.close()


def _tables(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """(table, condition that a row holds a pattern) of every table that has rows of its own."""
    full_text = _full_text(db)
    for _, name, kind, *_ in db.execute("PRAGMA table_list").fetchall():
        external = name in full_text and full_text[name]
        if kind in ("view", "shadow") or external or name.startswith("sqlite_"):
            continue
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({_quoted(name)})")]
        yield _quoted(name), " OR ".join(f"holds({_quoted(column)})" for column in columns)


def _full_text(db: sqlite3.Connection) -> dict[str, bool]:
    """Full-text tables, and whether their content is another table's."""
    return {
        name: "content=" in sql.replace(" ", "").lower()
        for name, sql in db.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts%'"
        )
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
