"""What the corpus API answers."""

from __future__ import annotations

from inkling.corpus.records import SourceSummary
from inkling.server.bodies import ResponseBody


class MonthRow(ResponseBody):
    """What was written in a month."""

    month: str
    """YYYY-MM."""
    characters: int


class PersonRow(ResponseBody):
    """Somebody who speaks in the dialogs."""

    name: str
    messages: int


class LanguageRow(ResponseBody):
    """How much of the text is in a language, as it was guessed."""

    name: str
    """In English; "other" where nothing tells."""
    share: float
    """Of the characters, from 0 to 1."""


class MaskedRow(ResponseBody):
    """How often something of a kind is replaced by a placeholder where the text is learned from."""

    kind: str
    count: int


class CorpusStatistics(ResponseBody):
    """Body of `GET /api/corpus/stats`."""

    documents: int
    dialogs: int
    messages: int
    characters: int
    words: int
    undated: int
    """Characters without a date; the months hold the others."""
    by_month: list[MonthRow]
    """In the order of time; months without text are not there."""
    people: list[PersonRow]
    """Who says most comes first."""
    languages: list[LanguageRow]
    """The largest share first."""
    duplicates: float
    """Share of the writing that repeats what stands elsewhere in it, from 0 to 1."""
    masked: list[MaskedRow]
    estimate: str
    """What so much text buys in minutes and quality, in a sentence or two."""


class CorpusSource(ResponseBody):
    """A source as the corpus holds it."""

    source: str
    kind: str
    documents: int
    characters: int
    conversations: int
    messages: int
    dropped: dict[str, int]
    """What its last import left out, by reason."""

    @classmethod
    def of(cls, summary: SourceSummary) -> CorpusSource:
        return cls(**vars(summary))


class CorpusSources(ResponseBody):
    """Body of `GET /api/corpus`: the rows of `inkling corpus --json`."""

    sources: list[CorpusSource]
