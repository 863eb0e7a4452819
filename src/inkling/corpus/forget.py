"""What of the corpus goes with a person, a document, a source or a text.

Knows: the rules of forgetting. Does not know: files, runs, how rows are changed (corpus.removal).
Data: store + `Selector` -> `plan_forgetting` -> `Plan`; nothing is changed yet.

Rules. A document or source goes whole. With a text go the passages (paragraphs, messages) that
contain it, upper and lower case and white space alike; a title that contains it goes too. With a
person go the messages that person wrote; what others wrote about the person stays, and so do my
replies. A conversation in which only one side is left goes whole. What went is excluded from
later imports (corpus.exclusion), as hashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from inkling.corpus import exclusion
from inkling.corpus.clean import fold
from inkling.corpus.document import Message
from inkling.corpus.exclusion import MIN_PASSAGE, Excluded, one_sided, passages, wordings
from inkling.corpus.reading import StoredDocument
from inkling.corpus.records import Person, StoredConversation
from inkling.corpus.select import all_items, items_called, people_called, source_called
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError

Selected = Literal["person", "document", "source", "match"]

MIN_TEXT = 2


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
class Plan:
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
    def needle(self) -> str:
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
        for document in store.documents():
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


def plan_forgetting(store: CorpusStore, selector: Selector) -> Plan:
    """What would go. Raises CorpusError with the nearest names where a name means nothing,
    UsageError where it means several things."""
    if selector.kind == "match":
        return _plan_match(store, selector)
    if selector.kind == "person":
        return _plan_person(store, selector)
    if selector.kind == "source":
        source: str | None = source_called(store, selector.value)
        items = [i for i in all_items(store) if i.source == source]
    else:
        source = None
        items = items_called(store, selector.value)
    plan = Plan(
        selector,
        tuple(_whole(i) for i in items if isinstance(i, StoredDocument)),
        tuple(_silenced(i) for i in items if isinstance(i, StoredConversation)),
        source=source,
    )
    return replace(plan, excluded=frozenset(_excluded_whole(store, plan)))


def _whole(document: StoredDocument) -> DocumentChange:
    return DocumentChange(document, "", (document.text,))


def _silenced(conversation: StoredConversation) -> ConversationChange:
    return ConversationChange(conversation, (), conversation.messages)


def containing(parts: Iterable[str], needle: str) -> set[int]:
    """Which parts a normalised text stands in, also where it runs over several."""
    spans: list[tuple[int, int, int]] = []
    joined: list[str] = []
    size = 0
    for index, part in enumerate(map(fold, parts)):
        if part:
            spans.append((size, size + len(part), index))
            joined.append(part)
            size += len(part) + 1
    text = " ".join(joined)
    found: set[int] = set()
    at = text.find(needle)
    while at != -1:
        stop = at + len(needle)
        found |= {index for start, end, index in spans if start < stop and at < end}
        at = text.find(needle, at + 1)
    return found


def _plan_match(store: CorpusStore, selector: Selector) -> Plan:
    needle = fold(selector.value)
    if len(needle) < MIN_TEXT:
        raise UsageError(
            f"--match needs at least {MIN_TEXT} characters, e.g. a name or an address."
        )
    documents, conversations, excluded = [], [], set()
    labels = 0
    for document in store.documents():
        labels += _label_holds(document, needle)
        if needle in fold(document.title or ""):
            excluded.add(Excluded("passage", (fold(document.title or ""),)))
        if needle not in fold(document.text):
            continue
        text, gone = exclusion.without(document.text, lambda parts: containing(parts, needle))
        documents.append(DocumentChange(document, text, tuple(gone)))
        excluded.add(Excluded("document", (document.content_hash,)))
        excluded |= {word for part in gone for word in _holding(part, needle)}
    for conversation in store.conversations():
        labels += _label_holds(conversation, needle)
        found = _spoken(conversation.messages, needle)
        if found:
            change = _without_messages(conversation, found)
            conversations.append(change)
            excluded.add(Excluded("conversation", (conversation.content_hash,)))
            excluded |= {
                word
                for index in found
                for word in _holding(conversation.messages[index].text, needle)
            }
    return Plan(
        selector,
        tuple(documents),
        tuple(conversations),
        labels=labels,
        excluded=frozenset(excluded),
    )


def _spoken(messages: Sequence[Message], needle: str) -> set[int]:
    """Which messages to take out so that none holds the text, nor any two that then meet."""
    left = list(range(len(messages)))
    while found := containing((messages[index].text for index in left), needle):
        left = [index for place, index in enumerate(left) if place not in found]
    return set(range(len(messages))) - set(left)


def _holding(passage: str, needle: str) -> set[Excluded]:
    """The passage, and its lines and sentences that hold the text."""
    found = {wording for wording in wordings(passage) if needle in wording}
    return {Excluded("passage", (wording,)) for wording in {fold(passage), *found}}


def _label_holds(item: StoredDocument | StoredConversation, needle: str) -> bool:
    return any(needle in fold(text or "") for text in (item.title, item.raw_ref))


def _plan_person(store: CorpusStore, selector: Selector) -> Plan:
    people = people_called(store.people(), selector.value)
    targets = {(person.source, person.author_id) for person in people}
    conversations = []
    excluded = {
        Excluded("person", (name.casefold(),))
        for person in people
        for name in (person.author_id, person.name)
    }
    for conversation in store.conversations():
        found = {
            index
            for index, message in enumerate(conversation.messages)
            if not message.is_me and (conversation.source, message.author_id) in targets
        }
        if not found:
            continue
        conversations.append(_without_messages(conversation, found))
        excluded.add(Excluded("conversation", (conversation.content_hash,)))
        texts = (fold(conversation.messages[index].text) for index in found)
        excluded |= {Excluded("passage", (text,)) for text in texts if len(text) >= MIN_PASSAGE}
    return Plan(
        selector,
        conversations=tuple(conversations),
        people=tuple(people),
        excluded=frozenset(excluded),
    )


def _without_messages(conversation: StoredConversation, found: set[int]) -> ConversationChange:
    messages = conversation.messages
    lost = {messages[index].message_id for index in found} - {None}
    kept = tuple(
        replace(message, reply_to=None) if message.reply_to in lost else message
        for index, message in enumerate(messages)
        if index not in found
    )
    if not any(m.is_me for m in kept) or (one_sided(kept) and not one_sided(messages)):
        return _silenced(conversation)
    return ConversationChange(conversation, kept, tuple(messages[index] for index in sorted(found)))


def _excluded_whole(store: CorpusStore, plan: Plan) -> Iterator[Excluded]:
    """Hashes of what goes whole, and of the parts by which a changed copy is known again.

    Parts that also stand in something that stays are left out: they belong to it as well.
    """
    staying = {hash(fold(part)) for text in plan.remaining(store) for part in passages(text)}
    going = [part for d in plan.documents for part in passages(d.before.text)]
    going += [message.text for c in plan.conversations for message in c.before.messages]
    for part in map(fold, going):
        if len(part) >= MIN_PASSAGE and hash(part) not in staying:
            yield Excluded("passage", (part,))
    for document in plan.documents:
        yield Excluded("document", (document.before.content_hash,))
    if not plan.conversations:
        return
    kept_pairs = {
        hash(pair)
        for messages in plan.remaining_messages(store)
        for pair in exclusion.pairs(messages)
        if pair
    }
    for conversation in plan.conversations:
        yield Excluded("conversation", (conversation.before.content_hash,))
        for pair in exclusion.pairs(conversation.before.messages):
            if pair and hash(pair) not in kept_pairs:
                yield Excluded("pair", pair)


def words_containing(plan: Plan) -> Counter[str]:
    """The words that the text stands inside, where it is one word: "ada" is in "Canada"."""
    words: Counter[str] = Counter()
    if plan.needle and " " not in plan.needle:
        for text in plan.texts():
            for word in fold(text).split():
                if plan.needle in word:
                    words[word.strip(".,;:!?\"'()[]“”‘’*_")] += 1
    return words
