"""The two types that every importer fills: a piece of writing and a conversation.

Knows: the record's fields and their content hash. Does not know: files, SQLite, tokens.
Data: importer -> Document | Conversation -> store -> split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["them", "me"]

EDITS_SOURCE = "edits"
"""The source under which replies stand that were corrected in a chat."""


def content_hash(*parts: str) -> str:
    """SHA-256 (hex) over the parts, unambiguous in where one ends and the next begins."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


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

    @property
    def content_hash(self) -> str:
        return content_hash("document", self.text)


@dataclass(frozen=True)
class Message:
    """One turn of a conversation, with the fields every chat export is reduced to."""

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
    """Ordered messages between `me` and others."""

    messages: tuple[Message, ...]
    raw_ref: str
    conversation_id: str | None = None
    title: str | None = None
    timestamp: str | None = None
    people: dict[str, str] = field(default_factory=dict)
    """Display name of each author_id, where the source tells one."""

    @property
    def content_hash(self) -> str:
        turns = (part for m in self.messages for part in (m.role, m.author_id, m.text))
        return content_hash("conversation", *turns)


@dataclass(frozen=True)
class Dropped:
    """Something an importer left out, counted by reason: in = kept + dropped, always."""

    reason: str
    raw_ref: str
    count: int = 1


Item = Document | Conversation | Dropped

Reader = Callable[[str, str, str | None], Iterator[Item]]
"""What an importer of one format is: (text, raw_ref, name of "me") -> items."""
