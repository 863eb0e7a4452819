"""The two types that every importer fills: a piece of writing and a conversation.

Knows: the record's fields and their content hash. Does not know: files, SQLite, tokens.
Data: importer -> Document | Conversation -> store -> split.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import msgspec

Role = Literal["them", "me"]

EDITS_SOURCE = "edits"
"""The source under which replies stand that were corrected in a chat."""


_LENGTHS = [length.to_bytes(8, "little") for length in range(256)]


def content_hash(*parts: str) -> str:
    """SHA-256 (hex) over the parts, unambiguous in where one ends and the next begins."""
    return hashlib.sha256(b"".join(map(_measured, parts))).hexdigest()


def _measured(part: str) -> bytes:
    """A part behind its length."""
    data = part.encode("utf-8", "surrogatepass")
    return _length(data) + data


def _all_measured(parts: list[str]) -> bytes:
    """Each behind its length."""
    length = len(parts[0])
    if length > 127 or set(map(len, parts)) != {length} or not "".join(parts).isascii():
        return b"".join(map(_measured, parts))
    # As times are: the bytes of one length are characters of ASCII.
    return _LENGTHS[length].decode().join(["", *parts]).encode()


def _length(data: bytes) -> bytes:
    length = len(data)
    return _LENGTHS[length] if length < 256 else length.to_bytes(8, "little")


@dataclass(frozen=True)
class Document:
    """One piece of someone's writing.

    `text` is what will be trained on; `raw_ref` says where it stood (a path, a URL, a row);
    `timestamp` is ISO 8601 (UTC with Z, or naive as written) or None where unknown.
    """

    text: str
    raw_ref: str
    title: str | None = None
    timestamp: str | None = None
    document_id: str | None = None
    """The source's own id, the same in every export, where it has one."""

    @property
    def content_hash(self) -> str:
        return content_hash("document", self.text)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn of a conversation, with the fields every chat export is reduced to.

    There are millions: a named tuple takes four times as long to make, and the garbage collector
    goes through it again and again.
    """

    author_id: str
    is_me: bool
    text: str
    kind: str = "text"
    message_id: str | None = None
    timestamp: str | None = None
    reply_to: str | None = None
    raw_ref: str | None = None

    @property
    def role(self) -> Role:
        return "me" if self.is_me else "them"


@dataclass(frozen=True)
class Conversation:
    """Ordered messages between `me` and others.

    Its hash is over who said what and, where the source tells, when: "ok" is said more than once.
    """

    messages: tuple[Message, ...]
    raw_ref: str
    conversation_id: str | None = None
    title: str | None = None
    timestamp: str | None = None
    people: dict[str, str] = field(default_factory=dict)
    """Display name of each author_id, where the source tells one."""

    @property
    def content_hash(self) -> str:
        # As `content_hash` of the role, the author and the text of each message, then all times;
        # there are millions of messages, and few who speak.
        speakers: dict[tuple[str, bool], bytes] = {}
        pieces = [_measured("conversation")]
        for message in self.messages:
            who = message.author_id, message.is_me
            speaker = speakers.get(who)
            if speaker is None:
                speaker = _measured(message.role) + _measured(message.author_id)
                speakers[who] = speaker
            text = message.text.encode("utf-8", "surrogatepass")
            length = len(text)
            pieces += speaker, _LENGTHS[length] if length < 256 else _length(text), text
        times = [message.timestamp or "" for message in self.messages]
        if any(times):
            pieces.append(_all_measured(times))
        return hashlib.sha256(b"".join(pieces)).hexdigest()


@dataclass(frozen=True)
class Dropped:
    """Something an importer left out, counted by reason: in = kept + dropped, always."""

    reason: str
    raw_ref: str
    count: int = 1


Item = Document | Conversation | Dropped
