"""The rows of chats: sessions that are new, and those that a newer export extends.

Knows: how a session is found again by its chat and its time, and that the union takes the place of
what was stored. Does not know: which messages are the same (corpus.sessions), what was forgotten.
Data: a session as a Conversation -> `ChatRows.add` -> rows of conversation, message and person.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from inkling.corpus.document import Conversation, Message
from inkling.corpus.records import AddResult
from inkling.corpus.sessions import GAP, Joined, MessageSession, cut, join
from inkling.corpus.storable import is_valid, storable

MESSAGE_COLUMNS = "author_id, is_me, text, kind, message_id, timestamp, reply_to, raw_ref"
"""The fields of a Message, in their order."""

ROWS = 50
"""Messages that one statement inserts, in four fifths of the time that one each takes."""

MISSES = 3
"""Sessions of a chat follow one another, so behind a few that are too early all are."""


class _StoredSession(NamedTuple):
    id: int
    source_id: int


class ChatRows:
    """The chats of one source that is being imported. The caller holds the transaction."""

    def __init__(self, db: sqlite3.Connection, source_id: int) -> None:
        self._db, self._source_id = db, source_id
        self._moved_from: set[int] = set()

    def knows(self, chat_id: str) -> bool:
        """Whether a chat was imported before, from any source."""
        asked = "SELECT 1 FROM conversation WHERE conversation_id = ? LIMIT 1"
        return self._db.execute(asked, (chat_id,)).fetchone() is not None

    def add(
        self, item: Conversation, session: MessageSession, known: bool, result: AddResult
    ) -> None:
        """Store what is new of a session, and count it. `known`: its chat was there before."""
        if known and not self._is_there(item.content_hash):
            neighbours = self._neighbours(item, session)
            if neighbours:
                self._extend(item, neighbours, result)
                return
        if self._insert(item, session.starts, session.ends):
            result.conversations += 1
            result.sessions += 1
            result.messages += len(item.messages)
            result.characters += sum(len(message.text) for message in item.messages)
        else:
            result.messages_there += len(item.messages)

    def add_people(self, people: Mapping[str, str]) -> None:
        """Keep the display names of those who speak in this source."""
        if not people:
            return
        self._db.executemany(
            "INSERT OR IGNORE INTO person(source_id, author_id, name) VALUES (?, ?, ?)",
            (
                (self._source_id, author, storable(name))
                for author, name in people.items()
                if is_valid(author)
            ),
        )

    def set_group(self, chat_id: str, group: bool) -> None:
        """Say of all sessions of a chat, also of older exports, whether more than two take part."""
        self._db.execute(
            "UPDATE conversation SET is_group = ? WHERE conversation_id = ? AND is_group != ?",
            (group, chat_id, group),
        )

    def remove_emptied(self) -> None:
        """Delete the entries of older exports whose last session went into this one."""
        for source_id in self._moved_from:
            left = self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM document WHERE source_id = ?) "
                "OR EXISTS (SELECT 1 FROM conversation WHERE source_id = ?)",
                (source_id, source_id),
            ).fetchone()[0]
            if not left:
                for table, column in (
                    ("person", "source_id"), ("import_log", "source_id"), ("source", "id"),
                ):  # fmt: skip
                    self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (source_id,))

    def _is_there(self, content_hash: str) -> bool:
        asked = "SELECT 1 FROM conversation WHERE content_hash = ?"
        return self._db.execute(asked, (content_hash,)).fetchone() is not None

    def _insert(self, item: Conversation, starts: float | None, ends: float | None) -> bool:
        cursor = self._db.execute(
            "INSERT INTO conversation(source_id, content_hash, conversation_id, title, timestamp,"
            " raw_ref, starts, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(content_hash) DO NOTHING",
            (
                self._source_id,
                item.content_hash,
                item.conversation_id,
                item.title,
                item.timestamp,
                item.raw_ref,
                starts,
                ends,
            ),
        )
        if not cursor.rowcount:
            return False
        assert cursor.lastrowid is not None
        insert_messages(self._db, cursor.lastrowid, item.messages)
        return True

    def _neighbours(self, item: Conversation, session: MessageSession) -> list[_StoredSession]:
        """Stored sessions of the same chat without a long silence between them and this one;
        of a chat without times all of them. In time order."""
        if session.starts is None or session.ends is None:
            rows = self._db.execute(
                "SELECT id, source_id FROM conversation "
                "WHERE conversation_id = ? AND starts IS NULL ORDER BY id",
                (item.conversation_id,),
            )
            return [_StoredSession(*row) for row in rows]
        found: list[_StoredSession] = []
        misses = 0
        for identifier, source_id, ends in self._db.execute(
            "SELECT id, source_id, ends FROM conversation "
            "WHERE conversation_id = ? AND starts <= ? ORDER BY starts DESC",
            (item.conversation_id, session.ends + GAP),
        ):
            if ends >= session.starts - GAP:
                found.append(_StoredSession(identifier, source_id))
            else:
                misses += 1
                if misses == MISSES:
                    break
        return found[::-1]

    def _extend(
        self, item: Conversation, neighbours: Sequence[_StoredSession], result: AddResult
    ) -> None:
        """Put the union of a session and its neighbours in their place."""
        joined = join(
            [message for session in neighbours for message in self._read(session.id)],
            item.messages,
        )
        result.messages += len(joined.added)
        result.messages_there += joined.there
        result.messages_changed += joined.changed
        result.characters += sum(len(message.text) for message in joined.added)
        if not joined.added and not joined.changed:
            return
        if joined.there:
            result.extended += bool(joined.added)
        else:
            result.conversations += 1
            result.sessions += 1
        self._replace(item, neighbours, joined)

    def _replace(
        self, item: Conversation, neighbours: Iterable[_StoredSession], joined: Joined
    ) -> None:
        for session in neighbours:
            if session.source_id != self._source_id:
                self._db.execute(
                    "INSERT OR IGNORE INTO person(source_id, author_id, name) "
                    "SELECT ?, p.author_id, p.name FROM person p WHERE p.source_id = ? "
                    "AND p.author_id IN (SELECT author_id FROM message WHERE conversation = ?)",
                    (self._source_id, session.source_id, session.id),
                )
                self._moved_from.add(session.source_id)
            self._db.execute("DELETE FROM conversation WHERE id = ?", (session.id,))
        for part in cut(joined.messages):
            self._insert(
                Conversation(
                    tuple(part.messages),
                    item.raw_ref,
                    item.conversation_id,
                    item.title,
                    part.messages[0].timestamp,
                ),
                part.starts,
                part.ends,
            )

    def _read(self, conversation: int) -> list[Message]:
        return [
            message_of(row)
            for row in self._db.execute(
                f"SELECT {MESSAGE_COLUMNS} FROM message WHERE conversation = ? ORDER BY position",
                (conversation,),
            )
        ]


def message_of(row: Sequence[object]) -> Message:
    """A row of `MESSAGE_COLUMNS`."""
    return Message(row[0], bool(row[1]), *row[2:])  # type: ignore[arg-type]


def insert_messages(db: sqlite3.Connection, conversation: int, messages: Sequence[Message]) -> None:
    """Add the messages of a conversation that has none yet."""
    for start in range(0, len(messages), ROWS):
        values: list[object] = [conversation]
        rows = messages[start : start + ROWS]
        for position, message in enumerate(rows, start):
            # Python's sqlite3 looks for an adapter of each None and each bool: a third of the time
            # that storing a message took.
            values += (
                position, message.author_id, 1 if message.is_me else 0, message.text, message.kind,
                message.message_id or "", message.timestamp or "", message.reply_to or "",
                message.raw_ref or "",
            )  # fmt: skip
        db.execute(_insertion(len(rows)), values)


@lru_cache(maxsize=ROWS)
def _insertion(rows: int) -> str:
    """A statement for so many messages of one conversation, which is its first value. What is
    optional is NULL where the value is empty."""
    columns = ["?", "?", "?", "?", "?"] + ["NULLIF(?, '')"] * 4
    row = f"(?1, {', '.join(columns)})"
    return f"INSERT INTO message(conversation, position, {MESSAGE_COLUMNS}) VALUES " + ", ".join(
        [row] * rows
    )
