"""A SQLite file of a workspace: opened, created, locked and explained in one way.

Knows: how a database is opened so that a crash loses nothing saved, and what each failure of
SQLite means for a person. Does not know what is stored; each database is a subclass with its
schema, in the layer of what it stores.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from inkling.errors import InklingError


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
    except sqlite3.DatabaseError as error:
        raise kind(f"{what} {path} is damaged ({error}). {when_damaged}") from None


def connect_read_only(path: Path, any_thread: bool = False) -> sqlite3.Connection:
    """A connection that changes nothing, also where nothing can be written.

    In WAL mode even a reader makes files beside the database; where no write-ahead log is,
    nobody else has it open, and SQLite may take the file as it lies there.
    """
    log = path.with_name(f"{path.name}-wal")
    alone = not log.exists() or not log.stat().st_size
    uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    return sqlite3.connect(
        uri, uri=True, timeout=10, isolation_level=None, check_same_thread=not any_thread
    )


class Database:
    """One file in WAL mode, one writer at a time. Use as a context manager."""

    what: ClassVar[str]
    """How a sentence names it: "The corpus"."""
    schema: ClassVar[str]
    version: ClassVar[int]
    error: ClassVar[type[InklingError]]
    when_damaged: ClassVar[str]
    """What to do with a file that cannot be read."""

    def __init__(self, path: Path | str, read_only: bool = False) -> None:
        """Open, and create where there is none. ":memory:" keeps nothing. With `read_only`
        nothing is created or changed, and the file must be there."""
        self._path, self._read_only = path, read_only
        with self._explained():
            # Autocommit mode: transactions are written out where they matter.
            self._db = (
                connect_read_only(Path(path))
                if read_only
                else sqlite3.connect(path, timeout=10, isolation_level=None)
            )
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        self._db.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten with zeros, not just marked as free.
        self._db.execute("PRAGMA secure_delete = ON")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > self.version:
            raise self.error(
                f"{self._path} was written by a newer version of Inkling. "
                "Upgrade: pip install --upgrade inkling-gpt."
            )
        if version == 0 and self._read_only:
            raise self.error(f"{self._path} is not a database of Inkling. {self.when_damaged}")
        if version == 0:
            self._create()

    def _create(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        with self._transaction():
            if self._db.execute("PRAGMA user_version").fetchone()[0]:
                return  # another process was first
            statement = ""
            for line in self.schema.splitlines(keepends=True):
                statement += line
                if sqlite3.complete_statement(statement):
                    self._db.execute(statement)
                    statement = ""
            self._db.execute(f"PRAGMA user_version = {self.version}")

    def check(self) -> None:
        """Look at the whole file for damage. Raises the database's error where there is some."""
        with self._explained():
            found = [str(row[0]) for row in self._db.execute("PRAGMA quick_check(1)")]
        if found != ["ok"]:
            reason = found[0].strip().splitlines()[-1]
            raise self.error(f"{self.what} {self._path} is damaged ({reason}). {self.when_damaged}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return explained(self._path, self.what, self.error, self.when_damaged)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
