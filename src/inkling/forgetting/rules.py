"""What of the corpus goes with a person, a document, a source or a text.

Knows: the rules of forgetting. Does not know: files, runs, how rows are changed
(forgetting.removal). Data: store + `Selector` -> `plan_removal` -> `RemovalPlan`; nothing is
changed yet.

Rules. A document or source goes whole. With a text go the passages (paragraphs, messages) that
contain it, upper and lower case and white space alike; a title that contains it goes too. With a
person go the messages that person wrote; what others wrote about the person stays, and so do my
replies. A conversation in which only one side is left goes whole. What went is excluded from
later imports (corpus.exclusion), as hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from inkling.corpus import exclusion
from inkling.corpus.clean import fold
from inkling.corpus.document import Message
from inkling.corpus.exclusion import MIN_PASSAGE, Excluded, one_sided, passages, wordings
from inkling.corpus.reading import StoredDocument
from inkling.corpus.records import StoredConversation
from inkling.corpus.select import all_items, items_called, people_called, source_called
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError
from inkling.forgetting.plan import ConversationChange, DocumentChange, RemovalPlan, Selector

MIN_TEXT = 2


def plan_removal(store: CorpusStore, selector: Selector) -> RemovalPlan:
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
    plan = RemovalPlan(
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


def containing(parts: Iterable[str], pattern: str) -> set[int]:
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
    at = text.find(pattern)
    while at != -1:
        stop = at + len(pattern)
        found |= {index for start, end, index in spans if start < stop and at < end}
        at = text.find(pattern, at + 1)
    return found


def _plan_match(store: CorpusStore, selector: Selector) -> RemovalPlan:
    pattern = fold(selector.value)
    if len(pattern) < MIN_TEXT:
        raise UsageError(
            f"--match needs at least {MIN_TEXT} characters, e.g. a name or an address."
        )
    documents, conversations, excluded = [], [], set()
    labels = 0
    for document in store.documents(all_versions=True):
        labels += _label_contains(document, pattern)
        if pattern in fold(document.title or ""):
            excluded.add(Excluded("passage", (fold(document.title or ""),)))
        if pattern not in fold(document.text):
            continue
        text, gone = exclusion.without(document.text, lambda parts: containing(parts, pattern))
        documents.append(DocumentChange(document, text, tuple(gone)))
        excluded.add(Excluded("document", (document.content_hash,)))
        excluded |= {word for part in gone for word in _passages_with(part, pattern)}
    for conversation in store.conversations():
        labels += _label_contains(conversation, pattern)
        found = _spoken(conversation.messages, pattern)
        if found:
            change = _without_messages(conversation, found)
            conversations.append(change)
            excluded.add(Excluded("conversation", (conversation.content_hash,)))
            excluded |= {
                word
                for index in found
                for word in _passages_with(conversation.messages[index].text, pattern)
            }
    return RemovalPlan(
        selector,
        tuple(documents),
        tuple(conversations),
        labels=labels,
        excluded=frozenset(excluded),
    )


def _spoken(messages: Sequence[Message], pattern: str) -> set[int]:
    """Which messages to take out so that none holds the text, nor any two that then meet."""
    left = list(range(len(messages)))
    while found := containing((messages[index].text for index in left), pattern):
        left = [index for place, index in enumerate(left) if place not in found]
    return set(range(len(messages))) - set(left)


def _passages_with(passage: str, pattern: str) -> set[Excluded]:
    """The passage, and its lines and sentences that hold the text."""
    found = {wording for wording in wordings(passage) if pattern in wording}
    return {Excluded("passage", (wording,)) for wording in {fold(passage), *found}}


def _label_contains(item: StoredDocument | StoredConversation, pattern: str) -> bool:
    return any(pattern in fold(text or "") for text in (item.title, item.raw_ref))


def _plan_person(store: CorpusStore, selector: Selector) -> RemovalPlan:
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
    return RemovalPlan(
        selector,
        conversations=tuple(conversations),
        people=tuple(people),
        excluded=frozenset(excluded),
    )


def _without_messages(conversation: StoredConversation, found: set[int]) -> ConversationChange:
    messages = conversation.messages
    lost = {messages[index].message_id for index in found} - {None}
    kept = tuple(
        structs.replace(message, reply_to=None) if message.reply_to in lost else message
        for index, message in enumerate(messages)
        if index not in found
    )
    if not any(m.is_me for m in kept) or (one_sided(kept) and not one_sided(messages)):
        return _silenced(conversation)
    return ConversationChange(conversation, kept, tuple(messages[index] for index in sorted(found)))


def _excluded_whole(store: CorpusStore, plan: RemovalPlan) -> Iterator[Excluded]:
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
