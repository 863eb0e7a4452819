"""What a source holds, counted without storing it: for the person who is asked whether to add it.

Knows: counting, and which few texts are shown. Does not know: the database, the terminal.
Data: records of one importer -> `SourcePreview`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from inkling.corpus.document import Conversation, Document, Dropped, Message
from inkling.corpus.importing.importer import (
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from inkling.corpus.importing.source import OpenSource
from inkling.corpus.masking.kinds import MaskedKind
from inkling.corpus.masking.masking import Masking

SAMPLE_CHARACTERS = 160
SAMPLED = (0, 9, 99, 999, 9_999, 99_999)
"""Which of the author's texts are shown: some from the beginning, some from far on."""
MAX_SAMPLES = 4
LOOKED_THROUGH = 300_000
"""Characters that are looked through for what will be masked, which takes longer than reading."""
SAMPLED_FROM = 12
"""Characters from which a message says enough to be shown."""


@dataclass
class SourcePreview:
    """What one importer found in a source. Counts as `AddResult` counts, before anything is known
    to be there already."""

    importer: Importer
    titles: list[str] = field(default_factory=list)
    documents: int = 0
    dialogs: int = 0
    chats: int = 0
    groups: int = 0
    """Of the chats, those of more than two, which are learned only where it is asked for."""
    messages: int = 0
    characters: int = 0
    first: str | None = None
    last: str | None = None
    people: Counter[str] = field(default_factory=Counter)
    """Messages by author_id, of chats."""
    names: dict[str, str] = field(default_factory=dict)
    """Display name of each author_id."""
    mine: frozenset[str] = frozenset()
    """author_ids of the author."""
    samples: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    masking: Masking | None = None
    """Finds what a training would mask, where that is asked."""
    masked: Counter[MaskedKind] = field(default_factory=Counter)
    """How many places of each kind in the characters that were looked through."""
    looked_through: int = 0
    who_unknown: bool = False
    """Whether it has chats of which nobody has said who the author is."""

    @property
    def found(self) -> int:
        return self.documents + self.dialogs + self.messages + self.dropped.total()

    def add(self, record: ImportedRecord, options: ReadOptions) -> None:
        """Count a record."""
        if isinstance(record, Document):
            self.documents += 1
            self._date(record.timestamp)
            self.characters += len(record.text)
            self._look_through(record.text)
            self._sample(record.text, self.documents - 1)
        elif isinstance(record, Conversation):
            self.dialogs += 1
            for message in record.messages:
                self.characters += len(message.text)
                self._look_through(message.text)
                if message.is_me:
                    self._sample(message.text, self.dialogs - 1)
        elif isinstance(record, ImportedChat):
            self._add_chat(record, options)
        else:
            self._leave_out(record)

    def authors_called(self, names: Iterable[str]) -> frozenset[str]:
        """author_ids of those who go by one of these names or ids."""
        wanted = ReadOptions.of(names)
        return frozenset(
            author for author in self.people if wanted.is_me(author, self.names.get(author))
        )

    def _add_chat(self, chat: ImportedChat, options: ReadOptions) -> None:
        self.chats += 1
        unknown = not chat.me_known and not options.me
        self.who_unknown |= unknown
        mine: set[str] = set()
        for message in chat.messages:
            if not isinstance(message, Message):
                self._leave_out(message)
            elif message.kind == "text" and not message.text.strip():
                self._leave_out(Dropped("empty message", message.raw_ref or chat.raw_ref))
            else:
                self.messages += 1
                self.characters += len(message.text)
                self._look_through(message.text)
                self.people[message.author_id] += 1
                self._date(message.timestamp)
                if message.is_me:
                    mine.add(message.author_id)
                if message.kind == "text" and (message.is_me or unknown):
                    self._sample(message.text, self.messages - 1)
        self.names |= chat.people
        self.mine |= mine
        self.groups += chat.group  # some sources tell it only at the end

    def _leave_out(self, record: Dropped | Note) -> None:
        if isinstance(record, Dropped):
            self.dropped[record.reason] += record.count
            self.examples.setdefault(record.reason, record.raw_ref)
        else:
            self.notes[record.text] += 1
            self.examples.setdefault(record.text, record.raw_ref)

    def _date(self, timestamp: str | None) -> None:
        if timestamp is not None:
            self.first = timestamp if self.first is None else min(self.first, timestamp)
            self.last = timestamp if self.last is None else max(self.last, timestamp)

    def _look_through(self, text: str) -> None:
        if self.masking is not None and self.looked_through < LOOKED_THROUGH:
            part = text[: LOOKED_THROUGH - self.looked_through]
            self.looked_through += len(part)
            self.masked.update(span.kind for span in self.masking.find(part))

    def _sample(self, text: str, number: int) -> None:
        if len(self.samples) < MAX_SAMPLES and len(text) >= SAMPLED_FROM:
            wanted = SAMPLED[len(self.samples)]
            if number >= wanted:
                self.samples.append(" ".join(text[: 2 * SAMPLE_CHARACTERS].split()))


def previews(
    source: OpenSource,
    options: Callable[[Importer], ReadOptions],
    masking: Masking | None = None,
) -> Iterator[SourcePreview]:
    """Read all of a source, one preview an importer."""
    found: dict[str, SourcePreview] = {}
    for importer, claim in source.claims:
        preview = found.setdefault(importer.name, SourcePreview(importer, masking=masking))
        preview.titles.append(claim.title)
        _count(preview, source.records_of(importer, claim, options(importer)), options(importer))
    if found:
        first = next(iter(found.values()))
        _count(first, source.left_out(), ReadOptions())
        _count(first, source.opened.notes, ReadOptions())
    yield from found.values()


def fetched_preview(
    importer: Importer,
    title: str,
    records: Iterable[Document | Dropped],
    masking: Masking | None = None,
) -> SourcePreview:
    """What was fetched from an address."""
    preview = SourcePreview(importer, [title], masking=masking)
    _count(preview, records, ReadOptions())
    return preview


def _count(preview: SourcePreview, records: Iterable[ImportedRecord], options: ReadOptions) -> None:
    for record in records:
        preview.add(record, options)


def unknown_people(
    source: OpenSource, options: Callable[[Importer], ReadOptions]
) -> Iterator[SourcePreview]:
    """The importers of a source whose chats do not tell who the author is, while nobody has said
    it either, with the people in them. Reads only those."""
    found: dict[str, SourcePreview] = {}
    for importer, claim in source.claims:
        if importer.kind == "writing" or options(importer).me:
            continue
        for record in source.records_of(importer, claim, ReadOptions()):
            if isinstance(record, ImportedChat):
                if record.me_known:  # one that tells it for one chat tells it for all
                    break
                found.setdefault(importer.name, SourcePreview(importer)).add(record, ReadOptions())
    yield from found.values()
