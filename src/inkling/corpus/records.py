"""What the corpus database answers with.

Knows: the fields of a row as its readers see it. Does not know SQL.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from inkling.corpus.document import Message


@dataclass(frozen=True)
class StoredConversation:
    """A conversation as the store keeps it."""

    id: int
    source: str
    content_hash: str
    title: str | None
    timestamp: str | None
    raw_ref: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Description:
    """What a document or a conversation is called and where it came from, without its text."""

    source: str
    title: str | None
    timestamp: str | None
    raw_ref: str


@dataclass
class AddResult:
    """What one import did. found = documents + conversations + already_there + dropped."""

    documents: int = 0
    conversations: int = 0
    characters: int = 0
    already_there: int = 0
    cut: int = 0
    """Passages and messages forgotten earlier that were cut out of what was kept."""
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    """For each reason, the first thing dropped for it."""

    @property
    def kept(self) -> int:
        return self.documents + self.conversations

    @property
    def found(self) -> int:
        return self.kept + self.already_there + self.dropped.total()


@dataclass(frozen=True)
class SourceSummary:
    """One line of `inkling corpus`."""

    source: str
    kind: str
    documents: int
    characters: int
    conversations: int
    messages: int
    dropped: dict[str, int]


@dataclass(frozen=True)
class Person:
    """Someone who speaks in the dialogs of a source."""

    source: str
    author_id: str
    name: str
    messages: int
