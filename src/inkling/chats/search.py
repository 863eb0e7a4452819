"""Finding what was said in the kept chats.

Knows: the full-text index of chats.db, and what it does not find. Does not know: terminals, HTTP.
"""

from __future__ import annotations

import sqlite3

from inkling.chats.records import SearchHit, storable

MAX_SEARCH_WORDS = 32
"""SQLite refuses an expression of many more."""


def search_messages(db: sqlite3.Connection, query: str, limit: int) -> list[SearchHit]:
    """Chosen messages with all words of the query (the beginnings of words count), in the
    newest conversation first; else those with the query as it stands anywhere inside."""
    query = storable(query).replace("\0", " ").strip()
    words = [f'"{word}"*' for word in query.replace('"', " ").split()][:MAX_SEARCH_WORDS]
    found = (
        "SELECT c.id, c.title, m.position, m.role, {excerpt} FROM message m "
        "JOIN conversation c ON c.id = m.conversation {join} WHERE m.chosen AND {where} "
        "ORDER BY c.updated DESC, c.id DESC, m.position LIMIT ?"
    )
    if not query:
        return []
    rows = (
        words
        and db.execute(
            found.format(
                excerpt="snippet(message_text, 0, '', '', '…', 16)",
                join="JOIN message_text ON message_text.rowid = m.id",
                where="message_text MATCH ?",
            ),
            (" ".join(words), limit),
        ).fetchall()
    )
    # Scripts without spaces between words, and emoji, are no words to the index.
    rows = (
        rows
        or db.execute(
            found.format(excerpt="m.text", join="", where="instr(lower(m.text), lower(?)) > 0"),
            (query, limit),
        ).fetchall()
    )
    return [SearchHit(*row) for row in rows]
