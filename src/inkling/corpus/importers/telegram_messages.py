"""Telegram's messages: one JSON object each, and what of it the author wrote.

Knows: the fields of a message in all ages of `result.json`. Does not know: files, how it is told
who the author is. Data: decoded JSON -> `chat_messages` -> Message | Dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import Note, ReadOptions
from inkling.corpus.importing.json_stream import BROKEN, valid_text
from inkling.corpus.importing.quotes import PARTLY_QUOTED
from inkling.corpus.importing.times import from_iso, from_unix

_MEDIA_KEYS = frozenset(
    ["photo", "file", "media_type", "sticker_emoji", "contact_information", "thumbnail"]
)


@dataclass
class About:
    """What stands in front of a chat's messages."""

    name: str | None = None
    type: str = ""
    id: str | None = None


def author_of(item: dict[str, Any]) -> tuple[str | None, str | None]:
    """(id, name) of a message's author. Before 2021 ids were bare numbers."""
    name, identity = item.get("from"), item.get("from_id")
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
        if not isinstance(item, dict):
            yield Dropped("a damaged message" if item is BROKEN else "no message", path)
            continue
        get = item.get
        identity = get("id")
        message_id = str(identity) if isinstance(identity, (int, str)) else None
        raw_ref = f"{place}/{message_id or number}"
        text = get("text")
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
        fields = (get("from"), get("from_id"))
        try:
            author, is_me = known[fields]
        except (KeyError, TypeError):  # a list or an object is no name
            identity, name = author_of(item)
            author = identity or "unknown"
            people.setdefault(author, name or "Deleted Account")
            is_me = (me is not None and author == me) or is_said(options, author, name)
            if isinstance(fields[0], str | None) and isinstance(fields[1], str | None):
                known[fields] = (author, is_me)
        reply = get("reply_to_message_id")
        yield Message(
            author,
            is_me,
            text,
            "text",
            message_id,
            from_unix(get("date_unixtime")) or from_iso(get("date")),
            None if reply is None or not isinstance(reply, (int, str)) else str(reply),
            raw_ref,
        )


def _text(item: dict[str, Any]) -> tuple[str, bool]:
    """A string, or a list of strings and marked pieces, joined with nothing between; whether
    something quoted stood among them, which is another's."""
    text = item.get("text")
    if not text and text in (None, "", []):
        text = item.get("text_entities")
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


def _reason(item: dict[str, Any], about: About, text: str) -> str | None:
    """Why a message is left out, or None."""
    kind = item.get("type", "message")
    if kind == "service":
        return "call" if item.get("action") == "phone_call" else "system notice"
    if kind != "message":
        return "unsupported message"
    if about.type == "bot_chat":
        return "chat with a bot"
    if about.type == "verification_codes":
        return "system notice"
    if "forwarded_from" in item or "forwarded_from_id" in item:
        return "forwarded message"
    if item.get("via_bot"):
        return "written by a bot"
    if not text.strip():
        if "poll" in item:
            return "poll"
        if "location_information" in item:
            return "location"
        return "empty message" if _MEDIA_KEYS.isdisjoint(item) else "media without text"
    return None
