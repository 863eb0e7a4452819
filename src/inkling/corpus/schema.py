"""The tables of corpus.db, as the migrations that make them.

Knows: columns and what must hold among them, version by version. Does not know who reads or
writes them, or how a migration is carried out (inkling.database).
"""

_FIRST = """
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

# The salt was made with the first exclusion, so that only some files of version 1 have its table.
_SALT = """
CREATE TABLE IF NOT EXISTS exclusion_salt (salt BLOB NOT NULL);
"""

# Chats as they grow: a session is found by its chat and its time. Documents as they are edited: an
# older version stays, with the time when a newer one took its place. And who is "me" where a source
# does not tell. The columns stand behind the text, so that an index has to hold what is listed:
# without it every text would be read.
_GROWING = """
ALTER TABLE document ADD COLUMN document_id TEXT;
ALTER TABLE document ADD COLUMN replaced_at TEXT;
ALTER TABLE conversation ADD COLUMN starts REAL;
ALTER TABLE conversation ADD COLUMN ends REAL;
CREATE INDEX IF NOT EXISTS conversation_of_chat ON conversation(conversation_id, starts);
CREATE INDEX IF NOT EXISTS conversation_of_source ON conversation(source_id);
CREATE INDEX IF NOT EXISTS document_label ON document
    (replaced_at, source_id, timestamp, raw_ref, title, document_id, content_hash);
CREATE TABLE IF NOT EXISTS own_name (
    importer TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (importer, name)
);
"""

# What is learned of the corpus: of more than two people only where it is asked for, and nothing of
# what a person decided against.
_LEARNING = """
ALTER TABLE conversation ADD COLUMN is_group INTEGER NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS training_decision (
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    PRIMARY KEY (subject, name)
);
"""

MIGRATIONS = (_FIRST, _SALT, _GROWING, _LEARNING)

READABLE_FROM = 1
"""Readers look whether a file has the newer columns (reading.live)."""
