"""What the imports API answers.

Names of files are shown, and nothing on the disk is ever called by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from inkling.corpus.importing.importer import Importer
from inkling.corpus.importing.preview import SourcePreview
from inkling.corpus.masking.kinds import MEANING
from inkling.corpus.records import AddResult
from inkling.server.bodies import ResponseBody
from inkling.workflows.add import AddOptions
from inkling.workflows.import_batch import Told
from inkling.workflows.names import labels

PEOPLE_LISTED = 200
TITLES_LISTED = 20
REASONS_LISTED = 50

ImportState = Literal["sending", "reading", "asking", "adding", "done", "failed"]
WhoAsked = Literal["no", "maybe", "must"]


class Reason(ResponseBody):
    """Something that was left out or guessed, how often, and the first example."""

    reason: str
    count: int
    example: str


class FoundPerson(ResponseBody):
    """Someone who speaks in chats."""

    name: str
    messages: int
    me: bool
    """Whether it is the author, as far as that is known."""


class FoundMasked(ResponseBody):
    """Things of one kind that are masked when the text is learned."""

    kind: str
    meaning: str
    """In words: "phone numbers"."""
    count: int


class FoundSource(ResponseBody):
    """What one importer found in a source, before anything is stored."""

    source: str
    importer: str
    title: str
    """Of the importer: "WhatsApp"."""
    titles: list[str]
    """What was found, in words."""
    documents: int
    dialogs: int
    chats: int
    groups: int
    """Of the chats, those of more than two: learned only where a training is asked to."""
    messages: int
    characters: int
    first: str | None
    last: str | None
    people: list[FoundPerson]
    """Those who say most first."""
    more_people: int
    ask: WhoAsked
    """Whether to say which of the people the author is."""
    samples: list[str]
    masked: list[FoundMasked]
    """What is masked when the text is learned, in as many characters as were looked through."""
    looked_through: int
    left_out: list[Reason]
    notes: list[Reason]
    drafts: bool
    """Whether something was left out because it was never published."""
    there: bool
    """Whether a source of this name was added before: what changed since takes the place of what
    it was."""

    @classmethod
    def of(cls, source: str, found: SourcePreview, there: bool) -> FoundSource:
        """The preview of one importer's files."""
        counted = labels(found)
        yours = {found.names.get(author, author) for author in found.mine} | found.mine
        asked: WhoAsked = "must" if found.who_unknown else "no" if found.mine else "maybe"
        return cls(
            source=source,
            importer=found.importer.name,
            title=found.importer.title,
            titles=found.titles[:TITLES_LISTED],
            documents=found.documents,
            dialogs=found.dialogs,
            chats=found.chats,
            groups=found.groups,
            messages=found.messages,
            characters=found.characters,
            first=found.first,
            last=found.last,
            people=[
                FoundPerson(name=name, messages=count, me=name in yours)
                for name, count in counted.most_common(PEOPLE_LISTED)
            ],
            more_people=max(0, len(counted) - PEOPLE_LISTED),
            ask=asked if counted else "no",
            samples=found.samples,
            masked=[
                FoundMasked(kind=kind, meaning=MEANING[kind], count=count)
                for kind, count in found.masked.most_common()
            ],
            looked_through=found.looked_through,
            left_out=reasons(found.dropped, found.examples, source),
            notes=reasons(found.notes, found.examples, source),
            drafts=any("draft" in reason.split() for reason in found.dropped),
            there=there,
        )


class AddedSource(ResponseBody):
    """What an import did: found = kept + already_there + messages_there + left out, always."""

    source: str
    found: int
    kept: int
    documents: int
    conversations: int
    messages: int
    characters: int
    already_there: int
    messages_there: int
    messages_changed: int
    extended: int
    replaced: int
    cut: int
    left_out: list[Reason]
    notes: list[Reason]
    none_mine: list[str]
    """Chats in which none of the messages is the author's."""
    all_mine: list[str]
    """Chats in which nobody but the author speaks."""

    @classmethod
    def of(cls, source: str, result: AddResult) -> AddedSource:
        """The result of one source."""
        same = {name: getattr(result, name) for name in vars(result) if name in cls.model_fields}
        listed = {
            "left_out": reasons(result.dropped, result.examples, source),
            "notes": reasons(result.notes, result.examples, source),
            "none_mine": result.none_mine[:TITLES_LISTED],
            "all_mine": result.all_mine[:TITLES_LISTED],
        }
        return cls(**same | listed | {"source": source, "found": result.found, "kept": result.kept})


class Said(ResponseBody):
    """What a person said about what is imported, in the terms of `ReadAgainRequest`."""

    source: str | None
    encoding: str | None
    me: list[str]

    @classmethod
    def of(cls, options: AddOptions) -> Said:
        """The same of what was checked."""
        source = options.importer.name if options.importer is not None else None
        return cls(source=source, encoding=options.encoding, me=list(options.me))


class ImportNow(ResponseBody):
    """The one import there is, as far as it is."""

    id: str
    state: ImportState
    name: str
    """What it is an import of, for a person."""
    share: float | None
    """How much of this state is done, from 0 to 1; null where it is not known."""
    seconds_left: float | None
    messages: int
    """Messages of chats read so far."""
    waiting: bool
    """Another process writes to the corpus and has to end first."""
    found: list[FoundSource]
    """While asking."""
    added: list[AddedSource]
    """When done, and what was stored before something failed."""
    error: str | None
    """Why it failed and what to do."""
    takes: list[Told]
    """What can be said to read it once more, while asking and where nothing could be read; empty
    where it cannot be read again."""
    said: Said
    """What was said so far."""
    readings: int
    """How often it was read, or began to be."""


class ImportAnswer(ResponseBody):
    """Body of `GET /api/imports`."""

    now: ImportNow | None


class ImportEvents(ResponseBody):
    """What the events of an import hold, by their names."""

    now: ImportNow


class KnownSource(ResponseBody):
    """Something that can be imported, and where its export is found."""

    name: str
    title: str
    kind: Literal["writing", "chats", "both"]
    how_to_export: str

    @classmethod
    def of(cls, importer: Importer) -> KnownSource:
        return cls(**{name: getattr(importer, name) for name in cls.model_fields})


class KnownSources(ResponseBody):
    """Body of `GET /api/imports/sources`, by title."""

    sources: list[KnownSource]


def reasons(counted: Counter[str], examples: Mapping[str, str], source: str) -> list[Reason]:
    """The most frequent first; what is behind the last that is listed counts with it."""
    listed = [
        Reason(reason=reason, count=count, example=examples.get(reason, source))
        for reason, count in counted.most_common(REASONS_LISTED)
    ]
    rest = counted.total() - sum(each.count for each in listed)
    if rest:
        listed.append(Reason(reason="other reasons", count=rest, example=source))
    return listed
