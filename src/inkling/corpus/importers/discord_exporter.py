"""Discord, as DiscordChatExporter writes it: one JSON file a channel, or several parts.

Knows: the exporter's fields, which files are one channel. Does not know: Discord's own data
package (`discord_package`). Data: Tree -> files of a channel -> `JsonStream` -> Chat.

Source: Tyrrrz/DiscordChatExporter, `JsonMessageWriter.cs`: guild and channel stand in front of
the messages, oldest first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import msgspec

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
    same_name,
)
from inkling.corpus.importing.json_shape import BROKEN, Shape
from inkling.corpus.importing.json_stream import JsonStream, valid_text
from inkling.corpus.importing.quotes import PARTLY_QUOTED, without_quotes
from inkling.corpus.importing.times import from_iso
from inkling.corpus.importing.tree import Tree, TreeFile

_SNIFFED_BYTES = 16_384
_CHANNEL = re.compile(r'"channel"\s{0,9}:\s{0,9}\{\s{0,40}"id"\s{0,9}:\s{0,9}"?(\d{1,25})"?')
_AS_TEXT = re.compile(rb"={10,100}\r?\nGuild: ")
_PART = re.compile(r"\[part (\d{1,6})\]", re.IGNORECASE)
_WRITTEN = frozenset(("Default", "Reply", "0", "19"))
_LOOKED_AHEAD = 500
_CUT = object()


class _Author(Shape, frozen=True):
    """What is read of who wrote a message."""

    id: Any = None
    name: Any = None
    nickname: Any = None
    is_bot: Any = msgspec.field(default=None, name="isBot")


_NOBODY = _Author()


class _DiscordMessage(Shape, frozen=True):
    """What is read of a message."""

    id: Any = None
    type: Any = "Default"
    timestamp: Any = None
    content: Any = None
    author: _Author = _NOBODY
    reference: Any = None
    forwarded: Any = msgspec.field(default=None, name="forwardedMessage")
    attachments: Any = None
    stickers: Any = None
    embeds: Any = None


def claims(tree: Tree) -> Iterator[Claim]:
    """One claim for all channels of a tree, and one for those in other formats, to refuse them."""
    files = [file for file in tree.files if _channel(file) is not None]
    if files:
        channels = {_channel(file) for file in files}
        title = f"Discord, {len(channels)} channels" if len(channels) > 1 else "Discord channel"
        yield Claim(frozenset(file.path for file in files), 1.0, title)
    wrong = frozenset(file.path for file in tree.files if _is_wrong_format(file))
    if wrong:
        yield Claim(wrong, 0.95, "Discord channel as text")


def _is_wrong_format(file: TreeFile) -> bool:
    """Whether the same program wrote a channel as text or as a table."""
    if file.suffix == ".txt":
        return _AS_TEXT.match(file.read(200).removeprefix(b"\xef\xbb\xbf")) is not None
    head = file.read(50) if file.suffix == ".csv" else b""
    return head.removeprefix(b"\xef\xbb\xbf").startswith(b"AuthorID,Author,Date,Content")


def _channel(file: TreeFile) -> str | None:
    """The id of the channel that a file is of."""
    if file.suffix != ".json":
        return None
    head = file.read(_SNIFFED_BYTES).decode("utf-8", "replace")
    if '"guild"' not in head:
        return None
    found = _CHANNEL.search(head)
    return found[1] if found else None


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each channel, its parts in order."""
    channels: dict[str, list[TreeFile]] = {}
    for file in tree.only(claim.files).files:
        channel = _channel(file)
        if channel is None and _is_wrong_format(file):
            kind = "text" if file.suffix == ".txt" else "a table"
            reason = f"Discord as {kind}; export it again. {IMPORTER.how_to_export}"
            yield Dropped(reason, file.path)
        elif channel is None:
            yield Dropped("no Discord channel", file.path)
        else:
            channels.setdefault(channel, []).append(file)
    for channel, files in channels.items():
        files.sort(key=_part)
        yield _chat(channel, files, options)


def _part(file: TreeFile) -> int:
    found = _PART.search(file.name)
    return int(found[1]) if found else 1


def _chat(channel: str, files: list[TreeFile], options: ReadOptions) -> ImportedChat:
    facts = _facts(files[0])
    items = chain.from_iterable(_items(file) for file in files)
    ahead = list(islice(items, _LOOKED_AHEAD))
    authors = {_author(item) for _, _, item in ahead if isinstance(item, _DiscordMessage)}
    me = {identity for identity, *names in authors if options.is_me(identity, *names)}
    kind = str(facts.get("type", ""))
    name = facts.get("name")
    direct = kind in ("DirectTextChat", "DM")
    if not me and direct and isinstance(name, str):
        # A direct channel has the other person's name.
        named = same_name(name)
        others = {a for a in authors if named in (same_name(n) for n in a[1:] if n is not None)}
        if len(others) == 1 and len(authors) == 2:
            me = {identity for identity, *_ in authors - others}
    people: dict[str, str] = {}
    guild = facts.get("guild")
    return ImportedChat(
        chat_id=f"discord:{channel}",
        raw_ref=files[0].path,
        messages=_messages(chain(ahead, items), frozenset(me), people, options),
        title=f"{guild} · {name}" if guild and not direct else str(name) if name else None,
        group=not direct,
        me_known=bool(me),
        people=people,
    )


def _facts(file: TreeFile) -> dict[str, Any]:
    """What a file says of its channel."""
    facts: dict[str, Any] = {}
    try:
        with file.open() as stream:
            pulled = JsonStream(stream)
            for key in pulled.fields():
                if key == "messages":
                    break
                value = pulled.value() if key in ("guild", "channel") else None
                if isinstance(value, dict) and key == "channel":
                    facts |= {field: value.get(field) for field in ("name", "type")}
                elif isinstance(value, dict) and value.get("id") != "0":
                    facts["guild"] = value.get("name")
    except (OSError, EOFError):
        pass  # told when the messages are read
    return facts


def _items(file: TreeFile) -> Iterator[tuple[str, int, Any]]:
    """(path, number, message); `_CUT` where a file ends too early."""
    number = 0
    try:
        with file.open() as stream:
            pulled = JsonStream(stream)
            for key in pulled.fields():
                if key == "messages":
                    for number, item in enumerate(pulled.items(_DiscordMessage), start=1):
                        yield file.path, number, item
            if pulled.damaged:
                yield file.path, number, _CUT
    except (OSError, EOFError):
        yield file.path, number, _CUT


def _author(item: _DiscordMessage) -> tuple[str, str | None, str | None]:
    """(id, account, name in the channel). Old accounts have a number behind their name."""
    author = item.author if isinstance(item.author, _Author) else _NOBODY
    name, nickname, identity = author.name, author.nickname, author.id
    account = valid_text(name) if isinstance(name, str) and name else None
    shown = valid_text(nickname) if isinstance(nickname, str) and nickname else None
    return (
        str(identity) if isinstance(identity, (str, int)) else account or "unknown",
        account,
        shown,
    )


def _messages(
    items: Iterator[tuple[str, int, Any]],
    me: frozenset[str],
    people: dict[str, str],
    options: ReadOptions,
) -> Iterator[Message | Dropped | Note]:
    for path, number, item in items:
        if item is _CUT:
            yield Dropped("the rest of the file could not be read", path)
            continue
        if not isinstance(item, _DiscordMessage):
            yield Dropped("a damaged message" if item is BROKEN else "no message", path)
            continue
        identity = item.id
        message_id = str(identity) if isinstance(identity, (str, int)) else None
        raw_ref = f"{path}#{message_id or number}"
        text = valid_text(item.content) if isinstance(item.content, str) else ""
        own = without_quotes(text)
        reason = _reason(item, text)
        if own is not text and not own.strip():
            reason = reason or "only quoted text"
        if reason is not None:
            yield Dropped(reason, raw_ref)
            continue
        if own != text:
            yield Note(PARTLY_QUOTED, raw_ref)
        author, account, shown = _author(item)
        if author not in people:
            people[author] = shown or account or author
        reference = item.reference
        reply = reference.get("messageId") if isinstance(reference, dict) else None
        yield Message(
            author,
            author in me or options.is_me(author, account, shown),
            own,
            "text",
            message_id,
            from_iso(item.timestamp),
            str(reply) if isinstance(reply, (str, int)) else None,
            raw_ref,
        )


def _reason(item: _DiscordMessage, text: str) -> str | None:
    """Why a message is left out, or None."""
    if isinstance(item.author, _Author) and item.author.is_bot is True:
        return "written by a bot"
    if item.type == "Call":
        return "call"
    if str(item.type) not in _WRITTEN:
        return "system notice"
    if text and not text.isspace():
        return None
    if item.forwarded:
        return "forwarded message"
    media = item.attachments or item.stickers or item.embeds
    return "media without text" if media else "empty message"


IMPORTER = Importer(
    name="discord-exporter",
    title="Discord (DiscordChatExporter)",
    kind="chats",
    how_to_export="In DiscordChatExporter: choose the channels or direct messages, format JSON, "
    "without assets. Add the .json files.",
    claims=claims,
    read=read,
)
