"""The tables of chats.db, as the migrations that make them.

Knows: columns and what must hold among them, version by version. Does not know who reads or
writes them, or how a migration is carried out (inkling.database).
"""

_FIRST = """
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    run TEXT,
    source TEXT NOT NULL CHECK (source IN ('terminal', 'page'))
);
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    variant INTEGER NOT NULL,
    chosen INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('them', 'me')),
    text TEXT NOT NULL,
    seed INTEGER,
    settings TEXT,
    run TEXT,
    step INTEGER,
    created TEXT NOT NULL,
    UNIQUE (conversation, position, variant)
);
CREATE UNIQUE INDEX one_chosen ON message(conversation, position) WHERE chosen;
CREATE TABLE edit (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    created TEXT NOT NULL,
    undone TEXT,
    corpus_hash TEXT NOT NULL
);
CREATE UNIQUE INDEX one_edit ON edit(message) WHERE undone IS NULL;
CREATE VIRTUAL TABLE message_text USING fts5(text, content='message', content_rowid='id');
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    INSERT INTO message_text(rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    INSERT INTO message_text(message_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER message_changed AFTER UPDATE OF text ON message BEGIN
    INSERT INTO message_text(message_text, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO message_text(rowid, text) VALUES (new.id, new.text);
END;
"""

MIGRATIONS = (_FIRST,)

READABLE_FROM = 1
"""No migration has changed what is read."""
