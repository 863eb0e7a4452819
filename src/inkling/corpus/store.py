"""The corpus database: everything imported, content-hashed, with where it came from.

Knows: the SQLite schema and its rules (one writer, nothing twice, in = kept + dropped).
Does not know: file formats, tokens.
Data: importer items -> `CorpusStore.add` -> rows -> `documents()` / `conversations()`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from inkling.corpus.document import Conversation, Document, Dropped, Item, Message
from inkling.corpus.exclusion import REMOVED, Exclusions
from inkling.corpus.reading import WHEN_DAMAGED, Documents
from inkling.corpus.records import (
    AddResult,
    Description,
    Person,
    SourceSummary,
    StoredConversation,
)
from inkling.corpus.schema import SCHEMA, VERSION
from inkling.database import Database
from inkling.errors import CorpusError


class CorpusStore(Database):
    """The workspace's corpus.db. Use as a context manager."""

    what = "The corpus"
    schema = SCHEMA
    version = VERSION
    error = CorpusError
    when_damaged = WHEN_DAMAGED

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """The database inside one transaction, for the modules that change the corpus."""
        with self._explained(), self._transaction():
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

    def add(self, source: str, kind: str, items: Iterable[Item]) -> AddResult:
        """Import everything of one source, or nothing if it fails on the way.

        Content that is there already, or was excluded, is counted and not added.
        """
        result = AddResult()
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with self._explained(), self._transaction():
            self._db.execute(
                "INSERT INTO source(source, kind, added_at) VALUES (?, ?, ?) "
                "ON CONFLICT(source) DO UPDATE SET kind = excluded.kind",
                (source, kind, now),
            )
            source_id = self._db.execute(
                "SELECT id FROM source WHERE source = ?", (source,)
            ).fetchone()[0]
            exclusions = Exclusions.load(self._db)
            for item in items:
                if isinstance(item, Dropped):
                    result.dropped[item.reason] += item.count
                    result.examples.setdefault(item.reason, item.raw_ref)
                    continue
                screened = exclusions.screen(item)
                if screened.item is None:
                    result.dropped[REMOVED] += 1
                    result.examples.setdefault(REMOVED, item.raw_ref)
                    continue
                if isinstance(screened.item, Document):
                    added = self._add_document(source_id, screened.item, result)
                else:
                    added = self._add_conversation(source_id, screened.item, result)
                result.cut += screened.cut if added else 0
            self._db.execute(
                "INSERT INTO import_log"
                "(source_id, imported_at, found, kept, already_there, dropped) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    source_id,
                    now,
                    result.found,
                    result.kept,
                    result.already_there,
                    json.dumps(result.dropped, ensure_ascii=False),
                ),
            )
        return result

    def _add_document(self, source_id: int, item: Document, result: AddResult) -> bool:
        added = self._db.execute(
            "INSERT INTO document(source_id, content_hash, title, timestamp, raw_ref, text) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(content_hash) DO NOTHING",
            (source_id, item.content_hash, item.title, item.timestamp, item.raw_ref, item.text),
        ).rowcount
        if not added:
            result.already_there += 1
            return False
        result.documents += 1
        result.characters += len(item.text)
        return True

    def _add_conversation(self, source_id: int, item: Conversation, result: AddResult) -> bool:
        cursor = self._db.execute(
            "INSERT INTO conversation"
            "(source_id, content_hash, conversation_id, title, timestamp, raw_ref) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(content_hash) DO NOTHING",
            (
                source_id,
                item.content_hash,
                item.conversation_id,
                item.title,
                item.timestamp,
                item.raw_ref,
            ),
        )
        if not cursor.rowcount:
            result.already_there += 1
            return False
        assert cursor.lastrowid is not None
        insert_messages(self._db, cursor.lastrowid, item.messages)
        self._db.executemany(
            "INSERT OR IGNORE INTO person(source_id, author_id, name) VALUES (?, ?, ?)",
            ((source_id, author, name) for author, name in item.people.items()),
        )
        result.conversations += 1
        result.characters += sum(len(m.text) for m in item.messages)
        return True

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

    def documents(self) -> Documents:
        """All documents: by source, then time, then the order of import. They are read one at
        a time, as often as they are gone through, also after the store was closed."""
        return Documents(Path(self._path), self._read_only)

    def conversations(self) -> Iterator[StoredConversation]:
        """All conversations with their messages, in the order of import."""
        with self._explained():
            rows = self._db.execute(
                "SELECT c.id, s.source, c.content_hash, c.title, c.timestamp, c.raw_ref "
                "FROM conversation c JOIN source s ON s.id = c.source_id ORDER BY c.id"
            ).fetchall()
            for row in rows:
                messages = self._db.execute(
                    "SELECT author_id, is_me, text, kind, message_id, timestamp, reply_to, raw_ref "
                    "FROM message WHERE conversation = ? ORDER BY position",
                    (row[0],),
                )
                identifier, source, content_hash, title, timestamp, raw_ref = row
                yield StoredConversation(
                    identifier,
                    source,
                    content_hash,
                    title,
                    timestamp,
                    raw_ref,
                    tuple(Message(m[0], bool(m[1]), *m[2:]) for m in messages),
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

    def sources(self) -> list[SourceSummary]:
        """What `inkling corpus` shows, a row a source."""
        with self._explained():
            summaries = []
            for source_id, source, kind in self._db.execute(
                "SELECT id, source, kind FROM source ORDER BY id"
            ).fetchall():
                documents, characters = self._db.execute(
                    "SELECT count(*), coalesce(sum(length(text)), 0) "
                    "FROM document WHERE source_id = ?",
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
                        json.loads(last[0]) if last else {},
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

    def corpus_hash(self) -> str:
        """One hash over the content hashes of all there is, in order."""
        digest = hashlib.sha256()
        with self._explained():
            for table in ("document", "conversation"):
                for (value,) in self._db.execute(
                    f"SELECT content_hash FROM {table} ORDER BY content_hash"
                ):
                    digest.update(value.encode())
        return digest.hexdigest()


def insert_messages(db: sqlite3.Connection, conversation: int, messages: Sequence[Message]) -> None:
    """Add the messages of a conversation that has none yet."""
    db.executemany(
        "INSERT INTO message(conversation, position, message_id, timestamp, author_id, is_me,"
        " kind, text, reply_to, raw_ref) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                conversation,
                position,
                m.message_id,
                m.timestamp,
                m.author_id,
                m.is_me,
                m.kind,
                m.text,
                m.reply_to,
                m.raw_ref,
            )
            for position, m in enumerate(messages)
        ),
    )
