"""What the imports API takes and answers.

Names of files are shown, and nothing on the disk is ever called by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from inkling.corpus.importing.importer import Importer
from inkling.corpus.importing.preview import SourcePreview
from inkling.corpus.masking.kinds import MEANING
from inkling.corpus.records import AddResult
from inkling.server.bodies import SENTENCE, RequestBody, ResponseBody
from inkling.server.refusals import MAX_SENT_BYTES
from inkling.workflows.add import AddOptions
from inkling.workflows.import_batch import Told
from inkling.workflows.names import labels

MAX_FILES = 50_000
MAX_PATH = 1_000
MAX_ADDRESS = 2_000
MAX_NAMES = 1_000
MAX_NAME = 300
MAX_WORD = 100
PEOPLE_LISTED = 200
TITLES_LISTED = 20
REASONS_LISTED = 50

ImportState = Literal["sending", "reading", "asking", "adding", "done", "failed"]
WhoAsked = Literal["no", "maybe", "must"]


def _is_path(path: str) -> str:
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise PydanticCustomError("path", "this is no name of a file in a folder.")
    return path


class SentFile(RequestBody):
    """One of the files that will be sent."""

    path: Annotated[str, Field(min_length=1, max_length=MAX_PATH), AfterValidator(_is_path)]
    """Its name; in a folder the path that begins with the folder's name."""
    size: Annotated[int, Field(ge=0, le=MAX_SENT_BYTES)]
    """Bytes."""


class ImportRequest(RequestBody):
    """Body of `POST /api/imports`: files that will be sent, or an address to read."""

    model_config = ConfigDict(extra="forbid")

    files: list[SentFile] = Field(default_factory=list, max_length=MAX_FILES)
    address: Annotated[str | None, Field(max_length=MAX_ADDRESS)] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ImportRequest:
        if bool(self.files) == bool((self.address or "").strip()):
            raise PydanticCustomError(SENTENCE, "Choose files or a folder, or give an address.")
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise PydanticCustomError(SENTENCE, "Two of the files have the same name.")
        if sum(file.size for file in self.files) > MAX_SENT_BYTES:
            raise PydanticCustomError(
                SENTENCE,
                f"This is more than {MAX_SENT_BYTES // 1_000_000_000} GB. Add it in a terminal, "
                "where nothing is copied: inkling add PATH.",
            )
        return self


class ReadAgainRequest(RequestBody):
    """Body of `POST /api/imports/ID/read`: what a person knows better about what was sent."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str | None, Field(max_length=MAX_WORD)] = None
    """What it is an export of, as `name` in the list of sources; null to find it out."""
    encoding: Annotated[str | None, Field(max_length=MAX_WORD)] = None
    """Of its text files; null to guess it."""
    me: list[Annotated[str, Field(max_length=MAX_NAME)]] = Field(
        default_factory=list, max_length=MAX_NAMES
    )
    """Names and mail addresses under which the author stands in it."""


class ConfirmRequest(RequestBody):
    """Body of `POST /api/imports/ID/confirm`."""

    model_config = ConfigDict(extra="forbid")

    me: dict[str, Annotated[list[str], Field(max_length=MAX_NAMES)]] = Field(default_factory=dict)
    """By importer, which of the people that were found the author is."""
    drafts: bool = False
    """Also what was never published."""


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
