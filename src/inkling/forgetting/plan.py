"""What of the corpus would go, as values: who asked for what, and what each item loses.

Knows: the fields, and what is left of the corpus without them. Does not know: by which rules they
were found (forgetting.rules), how rows are changed (forgetting.removal).

A plan holds the text itself, so it lives in memory only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from inkling.corpus.clean import fold
from inkling.corpus.document import Message
from inkling.corpus.exclusion import Excluded
from inkling.corpus.reading import StoredDocument
from inkling.corpus.records import Person, StoredConversation
from inkling.corpus.store import CorpusStore

Selected = Literal["person", "document", "source", "match"]


@dataclass(frozen=True)
class Selector:
    """What was asked for: `--person NAME` is Selector("person", NAME)."""

    kind: Selected
    value: str


@dataclass(frozen=True)
class DocumentChange:
    """A document that goes, or loses passages. `text` is what stays, empty where all goes."""

    before: StoredDocument
    text: str
    gone: tuple[str, ...]


@dataclass(frozen=True)
class ConversationChange:
    """A conversation that goes, or loses messages. `kept` is empty where all goes."""

    before: StoredConversation
    kept: tuple[Message, ...]
    gone: tuple[Message, ...]


@dataclass(frozen=True)
class RemovalPlan:
    """What would go from the corpus. Holds the text itself, so it lives in memory only."""

    selector: Selector
    documents: tuple[DocumentChange, ...] = ()
    conversations: tuple[ConversationChange, ...] = ()
    people: tuple[Person, ...] = ()
    source: str | None = None
    labels: int = 0
    """Titles and file names of other items that contain the text."""
    excluded: frozenset[Excluded] = field(default_factory=frozenset)

    @property
    def empty(self) -> bool:
        return not (self.documents or self.conversations or self.labels or self.source)

    @property
    def pattern(self) -> str:
        """The text asked for, as it is compared; empty where something else was asked for."""
        return fold(self.selector.value) if self.selector.kind == "match" else ""

    @property
    def messages(self) -> int:
        return sum(len(change.gone) for change in self.conversations)

    @property
    def passages(self) -> int:
        return sum(len(change.gone) for change in self.documents if change.text)

    def hashes(self) -> set[str]:
        """Content hashes, before, of all that changes."""
        documents = {change.before.content_hash for change in self.documents}
        return documents | {change.before.content_hash for change in self.conversations}

    def texts(self) -> Iterator[str]:
        """Every text that goes."""
        for document in self.documents:
            yield from document.gone
            if not document.text and document.before.title:
                yield document.before.title
        for conversation in self.conversations:
            yield from (message.text for message in conversation.gone)

    def remaining(self, store: CorpusStore) -> Iterator[str]:
        """Every text of the corpus that stays."""
        documents = {change.before.id: change.text for change in self.documents}
        for document in store.documents(all_versions=True):
            text = documents.get(document.id, document.text)
            yield text
            if text and document.title:
                yield document.title
        for messages in self.remaining_messages(store):
            yield from (message.text for message in messages)

    def remaining_messages(self, store: CorpusStore) -> Iterator[tuple[Message, ...]]:
        """The messages that stay, a tuple a conversation."""
        kept = {change.before.id: change.kept for change in self.conversations}
        for conversation in store.conversations():
            yield kept.get(conversation.id, conversation.messages)


def words_containing(plan: RemovalPlan) -> Counter[str]:
    """The words that the text stands inside, where it is one word: "ada" is in "Canada"."""
    words: Counter[str] = Counter()
    if plan.pattern and " " not in plan.pattern:
        for text in plan.texts():
            for word in fold(text).split():
                if plan.pattern in word:
                    words[word.strip(".,;:!?\"'()[]“”‘’*_")] += 1
    return words
