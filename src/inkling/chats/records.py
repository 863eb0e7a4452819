"""What is kept of a chat, as values: conversations, messages with their variants, search hits.

Knows: the fields, and what text may be stored. Does not know SQLite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from inkling.config import SamplingSettings
from inkling.corpus.document import Role

Source = Literal["terminal", "page"]

TITLE_CHARACTERS = 60


@dataclass(frozen=True)
class Provenance:
    """What wrote a reply: the same run, step and settings (seed included) write it again."""

    run: str
    step: int
    settings: SamplingSettings


@dataclass(frozen=True)
class Variant:
    """One text of a message. What was typed by a person has no origin."""

    text: str
    origin: Provenance | None
    created: str
    corrected: bool


@dataclass(frozen=True)
class ChatMessage:
    """A message with all its variants, oldest first."""

    position: int
    role: Role
    chosen: int
    variants: tuple[Variant, ...]

    @property
    def text(self) -> str:
        return self.variants[self.chosen].text

    @property
    def corrected(self) -> bool:
        return self.variants[self.chosen].corrected


_STRICT = ConfigDict(strict=True)
_Row = tuple[int, Role, int, str, str | None, str | None, int | None, str, int]
_ROWS = TypeAdapter(list[_Row], config=_STRICT)


def messages_of(rows: Sequence[tuple[object, ...]]) -> list[ChatMessage]:
    """Messages of rows in the order of positions and variants: position, role, whether chosen,
    text, settings, run, step, created, whether corrected. Raises ValueError for a row that no chat
    has; one whose settings cannot be read has no origin."""
    try:
        checked = _ROWS.validate_python(list(rows))
    except ValidationError as error:
        raise _no_such_row(error) from None
    variants: dict[int, list[Variant]] = {}
    roles: dict[int, Role] = {}
    chosen: dict[int, int] = {}
    for position, role, is_chosen, text, settings, run, step, created, corrected in checked:
        if is_chosen:
            chosen[position] = len(variants.get(position, []))
        roles[position] = role
        origin = _origin(run, step, settings)
        variants.setdefault(position, []).append(Variant(text, origin, created, bool(corrected)))
    if unknown := variants.keys() - chosen.keys():
        raise ValueError(f"no variant of message {min(unknown)} counts")
    return [ChatMessage(p, roles[p], chosen[p], tuple(variants[p])) for p in variants]


def _origin(run: str | None, step: int | None, stored: str | None) -> Provenance | None:
    """What wrote a reply. One that was kept before there was a memory had none."""
    if run is None or step is None or stored is None:
        return None
    try:
        settings = SamplingSettings.model_validate_json(stored)
    except ValidationError:
        return None
    if "memory" not in settings.model_fields_set:
        settings = settings.model_copy(update={"memory": 0.0})
    return Provenance(run, step, settings)


@dataclass(frozen=True)
class Summary:
    """A conversation as a list shows it."""

    id: int
    title: str
    created: str
    updated: str
    run: str | None
    source: Source
    messages: int
    corrections: int


_SUMMARY = TypeAdapter(tuple[int, str, str, str, str | None, Source, int, int], config=_STRICT)


def summary_of(row: tuple[object, ...]) -> Summary:
    """A row as a conversation. Raises ValueError for one that no conversation has."""
    try:
        return Summary(*_SUMMARY.validate_python(row))
    except ValidationError as error:
        raise _no_such_row(error) from None


def _no_such_row(error: ValidationError) -> ValueError:
    first = error.errors()[0]
    return ValueError(f"row {first['loc'][0]}: {first['msg'].lower()}")


@dataclass(frozen=True)
class SearchHit:
    """A message that a search found."""

    conversation: int
    title: str
    position: int
    role: Role
    excerpt: str


def as_jsonl(summary: Summary, messages: Sequence[ChatMessage]) -> str:
    """A conversation as one line of JSON that `inkling add` reads."""
    record = {
        "title": summary.title,
        "created": summary.created,
        "messages": [
            {"role": "assistant" if message.role == "me" else "user", "content": message.text}
            for message in messages
        ],
    }
    return json.dumps(record, ensure_ascii=False) + "\n"


def storable(text: str) -> str:
    """Text without lone surrogates, which no file can hold: U+FFFD stands for each."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def title_of(text: str) -> str:
    """One line of readable characters, cut at a word."""
    line = " ".join("".join(c if c.isprintable() else " " for c in storable(text)).split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    return line[:TITLE_CHARACTERS].rpartition(" ")[0].rstrip(",;:") or line[:TITLE_CHARACTERS]
