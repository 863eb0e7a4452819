"""A SQLite file of a workspace: opened, created, migrated, locked and explained in one way.

Knows: how a database is opened so that a crash loses nothing saved, how an older one is brought to
the present schema, and what each failure of SQLite means for a person. Does not know what is
stored; each database is a subclass with its migrations, in the layer of what it stores.

Migrations are SQL scripts, numbered by their place: the first makes the first version, number n
turns version n - 1 into version n. `PRAGMA user_version` says which version a file has. A new file
goes through all of them, an older one through those it lacks, in one transaction: a process that is
killed on the way leaves the old version, whole.

Reading needs no right to write. A file opened with `read_only`, or one that cannot be written to,
is read as it is, as long as no migration since has changed what readers ask for (`readable_from`);
one that is older says that it must be opened once where it can be written to.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

from inkling.errors import InklingError
from inkling.permissions import create_private

BUSY_MS = 10_000
"""Milliseconds that a command waits for another one to finish writing."""


def now() -> str:
    """The time as databases keep it: ISO 8601, UTC, to the microsecond, so that it orders."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@contextlib.contextmanager
def explained(
    path: Path | str, what: str, kind: type[InklingError], when_damaged: str
) -> Iterator[None]:
    """Turns what SQLite says about a file into an error of `kind` with what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = str(error)
        advice = (
            "Another inkling command is writing to it; try again when that has ended."
            if "locked" in reason
            else "Free some disk space and try again; what was saved before is kept."
            if "full" in reason or "I/O" in reason
            else "Check that the folder is yours and can be written to."
        )
        raise kind(f"{what} {path} cannot be used: {reason}. {advice}") from None
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        # SQLite quotes names of the schema where they are damaged, whatever bytes those are.
        raise kind(f"{what} {path} is damaged ({error}). {when_damaged}") from None


def connect_read_only(path: Path, any_thread: bool = False) -> sqlite3.Connection:
    """A connection that changes nothing, also where nothing can be written.

    In WAL mode even a reader makes files beside the database; where no write-ahead log is,
    nobody else has it open, and SQLite may take the file as it lies there. Where there is one and
    no file can be made, as in a backup of a moment, both are read from a copy in memory.
    """
    log = path.with_name(f"{path.name}-wal")
    alone = not log.exists() or not log.stat().st_size
    if not alone and not os.access(path.parent, os.W_OK):
        return _copied_to_memory(path, log, any_thread)
    uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    return sqlite3.connect(
        uri, uri=True, timeout=10, isolation_level=None, check_same_thread=not any_thread
    )


def _copied_to_memory(path: Path, log: Path, any_thread: bool) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory() as folder:
        for each in (path, log):
            shutil.copyfile(each, Path(folder, each.name))
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=not any_thread)
        with contextlib.closing(sqlite3.connect(Path(folder, path.name))) as copy:
            copy.backup(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory


def cannot_be_written(path: Path) -> bool:
    """Whether a database is there that nothing can be added to: in WAL mode its folder must be
    writable as well."""
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def has_column(db: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether a table has a column in this file, which may be of an older version."""
    asked = "SELECT 1 FROM pragma_table_info(?) WHERE name = ?"
    return db.execute(asked, (table, column)).fetchone() is not None


class Database:
    """One file in WAL mode, one writer at a time. Use as a context manager."""

    what: ClassVar[str]
    """How a sentence names it: "The corpus"."""
    migrations: ClassVar[tuple[str, ...]]
    """SQL scripts, one a version. One that was released is never changed: add another."""
    readable_from: ClassVar[int]
    """The oldest version that readers of today understand without a migration."""
    error: ClassVar[type[InklingError]]
    when_damaged: ClassVar[str]
    """What to do with a file that cannot be read."""

    def __init__(self, path: Path | str, read_only: bool = False) -> None:
        """Open, and create where there is none. ":memory:" keeps nothing. With `read_only`
        nothing is created or changed, and the file must be there."""
        self._path = path
        self._read_only = read_only
        if path != ":memory:" and os.path.exists(path) and not os.path.isfile(path):
            # SQLite would wait for a pipe.
            raise self.error(f"{path} is not a file. {self.when_damaged}")
        if path != ":memory:" and not read_only:
            self._read_only = cannot_be_written(Path(path))
            with contextlib.suppress(OSError):  # SQLite says it better
                create_private(Path(path))  # its log and index files get the same mode
        with self._explained():
            # Autocommit mode: transactions are written out where they matter.
            self._db = (
                connect_read_only(Path(path))
                if self._read_only
                else sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
            )
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        # What is deleted is overwritten with zeros, not just marked as free.
        self._db.execute("PRAGMA secure_delete = ON")
        version = self._version()
        if self._read_only:
            self._refuse_unreadable(version)
        elif version < len(self.migrations):
            self._migrate()
        self._db.execute("PRAGMA foreign_keys = ON")

    def _version(self) -> int:
        """Which version the file has; 0 for an empty one.

        Raises the database's error for a newer one, and for one that is not Inkling's.
        """
        version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(self.migrations):
            raise self.error(
                f"{self._path} was written by a newer version of Inkling. "
                "Upgrade: pip install --upgrade inkling-gpt."
            )
        if version:
            return version
        tables = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master")}
        if not tables:
            return 0
        # A file that was written out and read in again (.dump, .recover) has lost its number.
        if set(re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", self.migrations[0])) <= tables:
            return 1
        raise self.error(f"{self._path} is not a database of Inkling. {self.when_damaged}")

    def _refuse_unreadable(self, version: int) -> None:
        if version == 0:
            raise self.error(f"{self._path} is not a database of Inkling. {self.when_damaged}")
        if version < self.readable_from:
            raise self.error(
                f"{self._path} was written by an older version of Inkling and must be opened once "
                "where it can be written to: copy the workspace and use the copy."
            )

    def _migrate(self) -> None:
        """Bring the file to the present version, in one transaction."""
        if not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._db.execute("PRAGMA journal_mode = WAL")
        # Off while tables are rebuilt, which cannot be switched inside a transaction.
        self._db.execute("PRAGMA foreign_keys = OFF")
        with self._transaction():
            # Read again: another process may have been first.
            for script in self.migrations[self._version() :]:
                for statement in _statements(script):
                    if not self._has_column(statement):
                        self._db.execute(statement)
            assert not self._db.execute("PRAGMA foreign_key_check").fetchall()
            self._db.execute(f"PRAGMA user_version = {len(self.migrations)}")

    def _has_column(self, statement: str) -> bool:
        """Whether a statement adds a column that is there: a file that has lost its number may be
        newer than it is taken for, and SQLite knows no ADD COLUMN IF NOT EXISTS."""
        added = re.match(r"\s*ALTER TABLE (\w+) ADD COLUMN (\w+)", statement)
        return added is not None and has_column(self._db, added[1], added[2])

    def check(self) -> None:
        """Look at the whole file for damage. Raises the database's error where there is some."""
        with self._explained():
            found = [str(row[0]) for row in self._db.execute("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            reason = found[0].strip().splitlines()[-1]
            raise self.error(f"{self.what} {self._path} is damaged ({reason}). {self.when_damaged}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return explained(self._path, self.what, self.error, self.when_damaged)

    @contextlib.contextmanager
    def _transaction(self, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """All or nothing of what the block writes. Where another process writes, it waits ten
        seconds, or with `waiting` as long as it takes, calling it every second."""
        while True:
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS if waiting is None else 1_000}")
            try:
                self._db.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if waiting is None or "locked" not in str(error):
                    raise
            waiting()
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a trigger, with semicolons of its own, is one."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip()
