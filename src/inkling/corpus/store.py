"""The corpus database: everything imported, content-hashed, with where it came from.

Knows: the SQLite schema and its rules (one writer, nothing twice, in = kept + dropped).
Does not know: file formats, tokens.
Data: importer items -> `CorpusStore.add` -> rows -> `documents()` / `conversations()`.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from inkling.corpus.adding import Adding
from inkling.corpus.chat_rows import MESSAGE_COLUMNS, message_of
from inkling.corpus.document import EDITS_SOURCE
from inkling.corpus.importing.importer import ImportedRecord
from inkling.corpus.masking.decisions import Decisions
from inkling.corpus.own_names import OwnNames
from inkling.corpus.reading import WHEN_DAMAGED, Documents, live
from inkling.corpus.records import (
    AddResult,
    Description,
    Person,
    SourceSummary,
    StoredConversation,
)
from inkling.corpus.schema import MIGRATIONS, READABLE_FROM
from inkling.database import Database, has_column
from inkling.errors import CorpusError
from inkling.regular_files import parse_json


class CorpusStore(Database):
    """The workspace's corpus.db. Use as a context manager."""

    what = "The corpus"
    migrations = MIGRATIONS
    readable_from = READABLE_FROM
    error = CorpusError
    when_damaged = WHEN_DAMAGED

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """The database inside one transaction, for the modules that change the corpus."""
        with self._explained(), self._transaction():
            yield self._db

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The database, for the modules that ask it more than this class answers."""
        with self._explained():
            yield self._db

    def compact(self) -> None:
        """Write the file anew, so that nothing deleted is left in its free pages or its log.

        Raises CorpusError where another program holds the file open.
        """
        with self._explained():
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA busy_timeout = 1000")
            busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise CorpusError(
                f"Another program has {self._path} open, so what was deleted still stands in its "
                "log. Stop that program and run the same command again."
            )

    def add(
        self,
        source: str,
        kind: str,
        records: Iterable[ImportedRecord],
        waiting: Callable[[], None] | None = None,
        on_messages: Callable[[int], None] = lambda count: None,
    ) -> AddResult:
        """Import everything of one source, or nothing if it fails on the way.

        Content that is there already, or was excluded, is counted and not added; a source that
        gave nothing leaves no entry. Where another process writes, `waiting` is called every
        second until that has ended; without it, this fails after ten. `on_messages` hears how
        many messages of chats were read, now and then.
        """
        with self._explained(), self._transaction(waiting):
            adding = Adding(self._db, source, kind, on_messages)
            for record in records:
                adding.add(record)
            adding.finish()
        return adding.result

    def remove(self, source: str, content_hash: str) -> bool:
        """Take one conversation of a source out again; whether it was there.

        Unlike what was forgotten, it may be added again.
        """
        with self._explained(), self._transaction():
            removed = self._db.execute(
                "DELETE FROM conversation WHERE content_hash = ? "
                "AND source_id = (SELECT id FROM source WHERE source = ?)",
                (content_hash, source),
            )
            return bool(removed.rowcount)

    def documents(self, all_versions: bool = False) -> Documents:
        """All documents: by source, then time, then the order of import; older versions only if
        asked for. They are read one at a time, as often as they are gone through, also after the
        store was closed."""
        return Documents(Path(self._path), self._read_only, all_versions)

    def conversations(self, share: float = 1.0, chosen: str = "1") -> Iterator[StoredConversation]:
        """All conversations with their messages, in the order of import; or a share of them,
        spread evenly, and all replies that were corrected. `chosen` is a condition of SQL on the
        columns of `conversation`."""
        with self._explained():
            column = "c.is_group" if has_column(self._db, "conversation", "is_group") else "0"
            rows = self._db.execute(
                "SELECT c.id, s.source, c.content_hash, c.title, c.timestamp, c.raw_ref, "
                f"{column} FROM conversation c JOIN source s ON s.id = c.source_id "
                f"WHERE c.id IN (SELECT id FROM conversation WHERE {chosen}) ORDER BY c.id"
            ).fetchall()
            for number, row in enumerate(rows):
                taken = int((number + 1) * share) > int(number * share)
                if not taken and row[1] != EDITS_SOURCE:
                    continue
                messages = self._db.execute(
                    f"SELECT {MESSAGE_COLUMNS} FROM message WHERE conversation = ? "
                    "ORDER BY position",
                    (row[0],),
                )
                identifier, source, content_hash, title, timestamp, raw_ref, in_group = row
                yield StoredConversation(
                    identifier,
                    source,
                    content_hash,
                    title,
                    timestamp,
                    raw_ref,
                    tuple(map(message_of, messages)),
                    bool(in_group),
                )

    def describe(self, content_hashes: Iterable[str]) -> dict[str, Description]:
        """The documents and conversations with these hashes; those not here are left out."""
        found = {}
        with self._explained():
            for content_hash in content_hashes:
                for table in ("document", "conversation"):
                    row = self._db.execute(
                        "SELECT s.source, t.title, t.timestamp, t.raw_ref "
                        f"FROM {table} t JOIN source s ON s.id = t.source_id "
                        "WHERE t.content_hash = ?",
                        (content_hash,),
                    ).fetchone()
                    if row:
                        found[content_hash] = Description(*row)
        return found

    def source_names(self) -> list[str]:
        """What the sources are called, in the order of import."""
        with self._explained():
            return [row[0] for row in self._db.execute("SELECT source FROM source ORDER BY id")]

    def sources(self) -> list[SourceSummary]:
        """What `inkling corpus` shows, a row a source."""
        with self._explained():
            summaries = []
            for source_id, source, kind in self._db.execute(
                "SELECT id, source, kind FROM source ORDER BY id"
            ).fetchall():
                documents, characters = self._db.execute(
                    "SELECT count(*), coalesce(sum(length(text)), 0) "
                    f"FROM document WHERE source_id = ? AND {live(self._db)}",
                    (source_id,),
                ).fetchone()
                conversations, messages, spoken = self._db.execute(
                    "SELECT count(DISTINCT c.id), count(m.id), coalesce(sum(length(m.text)), 0) "
                    "FROM conversation c LEFT JOIN message m ON m.conversation = c.id "
                    "WHERE c.source_id = ?",
                    (source_id,),
                ).fetchone()
                last = self._db.execute(
                    "SELECT dropped FROM import_log WHERE source_id = ? ORDER BY id DESC LIMIT 1",
                    (source_id,),
                ).fetchone()
                summaries.append(
                    SourceSummary(
                        source,
                        kind,
                        documents,
                        characters + spoken,
                        conversations,
                        messages,
                        _counts(last[0]) if last else {},
                    )
                )
            return summaries

    def people(self) -> list[Person]:
        """Who speaks in the dialogs, besides the author; a row for each source and author."""
        with self._explained():
            rows = self._db.execute(
                "SELECT s.source, m.author_id, coalesce(p.name, m.author_id), count(*) "
                "FROM message m JOIN conversation c ON c.id = m.conversation "
                "JOIN source s ON s.id = c.source_id LEFT JOIN person p "
                "ON p.source_id = c.source_id AND p.author_id = m.author_id "
                "WHERE NOT m.is_me GROUP BY c.source_id, m.author_id ORDER BY c.source_id, 4 DESC"
            ).fetchall()
        return [Person(*row) for row in rows]

    def names(self) -> dict[tuple[str, str], str]:
        """Display names by source and author_id, those known longest first."""
        with self._explained():
            rows = self._db.execute(
                "SELECT s.source, p.author_id, p.name FROM person p "
                "JOIN source s ON s.id = p.source_id ORDER BY p.rowid"
            )
            return {(source, author): name for source, author, name in rows}

    def decisions(self) -> Decisions:
        """What a person decided about what is learned."""
        with self._explained():
            return Decisions.load(self._db)

    def own_names(self) -> OwnNames:
        """The names that the author goes by, source by source."""
        with self._explained():
            return OwnNames.load(self._db)

    def shown_names(self) -> list[str]:
        """As whom chats show the author, the most used name first: of ten thousand messages, the
        first that were imported, so that it may be asked often."""
        with self._explained():
            rows = self._db.execute(
                "SELECT p.name FROM (SELECT conversation, author_id, is_me FROM message "
                "LIMIT 10000) m JOIN conversation c ON c.id = m.conversation "
                "JOIN person p ON p.source_id = c.source_id AND p.author_id = m.author_id "
                "WHERE m.is_me GROUP BY p.name ORDER BY count(*) DESC, p.name"
            )
            return [name for (name,) in rows]

    def remember_names(
        self,
        importer: str,
        names: Iterable[str],
        waiting: Callable[[], None] | None = None,
    ) -> None:
        """Set the names that the author goes by in one importer's sources, or in all ("*")."""
        with self._explained(), self._transaction(waiting):
            OwnNames.store(self._db, importer, names)

    def corpus_hash(self) -> str:
        """One hash over the content hashes of all there is, in order, older versions left out."""
        digest = hashlib.sha256()
        with self._explained():
            for table, chosen in (("document", live(self._db)), ("conversation", "1")):
                for (value,) in self._db.execute(
                    f"SELECT content_hash FROM {table} WHERE {chosen} ORDER BY content_hash"
                ):
                    digest.update(value.encode())
        return digest.hexdigest()


def _counts(stored: object) -> dict[str, int]:
    """What an import left out, by reason; nothing where that cannot be read."""
    try:
        found = parse_json(stored) if isinstance(stored, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
