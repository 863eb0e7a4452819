"""iMessage: chat.db with its write-ahead log, in old and new shapes."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inkling.corpus.importers.imessage import IMPORTER
from inkling.corpus.importers.imessage_text import archived_text
from tests.importers.chats import Read, read_all
from tests.importers.trees import tree_of

NANOSECONDS = 732_463_000_123_000_000  # 2024-03-18T13:56:40.123Z since 2001

SCHEMA = """
create table message (ROWID integer primary key, guid text, text text, attributedBody blob,
  handle_id integer, date integer, is_from_me integer, item_type integer default 0,
  associated_message_type integer default 0, date_retracted integer default 0,
  balloon_bundle_id text, thread_originator_guid text, cache_has_attachments integer default 0,
  is_audio_message integer default 0, is_system_message integer default 0);
create table handle (ROWID integer primary key, id text);
create table chat (ROWID integer primary key, chat_identifier text, display_name text,
  style integer);
create table chat_message_join (chat_id integer, message_id integer,
  primary key (chat_id, message_id));
create table chat_handle_join (chat_id integer, handle_id integer);
insert into handle values (1, '+15550100'), (2, 'amos@example.org');
insert into chat values (1, '+15550100', '', 45), (2, '+15550100', null, 45),
  (3, 'chat99', 'Pier', 43);
insert into chat_handle_join values (1, 1), (2, 1), (3, 1), (3, 2);
"""


def archived(text: str, length: bytes | None = None) -> bytes:
    data = text.encode()
    if length is None:
        size = len(data)
        length = (
            bytes([size]) if size < 0x80
            else b"\x81" + size.to_bytes(2, "little") if size < 1 << 16
            else b"\x82" + size.to_bytes(4, "little")
        )  # fmt: skip
    return (
        b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00\x84\x84"
        b"\x08NSObject\x00\x85\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+"
        + length + data + b"\x86\x84\x02iI\x01\x05\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84"
    )  # fmt: skip


def database(folder: Path, *rows: dict[str, Any], log: bool = False) -> dict[str, bytes]:
    """The bytes of chat.db, and of its log where the last rows stand only there."""
    path = folder / "chat.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    if log:
        connection.execute("pragma journal_mode = wal")
    connection.executescript(SCHEMA)
    if log:
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("pragma wal_autocheckpoint = 0")
    for number, row in enumerate(rows, start=1):
        row = {"guid": f"g{number}", "date": NANOSECONDS + number * 10**9, "is_from_me": 0,
               "handle_id": 1} | row  # fmt: skip
        chat = row.pop("chat", 1)
        columns = ", ".join(row)
        cursor = connection.execute(
            f"insert into message ({columns}) values ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )
        if chat:
            connection.execute("insert into chat_message_join values (?, ?)",
                               (chat, cursor.lastrowid))  # fmt: skip
    connection.commit()
    files = {"chat.db": path.read_bytes()}
    if log:
        files["chat.db-wal"] = (folder / "chat.db-wal").read_bytes()
    connection.close()
    return files


def read(folder: Path, *rows: dict[str, Any], log: bool = False) -> Read:
    return read_all(IMPORTER, tree_of(database(folder, *rows, log=log)))


def test_messages_of_a_person_and_of_a_group(tmp_path: Path) -> None:
    """One conversation over two services; who is me is told."""
    found = read(
        tmp_path,
        {"text": "a 👩\u200d👧\nb"},
        {"text": "c", "is_from_me": 1, "chat": 2, "thread_originator_guid": "g1"},
        {"text": "d", "handle_id": 2, "chat": 3},
        {"text": "e", "is_from_me": 1, "chat": 3},
    )
    assert found.said() == [
        ("+15550100", "a 👩\u200d👧\nb"), ("me", "c"), ("amos@example.org", "d"), ("me", "e"),
    ]  # fmt: skip
    assert [(c.chat_id, c.title, c.group, c.me_known) for c in found.chats] == [
        ("imessage:+15550100", "+15550100", False, True),
        ("imessage:chat99", "Pier", True, True),
    ]
    second = found.messages[0][1]
    assert (second.message_id, second.reply_to) == ("g2", "g1")
    assert second.timestamp == "2024-03-18T13:56:42.123Z"


def test_what_stands_only_in_the_log_is_read(tmp_path: Path) -> None:
    """And the given bytes are not touched."""
    files = database(tmp_path, {"text": "only in the log"}, log=True)
    assert b"only in the log" not in files["chat.db"]
    tree = tree_of(files)
    assert next(iter(IMPORTER.claims(tree))).files == {"chat.db", "chat.db-wal"}
    assert read_all(IMPORTER, tree).texts == ["only in the log"]


def test_seconds_and_nanoseconds(tmp_path: Path) -> None:
    """Dates before macOS 10.13 are seconds."""
    found = read(tmp_path, {"text": "a", "date": NANOSECONDS // 10**9}, {"text": "b", "date": 0})
    assert [m.timestamp for m in found.messages[0]] == [None, "2024-03-18T13:56:40Z"]


@pytest.mark.parametrize("size", [1, 127, 128, 255, 256, 70_000])
def test_text_in_an_archive(tmp_path: Path, size: int) -> None:
    """With lengths of one, two and four bytes; a text that is there comes first."""
    text = "é" + "a" * size
    assert archived_text(archived(text)) == text
    found = read(
        tmp_path,
        {"attributedBody": archived(text)},
        {"text": "first", "attributedBody": archived("second")},
    )
    assert found.texts == [text, "first"]


def test_lengths_that_lie(tmp_path: Path) -> None:
    """Too long, too short, into the middle of a character: the end is looked for."""
    for length in (b"\x7f", b"\x81\xff\xff", b"\x82\xff\xff\xff\x7f", b"\x02", b"\x01", b"\xff"):
        assert archived_text(archived("héllo wörld", length)) == "héllo wörld"
    for nothing in (None, b"", b"NSString", b"NSString+", b"NSString+\x81", b"NSString+\x7fabc"):
        assert archived_text(nothing) is None
    found = read(tmp_path, {"attributedBody": b"\x04\x0bstreamtyped nothing"})
    assert found.reasons == {"text that could not be decoded": 1}


def test_what_is_no_message(tmp_path: Path) -> None:
    """Tapbacks, notices, attachments, unsent, apps; a placeholder is no character of a text."""
    found = read(
        tmp_path,
        {"text": "Liked “a”", "associated_message_type": 2000},
        {"text": "Removed", "associated_message_type": 3007},
        {"text": "\ufffc", "cache_has_attachments": 1},
        {"text": "\ufffclook", "cache_has_attachments": 1},
        {"text": None, "cache_has_attachments": 1},
        {"text": None},
        {"text": None, "item_type": 2},
        {"text": None, "date_retracted": 5},
        {"text": "x", "balloon_bundle_id": "com.apple.messages.MSMessageExtensionBalloonPlugin:1"},
        {"text": "https://example.org",
         "balloon_bundle_id": "com.apple.messages.URLBalloonProvider"},
        {"text": "alone", "chat": None},
    )  # fmt: skip
    assert found.texts == ["look", "https://example.org"]
    assert found.reasons == {
        "reaction": 2,
        "media without text": 2,
        "empty message": 1,
        "system notice": 1,
        "deleted message": 1,
        "message of an app": 1,
        "a message of no chat": 1,
    }


def test_an_old_database_has_fewer_columns(tmp_path: Path) -> None:
    """What it has not is as if it were empty."""
    path = tmp_path / "sms.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "create table message (ROWID integer primary key, guid text, text text, handle_id integer,"
        " date integer, is_from_me integer); create table handle (ROWID integer primary key, id"
        " text); create table chat (ROWID integer primary key, chat_identifier text); create table"
        " chat_message_join (chat_id integer, message_id integer); create table chat_handle_join"
        " (chat_id integer, handle_id integer); insert into handle values (1, 'a'); insert into"
        " chat values (1, 'a'); insert into chat_message_join values (1, 1); insert into message"
        " values (1, 'g', 'hi', 1, 400000000, 0);"
    )
    connection.close()
    found = read_all(IMPORTER, tree_of({"sms.db": path.read_bytes()}))
    assert found.texts == ["hi"]
    assert found.messages[0][0].timestamp == "2013-09-04T15:06:40Z"


def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    """And one that is damaged is told."""
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("create table message (a)")
    connection.commit()
    connection.close()
    data = (tmp_path / "x.db").read_bytes()
    assert not list(IMPORTER.claims(tree_of({"x.db": data, "notes.txt": "a"})))
    assert read_all(IMPORTER, tree_of({"chat.db": data})).reasons == {
        "a database that could not be read": 1
    }


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 255)), max_size=12), st.data())
def test_whatever_stands_in_a_file(
    tmp_path: Path, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Damaged pages and values of any kind: never an exception."""
    kind = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5) | st.binary()
    columns = ("text", "attributedBody", "date", "item_type", "balloon_bundle_id", "is_from_me")
    odd = {name: data.draw(kind) for name in columns}
    files = database(tmp_path, {"text": "a"}, odd, {"attributedBody": archived("b")})
    whole = read_all(IMPORTER, tree_of(files))
    assert len(whole.texts) + sum(whole.reasons.values()) == 3
    damaged = bytearray(files["chat.db"])
    for at, value in changes:
        damaged[16 + at % (len(damaged) - 16)] = value
    read_all(IMPORTER, tree_of({"chat.db": bytes(damaged)}))


@pytest.mark.parametrize("piece", [b"NSString+", b"+", b"\x86", b"\x81", b"a"])
def test_a_megabyte_of_one_thing(tmp_path: Path, piece: bytes) -> None:
    """In linear time."""
    started = time.process_time()
    run = piece * (1_000_000 // len(piece))
    archived_text(run)
    archived_text(b"NSString\x01+\x82" + run)
    found = read(tmp_path, {"text": "a" * 1_000_000}, {"attributedBody": run})
    assert len(found.texts[0]) == 1_000_000
    assert time.process_time() - started < 15
