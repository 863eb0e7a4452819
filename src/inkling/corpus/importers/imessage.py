"""iMessage: the database of Messages on a Mac, or `sms.db` out of an iPhone's backup.

Knows: its tables, in whatever age, and what of them are messages. Does not know: how a text is
archived in `attributedBody` (`imessage_text`).
Data: `chat.db` and its `-wal` -> a private copy -> a query a chat -> Chat.

The file itself is never opened as a database: what Messages has not yet written into it stands
in the `-wal` beside it, and opening would change both. Both are copied into a temporary folder,
read there, and removed.
"""

from __future__ import annotations

import datetime
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importers.imessage_text import archived_text
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.json_stream import valid_text
from inkling.corpus.importing.times import utc
from inkling.corpus.importing.tree import Tree, TreeFile

_MAGIC = b"SQLite format 3\0"
# The schema of a large database may stand past its first page.
_SNIFFED_BYTES = 1 << 20
# The second is what an iPhone's backup calls sms.db.
_NAMES = re.compile(r"chat\.db|sms\.db|3d0d7e5fb2ce288813306e4d4636395e047a3d28")
_SUFFIXES = (".db", ".sqlite", ".sqlite3", ".sqlitedb")
_EPOCH = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
_GROUP_STYLE = 43
# The second comes out of SQLite's own messages, where a damaged schema has no valid names.
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
_ME = "me"
_PLACEHOLDER = "\ufffc"
_COLUMNS = (
    *("guid", "text", "attributedBody", "date", "is_from_me", "item_type", "date_retracted"),
    *("associated_message_type", "balloon_bundle_id", "thread_originator_guid"),
    *("is_audio_message", "is_system_message", "cache_has_attachments"),
)


def claims(tree: Tree) -> Iterator[Claim]:
    """A database with chats in it, and the files SQLite keeps beside it."""
    paths = {file.path for file in tree.files}
    for file in tree.files:
        named = _NAMES.fullmatch(file.name) is not None
        if not (named or file.suffix in _SUFFIXES) or file.read(len(_MAGIC)) != _MAGIC:
            continue
        if named or b"chat_message_join" in file.read(_SNIFFED_BYTES):
            beside = {f"{file.path}{ending}" for ending in ("-wal", "-shm", "-journal")} & paths
            yield Claim(frozenset({file.path} | beside), 1.0, "iMessage database")


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each person or group."""
    files = {file.path: file for file in tree.only(claim.files).files}
    for path, file in files.items():
        if path.endswith(("-wal", "-shm", "-journal")):
            continue
        with tempfile.TemporaryDirectory(prefix="inkling-") as folder:
            copy = Path(folder, "chat.db")
            try:
                _copy(file, copy)
                for ending in ("-wal", "-journal"):
                    beside = files.get(f"{path}{ending}")
                    if beside is not None:
                        _copy(beside, Path(f"{copy}{ending}"))
                with closing(sqlite3.connect(copy)) as database:
                    database.text_factory = _text
                    # No function of SQLite's is run because a schema says so.
                    database.execute("pragma trusted_schema = off")
                    yield from _chats(database, path)
            except (*_UNREADABLE, OSError, EOFError):
                yield Dropped("a database that could not be read", path)


def _copy(file: TreeFile, to: Path) -> None:
    to.touch(mode=0o600)
    with file.open() as source, to.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _text(data: bytes) -> str:
    return valid_text(data.decode("utf-8", "replace"))


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"pragma table_info({table})")}


def _chats(database: sqlite3.Connection, path: str) -> Iterator[ImportedRecord]:
    columns = _columns(database, "message")
    if not {"text", "date", "is_from_me", "handle_id"} <= columns:
        yield Dropped("a database that could not be read", path)
        return
    chat_columns = _columns(database, "chat")
    display = "display_name" if "display_name" in chat_columns else "null"
    style = "style" if "style" in chat_columns else "null"
    conversations: dict[str, list[Any]] = {}
    for row in database.execute(
        f"select chat_identifier, ROWID, {display}, {style} from chat order by ROWID"
    ):
        # One person over iMessage and over SMS is one conversation.
        found = conversations.setdefault(str(row[0] or row[1]), [[], None, None])
        found[0].append(row[1])
        found[1] = found[1] or row[2] or None
        found[2] = row[3] if found[2] is None else found[2]
    query = _query(columns)
    for identity, (chat_ids, name, kind) in conversations.items():
        yield from _chat(database, path, query, identity, chat_ids, name, kind)
    alone = database.execute(
        "select count(*) from message where ROWID not in (select message_id from chat_message_join)"
    ).fetchone()[0]
    if alone:
        yield Dropped("a message of no chat", path, alone)


def _query(columns: set[str]) -> str:
    """All columns that are wanted, null where a database is too old to have one."""
    wanted = ", ".join(f"m.{c}" if c in columns else f"null as {c}" for c in _COLUMNS)
    return (
        f"select m.ROWID as number, h.id as handle, {wanted} from message m "
        "left join handle h on h.ROWID = m.handle_id where m.ROWID in "
        "(select message_id from chat_message_join where chat_id in (%s)) order by m.date, m.ROWID"
    )


def _chat(
    database: sqlite3.Connection,
    path: str,
    query: str,
    identity: str,
    chat_ids: list[int],
    name: str | None,
    kind: Any,
) -> Iterator[ImportedRecord]:
    marks = ", ".join("?" * len(chat_ids))
    handles = database.execute(
        "select distinct h.id from chat_handle_join j join handle h on h.ROWID = j.handle_id "
        f"where j.chat_id in ({marks}) limit 1000",
        chat_ids,
    ).fetchall()
    people: dict[str, str] = {}
    messages = _messages(database, path, query % marks, identity, chat_ids, people)
    yield ImportedChat(
        chat_id=f"imessage:{identity}",
        raw_ref=path,
        messages=messages,
        title=name or (str(handles[0][0]) if len(handles) == 1 else identity),
        group=kind == _GROUP_STYLE or len(handles) > 1,
        me_known=True,
        people=people,
    )
    for _ in messages:  # what the caller has not gone through
        pass


def _messages(
    database: sqlite3.Connection,
    path: str,
    query: str,
    identity: str,
    chat_ids: list[int],
    people: dict[str, str],
) -> Iterator[Message | Dropped]:
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    try:
        for row in cursor.execute(query, chat_ids):
            yield _message(row, f"{path}#{row['number']}", people)
    except _UNREADABLE:
        yield Dropped("the rest of a chat could not be read", f"{path}#{identity}")


def _message(row: sqlite3.Row, raw_ref: str, people: dict[str, str]) -> Message | Dropped:
    reason = _reason(row)
    if reason is not None:
        return Dropped(reason, raw_ref)
    written, archived = row["text"], row["attributedBody"]
    text = written if isinstance(written, str) and written else archived_text(archived)
    if text is None:
        if row["cache_has_attachments"]:
            return Dropped("media without text", raw_ref)
        return Dropped("text that could not be decoded" if archived else "empty message", raw_ref)
    words = text.replace(_PLACEHOLDER, "")
    if not words.strip():
        media = _PLACEHOLDER in text or row["cache_has_attachments"]
        return Dropped("media without text" if media else "empty message", raw_ref)
    mine = row["is_from_me"] == 1
    author = _ME if mine else str(row["handle"] or "unknown")
    people.setdefault(author, author)
    guid, reply = row["guid"], row["thread_originator_guid"]
    return Message(
        author_id=author,
        is_me=mine,
        text=words,
        message_id=guid if isinstance(guid, str) else None,
        timestamp=_moment(row["date"]),
        reply_to=reply if isinstance(reply, str) else None,
        raw_ref=raw_ref,
    )


def _reason(row: sqlite3.Row) -> str | None:
    """Why a row is left out, whatever its text."""
    associated = row["associated_message_type"]
    if isinstance(associated, int) and 2000 <= associated <= 3007:
        return "reaction"
    if row["item_type"] or row["is_system_message"]:
        return "system notice"
    if row["date_retracted"]:
        return "deleted message"
    if row["is_audio_message"] or associated == 1000:
        return "media without text"
    app = row["balloon_bundle_id"]
    if isinstance(app, str) and app and not app.endswith("URLBalloonProvider"):
        return "message of an app"
    return None


def _moment(date: Any) -> str | None:
    """Nanoseconds since 2001, seconds before macOS 10.13."""
    if not isinstance(date, int) or date <= 0:
        return None
    seconds, rest = divmod(date, 1_000_000_000) if date >= 10**12 else (date, 0)
    try:
        moment = _EPOCH + datetime.timedelta(seconds=seconds, milliseconds=rest // 1_000_000)
    except OverflowError:
        return None
    return utc(moment)


IMPORTER = Importer(
    name="imessage",
    title="iMessage",
    kind="chats",
    how_to_export="On the Mac: give the terminal Full Disk Access (System Settings › Privacy & "
    "Security), then add ~/Library/Messages, or copies of chat.db and chat.db-wal.",
    claims=claims,
    read=read,
)
