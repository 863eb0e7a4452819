"""Carrying out a plan of forgetting on the corpus: all at once or not at all.

Knows: which rows of corpus.db a plan changes. Does not know: why, files, runs.
Data: store + `RemovalPlan` -> one transaction.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from inkling.corpus.chat_rows import insert_messages
from inkling.corpus.clean import fold
from inkling.corpus.document import Conversation, Document
from inkling.corpus.exclusion import Exclusions
from inkling.corpus.store import CorpusStore
from inkling.forgetting.plan import RemovalPlan


def apply_removal(store: CorpusStore, plan: RemovalPlan) -> None:
    """Change the corpus, all at once or not at all, and leave no trace in its file.

    The rows and the exclusions are one transaction; `CorpusStore.compact` follows.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with store.change() as db:
        Exclusions.store(db, set(plan.excluded), plan.selector.kind, now)
        for document in plan.documents:
            text, identifier = document.text, document.before.id
            content_hash = Document(text, "").content_hash
            if _rewrite(db, "document", identifier, content_hash if text else None):
                db.execute("UPDATE document SET text = ? WHERE id = ?", (text, identifier))
        for conversation in plan.conversations:
            kept, identifier = conversation.kept, conversation.before.id
            content_hash = Conversation(kept, "").content_hash
            db.execute("DELETE FROM message WHERE conversation = ?", (identifier,))
            if _rewrite(db, "conversation", identifier, content_hash if kept else None):
                insert_messages(db, identifier, kept)
        _clear_labels(db, plan)
        _clear_decisions(db, plan)
        if plan.source is not None:
            ours = "(SELECT id FROM source WHERE source = ?)"
            for table in ("person", "import_log"):
                db.execute(f"DELETE FROM {table} WHERE source_id = {ours}", (plan.source,))
            db.execute("DELETE FROM source WHERE source = ?", (plan.source,))
        # Names of those who say nothing any more.
        db.execute(
            "DELETE FROM person WHERE NOT EXISTS (SELECT 1 FROM message m JOIN conversation c "
            "ON c.id = m.conversation WHERE c.source_id = person.source_id "
            "AND m.author_id = person.author_id)"
        )
        # A full-text index keeps deleted words in its segments until it is built anew.
        db.execute("INSERT INTO document_text(document_text) VALUES ('rebuild')")


def _rewrite(db: sqlite3.Connection, table: str, identifier: int, content_hash: str | None) -> bool:
    """Give a row its new hash; delete it where that is None, or another row has it already."""
    twin = f"SELECT 1 FROM {table} WHERE content_hash = ?"
    if content_hash is None or db.execute(twin, (content_hash,)).fetchone():
        db.execute(f"DELETE FROM {table} WHERE id = ?", (identifier,))
        return False
    db.execute(f"UPDATE {table} SET content_hash = ? WHERE id = ?", (content_hash, identifier))
    return True


def _clear_labels(db: sqlite3.Connection, plan: RemovalPlan) -> None:
    """Empty the titles and file names that hold the text, or in their chats the person's name."""
    names = {fold(name) for p in plan.people for name in (p.author_id, p.name)}
    patterns = ({plan.pattern} if plan.pattern else set()) | names
    changed = {change.before.id for change in plan.conversations}
    for table, columns in (
        ("document", ("title", "raw_ref")),
        ("conversation", ("title", "raw_ref", "conversation_id")),
    ):
        if names and table == "document":
            continue
        for identifier, *labels in db.execute(
            f"SELECT id, {', '.join(columns)} FROM {table}"
        ).fetchall():
            if names and identifier not in changed:
                continue
            for column, label in zip(columns, labels, strict=True):
                if any(pattern in fold(label or "") for pattern in patterns):
                    empty = "(removed)" if column == "raw_ref" else None
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (empty, identifier))


def _clear_decisions(db: sqlite3.Connection, plan: RemovalPlan) -> None:
    """Delete what was decided about the text or the person: it names them."""
    patterns = {fold(name) for p in plan.people for name in (p.author_id, p.name)}
    patterns |= {plan.pattern} if plan.pattern else set()
    for subject, name in db.execute("SELECT subject, name FROM training_decision").fetchall():
        if any(pattern in fold(name) for pattern in patterns):
            db.execute(
                "DELETE FROM training_decision WHERE subject = ? AND name = ?", (subject, name)
            )
