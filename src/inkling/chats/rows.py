"""The rows of chats.db: one conversation, one message, one variant at a time.

Knows: the statements that read and write them, and what a person is told where a row is not there.
Does not know: transactions; the caller holds one.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from inkling.chats.records import Provenance, Source, storable, title_of
from inkling.corpus.document import Role
from inkling.database import now
from inkling.errors import ChatNotFoundError

SUMMARY = """SELECT c.id, c.title, c.created, c.updated, c.run, c.source,
(SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.chosen),
(SELECT count(*) FROM message m JOIN edit e ON e.message = m.id
 WHERE m.conversation = c.id AND e.undone IS NULL)
FROM conversation c"""


def create_conversation(db: sqlite3.Connection, source: Source, run: str | None, title: str) -> int:
    """A new, empty conversation; its id."""
    identifier = db.execute(
        "INSERT INTO conversation(title, created, updated, run, source) VALUES (?, ?, ?, ?, ?)",
        (storable(title), now(), now(), run, source),
    ).lastrowid
    assert identifier is not None
    return identifier


def append_message(
    db: sqlite3.Connection, conversation: int, role: Role, text: str, origin: Provenance | None
) -> int:
    """A message at the end; its position. The first one said is the title if there is none."""
    touch(db, conversation)
    (position,) = db.execute(
        "SELECT coalesce(max(position) + 1, 0) FROM message WHERE conversation = ?", (conversation,)
    ).fetchone()
    add_variant(db, conversation, position, 0, role, text, origin)
    if role == "them":
        db.execute(
            "UPDATE conversation SET title = ? WHERE id = ? AND title = ''",
            (title_of(text), conversation),
        )
    return int(position)


def conversation_row(db: sqlite3.Connection, conversation: int) -> tuple[Any, ...]:
    """The columns of SUMMARY. Raises ChatNotFoundError."""
    row: tuple[Any, ...] | None = db.execute(
        f"{SUMMARY} WHERE c.id = ?", (conversation,)
    ).fetchone()
    if row is None:
        raise ChatNotFoundError(f"There is no chat {conversation}; it may have been deleted.")
    return row


def touch(db: sqlite3.Connection, conversation: int) -> None:
    """It is the newest now. Raises ChatNotFoundError."""
    conversation_row(db, conversation)
    db.execute("UPDATE conversation SET updated = ? WHERE id = ?", (now(), conversation))


def reply_row(db: sqlite3.Connection, conversation: int, position: int) -> tuple[int, str]:
    """Id and text of the chosen variant of a reply. Raises ChatNotFoundError."""
    conversation_row(db, conversation)
    row: tuple[int, str] | None = db.execute(
        "SELECT id, text FROM message "
        "WHERE conversation = ? AND position = ? AND role = 'me' AND chosen",
        (conversation, position),
    ).fetchone()
    if row is None:
        raise ChatNotFoundError(f"Message {position + 1} of chat {conversation} is not a reply.")
    return row


def unchoose(db: sqlite3.Connection, conversation: int, position: int) -> None:
    """No variant of a message counts, until the next that is added or chosen."""
    db.execute(
        "UPDATE message SET chosen = 0 WHERE conversation = ? AND position = ?",
        (conversation, position),
    )


def add_variant(
    db: sqlite3.Connection,
    conversation: int,
    position: int,
    variant: int,
    role: Role,
    text: str,
    origin: Provenance | None,
) -> None:
    """One more text of a message, and the one that counts."""
    made: tuple[object, ...] = (None, None, None, None)
    if origin is not None:
        settings = origin.settings
        made = (settings.seed, settings.model_dump_json(), origin.run, origin.step)
    db.execute(
        "INSERT INTO message(conversation, position, variant, chosen, role, text, seed, "
        "settings, run, step, created) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
        (conversation, position, variant, role, storable(text), *made, now()),
    )
