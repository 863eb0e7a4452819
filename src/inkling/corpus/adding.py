"""One import into the corpus: each record to its rows, within the caller's transaction.

Knows: what is new, what is there, what is left out and why. Does not know: formats, files, how a
chat's sessions are matched (corpus.chat_rows) or versions of a document (corpus.versions).
Data: records of importers -> `Adding.add` -> rows and an `AddResult`; `finish` ends it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from inkling.corpus.chat_rows import ChatRows, insert_messages
from inkling.corpus.document import Conversation, Document, Dropped, Message
from inkling.corpus.exclusion import REMOVED, Exclusions
from inkling.corpus.importing.importer import ImportedChat, ImportedRecord, Note
from inkling.corpus.records import AddResult
from inkling.corpus.sessions import cut
from inkling.corpus.storable import NOT_UNICODE, is_storable, labelled, storable, unstorable
from inkling.corpus.versions import Versions

FEW = 2
"""Messages under which it tells nothing that all of a chat's are one person's."""

SHOWN = 5


class Adding:
    """The import of one source. The caller holds the transaction."""

    def __init__(
        self,
        db: sqlite3.Connection,
        source: str,
        kind: str,
        on_messages: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.result = AddResult()
        self._db, self._on_messages = db, on_messages
        self._now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        row = db.execute("SELECT id FROM source WHERE source = ?", (source,)).fetchone()
        self._is_new = row is None
        db.execute(
            "INSERT INTO source(source, kind, added_at) VALUES (?, ?, ?) "
            "ON CONFLICT(source) DO UPDATE SET kind = excluded.kind",
            (source, kind, self._now),
        )
        self._source_id: int = db.execute(
            "SELECT id FROM source WHERE source = ?", (source,)
        ).fetchone()[0]
        self._exclusions = Exclusions.load(db)
        self._versions = Versions(db, source, self._source_id)
        self._chats = ChatRows(db, self._source_id)

    def add(self, record: ImportedRecord) -> None:
        """Store what is new of a record, and count it."""
        if isinstance(record, Dropped):
            self.result.drop(record.reason, record.raw_ref, record.count)
        elif isinstance(record, Note):
            self.result.note(record.text, record.raw_ref)
        elif isinstance(record, ImportedChat):
            self._add_chat(record)
        elif (reason := unstorable(record)) is not None:
            self.result.drop(reason, storable(record.raw_ref))
        else:
            screened = self._exclusions.screen(labelled(record))
            if screened.item is None:
                self.result.drop(REMOVED, record.raw_ref)
            elif isinstance(screened.item, Document):
                added = self._add_document(screened.item)
                self.result.cut += screened.cut if added else 0
            else:
                added = self._add_conversation(screened.item)
                self.result.cut += screened.cut if added else 0

    def finish(self) -> None:
        """Replace older versions, write down what was done; a source that gave nothing goes."""
        result = self.result
        result.replaced = self._versions.replace(self._now)
        self._chats.remove_emptied()
        if self._is_new and not self._has_rows():
            self._db.execute("DELETE FROM person WHERE source_id = ?", (self._source_id,))
            self._db.execute("DELETE FROM source WHERE id = ?", (self._source_id,))
            return
        self._db.execute(
            "INSERT INTO import_log"
            "(source_id, imported_at, found, kept, already_there, dropped) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._source_id,
                self._now,
                result.found,
                result.kept,
                result.already_there + result.messages_there,
                json.dumps(result.dropped, ensure_ascii=False),
            ),
        )

    def _has_rows(self) -> bool:
        tables = ("document", "conversation")
        return any(
            self._db.execute(
                f"SELECT 1 FROM {table} WHERE source_id = ? LIMIT 1", (self._source_id,)
            ).fetchone()
            for table in tables
        )

    def _add_document(self, item: Document) -> bool:
        added = self._versions.add(item)
        if not added:
            self.result.already_there += 1
            return False
        self.result.documents += 1
        self.result.characters += len(item.text)
        return True

    def _add_conversation(self, item: Conversation) -> bool:
        cursor = self._db.execute(
            "INSERT INTO conversation"
            "(source_id, content_hash, conversation_id, title, timestamp, raw_ref) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(content_hash) DO NOTHING",
            (
                self._source_id,
                item.content_hash,
                item.conversation_id,
                item.title,
                item.timestamp,
                item.raw_ref,
            ),
        )
        if not cursor.rowcount:
            self.result.already_there += 1
            return False
        assert cursor.lastrowid is not None
        insert_messages(self._db, cursor.lastrowid, item.messages)
        self._chats.add_people(item.people)
        self.result.conversations += 1
        self.result.characters += sum(len(m.text) for m in item.messages)
        return True

    def _add_chat(self, chat: ImportedChat) -> None:
        """Session by session, so that a chat of any length is never held."""
        chat.chat_id, chat.raw_ref = storable(chat.chat_id), storable(chat.raw_ref)
        chat.title = None if chat.title is None else storable(chat.title)
        known = self._chats.knows(chat.chat_id)
        mine = total = 0
        for session in cut(self._messages(chat)):
            self._on_messages(len(session.messages))
            said = [message.is_me for message in session.messages if message.kind == "text"]
            mine, total = mine + sum(said), total + len(said)
            item = Conversation(
                tuple(session.messages),
                chat.raw_ref,
                chat.chat_id,
                chat.title,
                session.messages[0].timestamp,
                chat.people,
            )
            screened = self._exclusions.screen(item)
            if screened.item is None:
                self.result.drop(REMOVED, chat.raw_ref, len(session.messages))
                continue
            assert isinstance(screened.item, Conversation)
            self.result.drop(REMOVED, chat.raw_ref, screened.cut)
            self._chats.add(screened.item, session, known, self.result)
        self._chats.add_people(chat.people)
        self._chats.set_group(chat.chat_id, chat.group)
        if not chat.me_known and total >= FEW and mine in (0, total):
            listed = self.result.all_mine if mine else self.result.none_mine
            listed.append(chat.title or chat.raw_ref)

    def _messages(self, chat: ImportedChat) -> Iterator[Message]:
        """The messages of a chat that say something; the others are counted."""
        for message in chat.messages:
            if isinstance(message, Message):
                if message.kind == "text" and not message.text.strip():
                    self.result.drop("empty message", message.raw_ref or chat.raw_ref)
                elif is_storable(message):
                    yield message
                else:
                    self.result.drop(NOT_UNICODE, chat.raw_ref)
            elif isinstance(message, Dropped):
                self.result.drop(message.reason, message.raw_ref, message.count)
            else:
                self.result.note(message.text, message.raw_ref)
