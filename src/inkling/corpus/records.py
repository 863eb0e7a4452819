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
    is_group: bool = False
    """Whether more than two take part, as far as its source tells."""


@dataclass(frozen=True)
class Description:
    """What a document or a conversation is called and where it came from, without its text."""

    source: str
    title: str | None
    timestamp: str | None
    raw_ref: str


@dataclass
class AddResult:
    """What one import did. found = kept + already_there + messages_there + dropped.

    Documents and dialogs of text files count whole; of chats each message counts.
    """

    documents: int = 0
    conversations: int = 0
    """Dialogs that are new: whole ones, and sessions of chats."""
    sessions: int = 0
    """Of those, sessions of chats, whose messages count instead."""
    messages: int = 0
    """Messages of chats that are new."""
    characters: int = 0
    already_there: int = 0
    """Documents and whole dialogs."""
    messages_there: int = 0
    messages_changed: int = 0
    """Of the messages that were there, those that the newer export has otherwise."""
    extended: int = 0
    """Sessions of chats that were there and have grown."""
    replaced: int = 0
    """Older versions of documents whose place newer ones took."""
    cut: int = 0
    """Passages and messages forgotten earlier that were cut out of what was kept."""
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    """What was guessed or repaired, and how often."""
    examples: dict[str, str] = field(default_factory=dict)
    """For each reason and note, the first thing that it is about."""
    none_mine: list[str] = field(default_factory=list)
    """Chats in which, by the name that was given, the author says nothing."""
    all_mine: list[str] = field(default_factory=list)
    """Chats in which, by that name, nobody but the author speaks."""

    @property
    def kept(self) -> int:
        return self.documents + self.conversations - self.sessions + self.messages

    @property
    def found(self) -> int:
        return self.kept + self.already_there + self.messages_there + self.dropped.total()

    @property
    def changed(self) -> bool:
        """Whether the corpus is another one than before."""
        return bool(self.kept or self.messages_changed)

    def drop(self, reason: str, raw_ref: str, count: int = 1) -> None:
        """Count something that is left out."""
        if count:
            self.dropped[reason] += count
            self.examples.setdefault(reason, raw_ref)

    def note(self, text: str, raw_ref: str) -> None:
        """Count something that the person is to know."""
        self.notes[text] += 1
        self.examples.setdefault(text, raw_ref)


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
