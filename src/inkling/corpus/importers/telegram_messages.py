"""Telegram's messages: one JSON object each, and what of it the author wrote.

Knows: the fields of a message in all ages of `result.json`. Does not know: files, how it is told
who the author is. Data: decoded JSON -> `chat_messages` -> Message | Dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import Note, ReadOptions
from inkling.corpus.importing.json_shape import BROKEN, UNREAD, Shape, unread
from inkling.corpus.importing.json_stream import valid_text
from inkling.corpus.importing.quotes import PARTLY_QUOTED
from inkling.corpus.importing.times import from_iso, from_unix


class TelegramMessage(Shape, frozen=True):
    """What is read of a message."""

    id: Any = None
    type: Any = UNSET
    from_: Any = msgspec.field(default=None, name="from")
    from_id: Any = None
    date: Any = None
    date_unixtime: Any = None
    text: Any = None
    text_entities: msgspec.Raw = UNREAD
    reply_to_message_id: Any = None
    action: Any = None
    via_bot: Any = None
    # Of these it counts that they are there, also as null.
    forwarded_from: Any = UNSET
    forwarded_from_id: Any = UNSET
    poll: Any = UNSET
    location_information: Any = UNSET
    photo: Any = UNSET
    file: Any = UNSET
    media_type: Any = UNSET
    sticker_emoji: Any = UNSET
    contact_information: Any = UNSET
    thumbnail: Any = UNSET

    @property
    def has_media(self) -> bool:
        found = (
            self.photo, self.file, self.media_type, self.sticker_emoji, self.contact_information,
            self.thumbnail,
        )  # fmt: skip
        return any(value is not UNSET for value in found)


@dataclass
class About:
    """What stands in front of a chat's messages."""

    name: str | None = None
    type: str = ""
    id: str | None = None


def author_of(item: TelegramMessage) -> tuple[str | None, str | None]:
    """(id, name) of a message's author. Before 2021 ids were bare numbers."""
    name, identity = item.from_, item.from_id
    name = valid_text(name) if isinstance(name, str) and name else None
    if isinstance(identity, int) and not isinstance(identity, bool):
        return f"user{identity}", name
    if isinstance(identity, str) and identity:
        return valid_text(identity), name
    return name, name


def is_said(options: ReadOptions, identity: str | None, name: str | None) -> bool:
    """Whether a person said that this is them: by id, by number or by name."""
    return bool(options.me) and options.is_me(
        identity, identity and identity.removeprefix("user"), name
    )


def chat_messages(
    items: Iterable[Any],
    about: About,
    me: str | None,
    people: dict[str, str],
    path: str,
    options: ReadOptions,
) -> Iterator[Message | Dropped | Note]:
    """What each of a chat's objects says, in the order of the file. `people` is filled on the way;
    `me` is the author's id where the export tells it."""
    known: dict[tuple[object, object], tuple[str, bool]] = {}
    """Who speaks, by the two fields that say it."""
    place = f"{path}#{about.id or about.name or ''}"
    for number, item in enumerate(items, start=1):
        if not isinstance(item, TelegramMessage):
            yield Dropped("a damaged message" if item is BROKEN else "no message", path)
            continue
        identity = item.id
        message_id = str(identity) if isinstance(identity, (int, str)) else None
        raw_ref = f"{place}/{message_id or number}"
        text = item.text
        if not (text and isinstance(text, str) and text.isascii()):
            text, quoted = _text(item)
        else:
            quoted = False
        reason = _reason(item, about, text)
        if quoted and reason is not None and not text.strip():
            reason = "only quoted text"
        if reason is not None:
            yield Dropped(reason, raw_ref)
            continue
        if quoted:
            yield Note(PARTLY_QUOTED, raw_ref)
        fields = (item.from_, item.from_id)
        try:
            author, is_me = known[fields]
        except (KeyError, TypeError):  # a list or an object is no name
            identity, name = author_of(item)
            author = identity or "unknown"
            people.setdefault(author, name or "Deleted Account")
            is_me = (me is not None and author == me) or is_said(options, author, name)
            if isinstance(fields[0], str | None) and isinstance(fields[1], str | None):
                known[fields] = (author, is_me)
        reply = item.reply_to_message_id
        yield Message(
            author,
            is_me,
            text,
            "text",
            message_id,
            from_unix(item.date_unixtime) or from_iso(item.date),
            None if reply is None or not isinstance(reply, (int, str)) else str(reply),
            raw_ref,
        )


def _text(item: TelegramMessage) -> tuple[str, bool]:
    """A string, or a list of strings and marked pieces, joined with nothing between; whether
    something quoted stood among them, which is another's."""
    text = item.text
    if not text and text in (None, "", []):
        text = unread(item.text_entities)
    if isinstance(text, str):
        return valid_text(text), False
    if not isinstance(text, list):
        return "", False
    own = [piece for piece in text if not _is_quote(piece)]
    pieces = (piece.get("text") if isinstance(piece, dict) else piece for piece in own)
    joined = valid_text("".join(piece for piece in pieces if isinstance(piece, str)))
    return (joined, False) if len(own) == len(text) else (joined.strip("\n"), True)


def _is_quote(piece: object) -> bool:
    return isinstance(piece, dict) and piece.get("type") == "blockquote"


def _reason(item: TelegramMessage, about: About, text: str) -> str | None:
    """Why a message is left out, or None."""
    if item.type != "message" and item.type is not UNSET:
        if item.type != "service":
            return "unsupported message"
        return "call" if item.action == "phone_call" else "system notice"
    if about.type == "bot_chat":
        return "chat with a bot"
    if about.type == "verification_codes":
        return "system notice"
    if item.forwarded_from is not UNSET or item.forwarded_from_id is not UNSET:
        return "forwarded message"
    if item.via_bot:
        return "written by a bot"
    if not text.strip():
        if item.poll is not UNSET:
            return "poll"
        if item.location_information is not UNSET:
            return "location"
        return "media without text" if item.has_media else "empty message"
    return None
