"""Corrections of replies: which ones hold, how one is taken back, and what it teaches.

Knows: the table `edit`, and that a correction and its training pair in corpus.db come and go
together. Does not know: transactions; the caller holds one.
Data: conversation and position -> rows of `edit` -> a `Conversation` of the source `edits`.
"""

from __future__ import annotations

import sqlite3

from inkling.corpus.document import EDITS_SOURCE, Conversation, Message
from inkling.corpus.store import CorpusStore
from inkling.database import now


def live_edits(
    db: sqlite3.Connection, conversation: int, position: int | None = None
) -> list[tuple[int, str]]:
    """(id, content hash in the corpus) of corrections that hold, of a message or of all."""
    return db.execute(
        "SELECT e.id, e.corpus_hash FROM edit e JOIN message m ON m.id = e.message "
        "WHERE e.undone IS NULL AND m.conversation = ? AND coalesce(m.position = ?, 1)",
        (conversation, position),
    ).fetchall()


def take_back(db: sqlite3.Connection, edit: int, content_hash: str, corpus: CorpusStore) -> None:
    """Undo a correction: the message has its text again, and the corpus forgets the pair."""
    db.execute("UPDATE edit SET undone = ? WHERE id = ?", (now(), edit))
    db.execute(
        "UPDATE message SET text = (SELECT before FROM edit WHERE id = ?) "
        "WHERE id = (SELECT message FROM edit WHERE id = ?)",
        (edit, edit),
    )
    # The same question may have been given the same correction in another chat.
    (others,) = db.execute(
        "SELECT count(*) FROM edit WHERE corpus_hash = ? AND undone IS NULL", (content_hash,)
    ).fetchone()
    if not others:
        corpus.remove(EDITS_SOURCE, content_hash)


def training_pair(
    db: sqlite3.Connection, conversation: int, position: int, reply: str
) -> Conversation:
    """What was said since the reply before, and the corrected reply.

    Earlier replies are left out: the model generated them, and would learn from itself.
    """
    asked = db.execute(
        "SELECT text FROM message WHERE conversation = ? AND chosen AND position < ? "
        "AND position > coalesce((SELECT max(position) FROM message "
        "WHERE conversation = ? AND role = 'me' AND position < ?), -1) ORDER BY position",
        (conversation, position, conversation, position),
    ).fetchall()
    return Conversation(
        messages=(
            *(Message(author_id="them", is_me=False, text=text) for (text,) in asked),
            Message(author_id="me", is_me=True, text=reply),
        ),
        raw_ref=f"chat {conversation}, message {position + 1}",
        timestamp=now(),
    )
