"""Discord's own data package: the author's messages alone, channel by channel.

Knows: `c<id>/channel.json` with `messages.json` or `messages.csv`, under folder names that
Discord translates. Does not know: what anybody else said; it is not in there.
Data: Tree -> channels -> Chat of own messages, oldest first.

Only what is needed is opened: what Discord has recorded of a person's activity never is.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from inkling.corpus.importing.json_shape import BROKEN
from inkling.corpus.importing.json_stream import JsonStream, valid_text
from inkling.corpus.importing.oldest_first import CUT, oldest_first
from inkling.corpus.importing.quotes import PARTLY_QUOTED, without_quotes
from inkling.corpus.importing.times import from_iso, from_unix
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural

_CHANNEL = re.compile(r"(?:(?P<root>.*)/)?(?P<box>[^/]+)/c?(?P<id>\d{15,22})/channel\.json")
_SMALL_BYTES = 64_000_000
# Where the milliseconds in an id begin: 2015 in UTC.
_EPOCH_MILLISECONDS = 1_420_070_400_000
# Folders below the package's, in whatever language the package's own are.
_OTHERS = re.compile(
    r"(?:.*/)?(?:(?:analytics|reporting|tns|modeling)/[^/]*\.json"
    r"|\d{15,22}/(?:guild|audit-log|application|bot|webhooks|channels|emoji)[^/]*\.json)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Channel:
    id: str
    folder: str
    box: str
    """The folder of all channels."""


_Files = dict[str, TreeFile]


def _by_path(tree: Tree) -> _Files:
    return {file.path: file for file in tree.files}


def _channels(files: _Files) -> Iterator[_Channel]:
    for file in files.values():
        found = _CHANNEL.fullmatch(file.path)
        if found is not None:
            yield _Channel(found["id"], file.folder, file.folder.rpartition("/")[0])


def claims(tree: Tree) -> Iterator[Claim]:
    """A package, known by its channels' folders."""
    all_files = _by_path(tree)
    channels = [c for c in _channels(all_files) if _messages_file(all_files, c) is not None]
    if not channels:
        return
    boxes = {channel.box for channel in channels}
    roots = {box.rpartition("/")[0] for box in boxes}
    files = set()
    for file in tree.files:
        inside = any(file.path.startswith(f"{box}/") for box in boxes)
        root = next((r for r in roots if not r or file.path.startswith(f"{r}/")), None)
        # Discord's own words about the package lie at its top.
        about = file.folder in roots and file.name.lower() == "readme.txt"
        if (
            about
            or inside
            or (root is not None and (_is_user(file) or _OTHERS.fullmatch(file.path)))
        ):
            files.add(file.path)
    yield Claim(frozenset(files), 1.0, f"Discord data package, {plural(len(channels), 'channel')}")


def _messages_file(files: _Files, channel: _Channel) -> TreeFile | None:
    found = files.get(f"{channel.folder}/messages.json")
    return found or files.get(f"{channel.folder}/messages.csv")


def _is_user(file: TreeFile) -> bool:
    return file.name == "user.json" and file.path.count("/") <= 2


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each channel. All messages are the author's."""
    own = _by_path(tree.only(claim.files))
    user = next((_object(file) for file in own.values() if _is_user(file)), {})
    identity = str(user.get("id") or "me")
    shown = user.get("global_name") or user.get("username")
    name = shown if isinstance(shown, str) else "me"
    opened = set()
    titles: dict[str, Any] = {}
    for channel in _channels(own):
        index = own.get(f"{channel.box}/index.json")
        if index is not None and index.path not in opened:
            titles |= _object(index)
        file = _messages_file(own, channel)
        opened |= {f"{channel.folder}/channel.json", f"{channel.box}/index.json"}
        if file is None:
            yield Dropped("a channel without messages", channel.folder)
            continue
        opened.add(file.path)
        yield _chat(own, channel, file, titles.get(channel.id), identity, name)
    rest = [f for f in own.values() if f.path not in opened and not _is_user(f)]
    if rest:
        yield Dropped("no messages; left unopened", tree.name, len(rest))


def _object(file: TreeFile) -> dict[str, Any]:
    """A small JSON object, {} where it is none."""
    if file.size > _SMALL_BYTES:
        return {}
    try:
        value = json.loads(file.read())
    except (ValueError, RecursionError, OSError, EOFError):
        return {}
    return value if isinstance(value, dict) else {}


def _chat(
    files: _Files, channel: _Channel, file: TreeFile, title: Any, identity: str, name: str
) -> ImportedChat:
    facts_file = files.get(f"{channel.folder}/channel.json")
    facts = _object(facts_file) if facts_file is not None else {}
    kind = facts.get("type")
    title = title if isinstance(title, str) else facts.get("name")
    return ImportedChat(
        chat_id=f"discord:{channel.id}",
        raw_ref=file.path,
        messages=_messages(file, identity),
        title=valid_text(title) if isinstance(title, str) else None,
        group=kind not in (1, "1", "DM"),
        me_known=True,
        people={identity: valid_text(name)},
    )


def _messages(file: TreeFile, identity: str) -> Iterator[Message | Dropped | Note]:
    rows = _rows(file) if file.suffix == ".csv" else _items(file)
    try:
        for number, row in oldest_first(rows, _moment):
            if row is CUT:
                yield Dropped("the rest of the file could not be read", file.path)
            elif not isinstance(row, dict):
                yield Dropped("a damaged message", f"{file.path}#{number}")
            else:
                yield from _message(row, file.path, number, identity)
    except (OSError, EOFError):
        yield Dropped("the rest of the file could not be read", file.path)


def _message(
    row: dict[str, Any], path: str, number: int, identity: str
) -> Iterator[Message | Dropped | Note]:
    message_id = row.get("ID")
    raw_ref = f"{path}#{message_id if isinstance(message_id, (int, str)) else number}"
    contents = row.get("Contents")
    text = valid_text(contents) if isinstance(contents, str) else ""
    if not text.strip():
        reason = "media without text" if row.get("Attachments") else "empty message"
        yield Dropped(reason, raw_ref)
        return
    own = without_quotes(text)
    if not own.strip():
        yield Dropped("only quoted text", raw_ref)
        return
    if own != text:
        yield Note(PARTLY_QUOTED, raw_ref)
    yield Message(
        author_id=identity,
        is_me=True,
        text=own,
        message_id=str(message_id) if isinstance(message_id, (int, str)) else None,
        timestamp=_when(row),
        raw_ref=raw_ref,
    )


def _when(row: dict[str, Any]) -> str | None:
    """When a message was sent. Today's packages write it without a zone; that it is UTC shows in
    the message's id, which holds the moment."""
    written = from_iso(row.get("Timestamp"))
    number = _moment(row)
    if written is None or number is None or written.endswith("Z"):
        return written
    moment = from_unix((number >> 22) + _EPOCH_MILLISECONDS, per_second=1000)
    return f"{written}Z" if moment is not None and moment[:19] == written[:19] else written


def _moment(row: Any) -> int | None:
    """Ids grow with time."""
    identity = row.get("ID") if isinstance(row, dict) else None
    text = str(identity) if isinstance(identity, (int, str)) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 25 else None


def _items(file: TreeFile) -> Iterator[Any]:
    with file.open() as stream:
        pulled = JsonStream(stream)
        for item in pulled.items():
            yield None if item is BROKEN else item
        if pulled.damaged:
            yield CUT


def _rows(file: TreeFile) -> Iterator[Any]:
    """Rows of the older form, by their header."""
    with (
        file.open() as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="") as text,
    ):
        reader = csv.DictReader(text)
        try:
            for row in reader:
                yield {str(key): value for key, value in row.items() if isinstance(value, str)}
        except csv.Error:
            yield CUT


IMPORTER = Importer(
    name="discord",
    title="Discord data package",
    kind="chats",
    how_to_export="Discord › User settings › Data & Privacy › Request data, with Messages. It "
    "comes by mail within days; add the zip.",
    claims=claims,
    read=read,
)
