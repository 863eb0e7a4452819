"""What a corpus holds, in numbers: how much, from when, with whom, in which languages.

Knows: counting. Does not know: what is learned of it, what a training buys, how it is shown.
Data: an open store -> `count_corpus` -> `CorpusCounts`. One document or dialog is held at a time.

Everything stored counts but replaced versions of documents; documents, dialogs, messages and
characters are the sums of what `inkling corpus` lists.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from inkling.corpus.dataset import Dataset
from inkling.corpus.importing.importer import same_name
from inkling.corpus.languages import OTHER, language_of
from inkling.corpus.part import part_of
from inkling.corpus.select import NAMELESS
from inkling.corpus.split import repeated_share
from inkling.corpus.store import CorpusStore

COMPARED_CHARACTERS = 5_000_000
"""Of writing, in which repetitions are looked for: of more a part, spread evenly."""

_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class MonthCount:
    """`month` as YYYY-MM."""

    month: str
    characters: int


@dataclass(frozen=True)
class PersonCount:
    """Somebody who speaks in the dialogs, over all sources; not the author, and nobody whose name
    is not told."""

    name: str
    messages: int


@dataclass(frozen=True)
class LanguageShare:
    """Share of the characters, from 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True)
class CorpusCounts:
    """A corpus in numbers. The lists are in the order of time, and of size."""

    documents: int
    dialogs: int
    messages: int
    characters: int
    words: int
    undated: int
    """Characters of which nobody knows when they were written; the months hold the others."""
    by_month: list[MonthCount]
    people: list[PersonCount]
    languages: list[LanguageShare]
    duplicates: float
    """Share of the writing that says what an earlier passage says, so that a training leaves it
    out."""


def count_corpus(store: CorpusStore) -> CorpusCounts:
    """Count everything. Reads all text once, and of the writing a part a second time."""
    months: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    documents = dialogs = messages = words = 0
    for document in store.documents():
        documents += 1
        words += len(document.text.split())
        months[_month(document.timestamp)] += len(document.text)
        languages[language_of(document.text)] += len(document.text)
    for conversation in store.conversations():
        dialogs += 1
        spoken = 0
        for message in conversation.messages:
            messages += 1
            spoken += len(message.text)
            words += len(message.text.split())
            months[_month(message.timestamp or conversation.timestamp)] += len(message.text)
        said = " ".join(message.text for message in conversation.messages[:100])
        languages[language_of(said)] += spoken
    characters = months.total()
    writing, _, _ = part_of(Dataset.of(store), COMPARED_CHARACTERS)
    undated = months.pop("", 0)
    return CorpusCounts(
        documents=documents,
        dialogs=dialogs,
        messages=messages,
        characters=characters,
        words=words,
        undated=undated,
        by_month=[MonthCount(month, months[month]) for month in sorted(months)],
        people=_people(store),
        languages=_shares(languages),
        duplicates=repeated_share(writing),
    )


def _month(timestamp: str | None) -> str:
    return timestamp[:7] if timestamp is not None and _MONTH.match(timestamp) else ""


def _people(store: CorpusStore) -> list[PersonCount]:
    names: dict[str, str] = {}
    counted: Counter[str] = Counter()
    for person in store.people():
        if same_name(person.name) in NAMELESS:
            continue
        counted[same_name(person.name)] += person.messages
        names.setdefault(same_name(person.name), person.name)
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [PersonCount(names[name], count) for name, count in ordered]


def _shares(languages: Counter[str]) -> list[LanguageShare]:
    total = languages.total()
    ordered = sorted(languages.items(), key=lambda pair: (pair[0] == OTHER, -pair[1], pair[0]))
    return [LanguageShare(name, count / total) for name, count in ordered if count]
