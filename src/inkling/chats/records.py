"""What is kept of a chat, as values: conversations, messages with their variants, search hits.

Knows: the fields, and what text may be stored. Does not know SQLite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
