"""Migrations: an older database is brought up to date whole or not at all; a newer one refused."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inkling.chats import ChatStore
from inkling.corpus.document import Document
from inkling.corpus.store import CorpusStore
from inkling.database import Database
from inkling.errors import ChatsError, CorpusError, InklingError
from tests.conftest import made_read_only

FIRST = """
CREATE TABLE shelf (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE book (id INTEGER PRIMARY KEY, shelf INTEGER NOT NULL REFERENCES shelf(id));
CREATE TRIGGER named AFTER INSERT ON shelf BEGIN
    UPDATE shelf SET name = trim(name) WHERE id = new.id;
    INSERT INTO book(shelf) VALUES (new.id);
END;
"""
SECOND = "ALTER TABLE book ADD COLUMN title TEXT NOT NULL DEFAULT 'untitled';\n"
THIRD = """
DROP TRIGGER named;
CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO place SELECT id, upper(name) FROM shelf;
CREATE TABLE new_book (id INTEGER PRIMARY KEY, place INTEGER NOT NULL REFERENCES place(id));
INSERT INTO new_book SELECT id, shelf FROM book;
DROP TABLE book;
ALTER TABLE new_book RENAME TO book;
DROP TABLE shelf;
"""


class Library(Database):
    """Two shelves, at any version."""

    what, error, when_damaged = "The library", InklingError, "Move it away."
    migrations, readable_from = (FIRST, SECOND, THIRD), 2

    def rows(self, sql: str) -> list[Any]:
        return self._db.execute(sql).fetchall()


def library(path: Path, version: int) -> Path:
    """A library file of a version, with a shelf and its book."""
    old = type("Old", (Library,), {"migrations": Library.migrations[:version]})
    old(path)._db.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO shelf(name) VALUES (' poetry ')")
    return path


def number(path: Path) -> int:
    """The version that a file says it has."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def dump(path: Path) -> list[str]:
    """Everything in a file, as SQL."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_one_gets_what_it_lacks(tmp_path: Path, version: int) -> None:
    """Rows are carried over through every version in between, referenced rows included."""
    path = library(tmp_path / "l.db", version)
    with Library(path) as opened:
        assert opened.rows("SELECT b.id, p.name FROM book b JOIN place p ON p.id = b.place") == [
            (1, "POETRY")
        ]
        with pytest.raises(sqlite3.IntegrityError):
            opened.rows("INSERT INTO book(place) VALUES (9)")
    assert number(path) == 3


def test_a_new_one_is_of_the_present_version(tmp_path: Path) -> None:
    """Tables and number are those that a migrated file has."""
    Library(tmp_path / "new.db")._db.close()
    Library(library(tmp_path / "old.db", 1))._db.close()
    tables = [
        [line for line in dump(tmp_path / name) if line.startswith("CREATE")]
        for name in ("new.db", "old.db")
    ]
    assert sorted(tables[0]) == sorted(tables[1])
    assert number(tmp_path / "new.db") == 3


def test_killed_in_the_middle_the_old_one_is_left(tmp_path: Path) -> None:
    """After every statement of a migration: the old file, whole; the next opening finishes."""
    statements = len(re.findall(";\n", SECOND + THIRD))
    for lived in range(statements):
        path = library(tmp_path / f"{lived}.db", 1)
        before = dump(path)
        script = (
            "import os, sys\n"
            "import tests.test_database as t\n"
            "class Dying(t.Library):\n"
            "    def _open(self):\n"
            "        seen = []\n"
            "        def look(sql):\n"
            "            seen.extend([sql] if sql.split()[0] in t.WORDS else [])\n"
            "            if len(seen) > int(sys.argv[2]): os.kill(os.getpid(), 9)\n"
            "        self._db.set_trace_callback(look)\n"
            "        super()._open()\n"
            "Dying(sys.argv[1])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, path, str(lived)],
            cwd=Path(__file__).parent.parent,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL
        assert dump(path) == before
        assert number(path) == 1
        with Library(path) as opened:
            assert opened.rows("SELECT name FROM place") == [("POETRY",)]


WORDS = ("ALTER", "CREATE", "INSERT", "DROP")


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """The error is told in a sentence, and the file stays usable for the older version."""
    path = library(tmp_path / "l.db", 2)
    before = dump(path)
    broken = type("Broken", (Library,), {"migrations": (FIRST, SECOND, THIRD, "DROP TABLE no;\n")})
    with pytest.raises(InklingError, match="cannot be used: no such table"):
        broken(path)
    assert dump(path) == before
    assert number(path) == 2


def test_two_at_once_migrate_once(tmp_path: Path) -> None:
    """The one that waited finds the work done."""
    path = library(tmp_path / "l.db", 1)
    start = threading.Barrier(4)
    found: list[Any] = []

    def open_it() -> None:
        start.wait()
        with Library(path) as opened:
            found.append(opened.rows("SELECT name FROM place"))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[("POETRY",)]] * 4


def test_reading_migrates_nothing(tmp_path: Path) -> None:
    """An older one that readers still understand is read as it is, also without a right to write;
    one that is too old says what to do."""
    folder = tmp_path / "closed"
    folder.mkdir()
    old = library(folder / "old.db", 2)
    oldest = library(folder / "oldest.db", 1)
    with made_read_only(folder):
        with Library(old, read_only=True) as opened:
            assert opened.rows("SELECT title FROM book") == [("untitled",)]
        with pytest.raises(InklingError, match="copy the workspace"):
            Library(oldest, read_only=True)
    assert (number(old), number(oldest)) == (2, 1)


@pytest.mark.parametrize("kind", [(CorpusStore, CorpusError), (ChatStore, ChatsError)])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_one_is_refused(
    tmp_path: Path, kind: tuple[type[Database], type[InklingError]], read_only: bool
) -> None:
    """With a sentence, and unchanged."""
    path = tmp_path / "x.db"
    kind[0](path)._db.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(kind[1], match="newer version of Inkling"):
        kind[0](path, read_only=read_only)
    assert number(path) == 99


def rebuilt(path: Path) -> None:
    """As after .dump and reading it in again: all content, no number."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 0")


def without_a_salt(path: Path) -> None:
    """As 0.1.0 made it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE exclusion_salt")
        db.execute("PRAGMA user_version = 1")


@pytest.mark.parametrize("change", [rebuilt, without_a_salt])
def test_the_corpus_of_every_version_opens(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """One without a number counts as one of the first version."""
    path = tmp_path / "corpus.db"
    with CorpusStore(path) as store:
        store.add("mine", "folder", [Document("Some words about a pier.", "a.txt")])
    change(path)
    with CorpusStore(path, read_only=True) as store:
        assert [document.raw_ref for document in store.documents()] == ["a.txt"]
    with CorpusStore(path) as store:
        assert [document.raw_ref for document in store.documents()] == ["a.txt"]
    assert number(path) == len(CorpusStore.migrations)


def test_another_program_s_database_is_not_touched(tmp_path: Path) -> None:
    """A file with tables of its own is neither migrated nor overwritten."""
    path = tmp_path / "corpus.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(CorpusError, match="not a database of Inkling"):
            CorpusStore(path, read_only=read_only)
    assert path.read_bytes() == before
