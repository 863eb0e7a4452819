"""Signal's own plaintext export: `main.jsonl`, one frame of a backup a line.

Knows: frames (recipient, chat, chatItem) as Signal's backup format names them, in JSON.
Does not know: trees, claims.
Data: lines -> `chats` -> Chat. Messages of all chats stand mixed: they are sorted on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing import times
from inkling.corpus.importing.by_conversation import ByConversation
from inkling.corpus.importing.importer import ImportedChat, ImportedRecord
from inkling.corpus.importing.json_items import dict_of, list_of, text_or_none

# A message with line breaks that were not escaped goes on in the next lines.
_LONGEST = 1_000_000

_KINDS = (
    ("stickerMessage", "media without text"),
    ("contactMessage", "media without text"),
    ("viewOnceMessage", "media without text"),
    ("remoteDeletedMessage", "deleted message"),
    ("adminDeletedMessage", "deleted message"),
    ("updateMessage", "system notice"),
    ("paymentNotification", "system notice"),
    ("giftBadge", "system notice"),
    ("poll", "poll"),
)


def chats(lines: Iterable[str], path: str) -> Iterator[ImportedRecord]:
    """Every conversation, and what is no message. Reads all lines before the first chat."""
    me: set[str] = set()
    names: dict[str, str] = {}
    groups: set[str] = set()
    recipients: dict[str, str] = {}
    sorted_rows = ByConversation()
    for number, frame in _frames(lines):
        raw_ref = f"{path}:{number}"
        if frame is None:
            yield Dropped("a line that is not JSON", raw_ref)
        elif recipient := dict_of(frame.get("recipient")):
            key = _id(recipient.get("id"))
            names[key] = _name(recipient) or key
            if "self" in recipient:
                me.add(key)
            if "group" in recipient:
                groups.add(key)
        elif chat := dict_of(frame.get("chat")):
            recipients[_id(chat.get("id"))] = _id(chat.get("recipientId"))
        elif item := dict_of(frame.get("chatItem")):
            # Some versions wrap the item once more.
            item = dict_of(item.get("chatItem")) or item
            when = times.from_unix(item.get("dateSent"), per_second=1000)
            row = _row(item, raw_ref)
            if isinstance(row, Dropped):
                yield row
            else:
                sorted_rows.add(_id(item.get("chatId")), when, [*row, when], number)
    for chat_id in sorted_rows.conversations():
        recipient_id = recipients.get(chat_id, "")
        yield ImportedChat(
            f"signal-{recipient_id or chat_id}",
            path,
            _messages(sorted_rows.rows(chat_id), me),
            title=names.get(recipient_id),
            group=recipient_id in groups,
            me_known=True,
            people=names,
        )


def _messages(rows: Iterator[Any], me: set[str]) -> Iterator[Message | Dropped]:
    for author, outgoing, text, reply_to, raw_ref, when in rows:
        yield Message(
            author_id=author,
            is_me=outgoing or author in me,
            text=text,
            message_id=when,
            timestamp=when,
            reply_to=reply_to,
            raw_ref=raw_ref,
        )


def _frames(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Frames with the number of their first line; None for a line that is none."""
    for start, pieces in _whole_lines(lines):
        frame = _frame("\n".join(pieces))
        if frame is None and len(pieces) > 1:
            # Not one frame over several lines: a frame, then lines that are damaged.
            for number, line in enumerate(pieces, start=start):
                if line.strip():
                    yield number, _frame(line)
        else:
            yield start, frame


def _whole_lines(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines of a frame with the number of the first one. Every frame begins with `{"`."""
    pieces: list[str] = []
    start = size = 0
    for number, line in enumerate(lines, start=1):
        if pieces and not line.lstrip().startswith('{"') and size < _LONGEST:
            pieces.append(line)
        else:
            if size:
                yield start, pieces
            pieces, start, size = [line], number, 0
        size += len(line)
    if size:
        yield start, pieces


def _frame(line: str) -> dict[str, Any] | None:
    try:
        # Not strict: line breaks in strings are not always escaped.
        frame = json.loads(line.strip(), strict=False)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def _row(item: dict[str, Any], raw_ref: str) -> list[Any] | Dropped:
    """Author, whether sent from here, text, what it answers, place."""
    standard = dict_of(item.get("standardMessage"))
    story = dict_of(dict_of(item.get("directStoryReplyMessage")).get("textReply"))
    text = text_or_none(dict_of((standard or story).get("text")).get("body")) or ""
    if not text.strip():
        reason = next((why for kind, why in _KINDS if kind in item), None)
        if reason is None:
            media = list_of(standard.get("attachments")) or "directStoryReplyMessage" in item
            reason = "media without text" if media else "system notice"
        return Dropped(reason, raw_ref)
    if "outgoing" not in item and "incoming" not in item:
        return Dropped("system notice", raw_ref)
    reply_to = times.from_unix(
        dict_of(standard.get("quote")).get("targetSentTimestamp"), per_second=1000
    )
    return [_id(item.get("authorId")), "outgoing" in item, text, reply_to, raw_ref]


def _id(value: object) -> str:
    """64-bit numbers, which JSON writes as strings or as numbers."""
    return (text_or_none(value) or "") if isinstance(value, str) else str(value)[:40]


def _name(recipient: dict[str, Any]) -> str | None:
    """The name that the person gave, else the one that the other gave."""
    if "self" in recipient:
        return "me"
    if group := dict_of(recipient.get("group")):
        title = dict_of(dict_of(group.get("snapshot")).get("title"))
        return text_or_none(title.get("title"))
    contact = dict_of(recipient.get("contact"))
    nickname = dict_of(contact.get("nickname"))
    for given, family in (
        (nickname.get("given"), nickname.get("family")),
        (contact.get("systemGivenName"), contact.get("systemFamilyName")),
        (contact.get("profileGivenName"), contact.get("profileFamilyName")),
    ):
        if name := " ".join(part for part in map(text_or_none, (given, family)) if part):
            return name
    number = contact.get("e164")
    return f"+{number}" if number else text_or_none(contact.get("username"))
