"""What an importer is: how sure it is of some files, and what it reads out of them.

Knows: the contract between a source's format and the rest of the program. Does not know: any
format, the database, the terminal.
Data: Tree -> `Importer.claims` -> Claim -> `Importer.read` -> Record: a Document, a Chat, a
Conversation that stands alone, something Dropped, or a Note.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from inkling.corpus.document import Conversation, Document, Dropped, Message
from inkling.corpus.importing.tree import Tree

Certainty = float
"""From 0 to 1: 1 where only this source has such files, 0.5 where it is likely."""


@dataclass(frozen=True)
class Claim:
    """Files that an importer takes for its own. Of several claims to one file the surest wins."""

    files: frozenset[str]
    """Paths of the tree. Also those that it leaves out on purpose: nobody else reads them."""
    certainty: Certainty
    title: str
    """What was found, for a person: "WhatsApp chat with Cleo", "Substack export, 41 posts"."""


ATTACHED_FILE = "attached file"
"""Why a file is left out that lies beside chats: alone it is no sign that there are any."""


@functools.lru_cache(maxsize=4096)
def same_name(name: str) -> str:
    """The form in which names of people are compared: composed, one space, without case."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


@functools.lru_cache(maxsize=4096)
def _is_one_of(me: frozenset[str], names: tuple[str | None, ...]) -> bool:
    """Asked of each message, and the same few people write all of a chat."""
    return any(name is not None and same_name(name) in me for name in names)


@dataclass(frozen=True)
class ReadOptions:
    """What a person said about a source."""

    me: frozenset[str] = frozenset()
    """Names, accounts and ids of the author, as `same_name` makes them."""
    encoding: str | None = None
    """Of its text files, where the guess is wrong."""
    drafts: bool = False
    """Also what was never published."""

    @classmethod
    def of(
        cls, me: Iterable[str] = (), encoding: str | None = None, drafts: bool = False
    ) -> ReadOptions:
        return cls(frozenset(same_name(name) for name in me), encoding, drafts)

    def is_me(self, *names: str | None) -> bool:
        """Whether one of an author's ids and names is the person's own."""
        return bool(self.me) and _is_one_of(self.me, names)


@dataclass(frozen=True)
class Note:
    """Something to tell the person that drops nothing: a guess, a repair."""

    text: str
    raw_ref: str


@dataclass
class ImportedChat:
    """A conversation that is read while it is gone through, message by message, oldest first."""

    chat_id: str
    """The same in every export of this conversation: the platform's id, else made of its name."""
    raw_ref: str
    messages: Iterator[Message | Dropped | Note]
    """Once only. `is_me` says what the source tells or `ReadOptions.is_me`; timestamps are ISO
    8601, UTC with Z or naive as written. Kinds: text, media, system, forward, call, deleted …:
    only `text` is learned from."""
    title: str | None = None
    group: bool = False
    """More than two people."""
    me_known: bool = True
    """Whether the source itself tells who the author is; else a person is asked."""
    people: dict[str, str] = field(default_factory=dict)
    """Display name of each author_id; complete when the messages are read."""


ImportedRecord = Document | ImportedChat | Conversation | Dropped | Note
"""A Conversation is a dialog of a format that has no chats, whole and by itself: the same turns are
the same dialog, wherever they stand."""


@dataclass(frozen=True)
class Importer:
    """One source: a name, how it is recognised and how it is read."""

    name: str
    """Lower case, e.g. `whatsapp`: what `--as` takes."""
    title: str
    """As people write it: "WhatsApp"."""
    kind: Literal["writing", "chats", "both"]
    how_to_export: str
    """Where to click, in one or two sentences; also what a refusal of the wrong format says."""
    claims: Callable[[Tree], Iterable[Claim]]
    """What of a tree is this source's. Reads names and the beginnings of files, never all."""
    read: Callable[[Tree, Claim, ReadOptions], Iterator[ImportedRecord]]
    """Everything in a claim's files, streamed. Never raises for what is in a file: what cannot
    be read is a Dropped with its reason, and found = kept + dropped."""
    free_text: bool = False
    """Whether its documents are files that anything may stand in (notes, Word files), not posts of
    one's own: those that look like a chat or a mail are refused (importing.screening)."""
