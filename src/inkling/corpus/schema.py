"""The tables of corpus.db.

Knows: columns and what must hold among them. Does not know who reads or writes them.
"""

VERSION = 1

SCHEMA = """
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    added_at TEXT NOT NULL
);
CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source(id),
    content_hash TEXT NOT NULL UNIQUE,
    title TEXT,
    timestamp TEXT,
    raw_ref TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source(id),
    content_hash TEXT NOT NULL UNIQUE,
    conversation_id TEXT,
    title TEXT,
    timestamp TEXT,
    raw_ref TEXT NOT NULL
);
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    message_id TEXT,
    timestamp TEXT,
    author_id TEXT NOT NULL,
    is_me INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    reply_to TEXT,
    raw_ref TEXT,
    UNIQUE (conversation, position)
);
CREATE TABLE person (
    source_id INTEGER NOT NULL REFERENCES source(id),
    author_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (source_id, author_id)
);
CREATE TABLE exclusion (
    content_hash TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    excluded_at TEXT NOT NULL
);
CREATE TABLE import_log (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES source(id),
    imported_at TEXT NOT NULL,
    found INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    already_there INTEGER NOT NULL,
    dropped TEXT NOT NULL
);
CREATE VIRTUAL TABLE document_text USING fts5(title, text, content='document', content_rowid='id');
CREATE TRIGGER document_added AFTER INSERT ON document BEGIN
    INSERT INTO document_text(rowid, title, text) VALUES (new.id, new.title, new.text);
END;
CREATE TRIGGER document_removed AFTER DELETE ON document BEGIN
    INSERT INTO document_text(document_text, rowid, title, text)
    VALUES ('delete', old.id, old.title, old.text);
END;
"""
