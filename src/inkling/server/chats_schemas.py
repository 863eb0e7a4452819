"""What the chats API takes and gives.

A seed goes out as a string: it may be larger than a number of JavaScript can be exact.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from inkling.chats import ChatMessage, Summary
from inkling.chats.records import Source, Variant
from inkling.server.schemas import (
    MAX_MESSAGE_CHARACTERS,
    BadRequestError,
    Body,
    parse_json,
    validated,
)

MAX_LISTED = 1_000
MAX_ID = 2**63


class TitleRequest(BaseModel):
    """Body of `POST /api/chats` (where it may be left out) and of `PATCH /api/chats/ID`."""

    title: Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)] = ""


class ChooseRequest(BaseModel):
    """Body of `POST /api/chats/ID/choose`: which variant of which reply counts."""

    position: Annotated[int, Field(ge=0, lt=MAX_ID)]
    variant: Annotated[int, Field(ge=0, lt=MAX_ID)]


class CorrectionRequest(BaseModel):
    """Body of `PUT /api/chats/ID/messages/POSITION`."""

    text: Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)]


class ChatRow(BaseModel):
    """A conversation in a list; `excerpt` is where a search found its words."""

    id: int
    title: str
    created: str
    updated: str
    run: str | None
    source: Source
    messages: int
    corrections: int
    excerpt: str | None = None

    @classmethod
    def of(cls, summary: Summary, excerpt: str | None = None) -> ChatRow:
        return cls(**vars(summary), excerpt=excerpt)


class ChatList(BaseModel):
    """Body of `GET /api/chats`; `more` says that there are older ones."""

    chats: list[ChatRow]
    more: bool


class VariantRow(BaseModel):
    """One text of a message, with what wrote it where that was a model."""

    text: str
    created: str
    corrected: bool
    run: str | None = None
    step: int | None = None
    seed: str | None = None
    settings: dict[str, Any] | None = None

    @classmethod
    def of(cls, variant: Variant) -> VariantRow:
        row = cls(text=variant.text, created=variant.created, corrected=variant.corrected)
        if variant.origin is not None:
            row.run, row.step = variant.origin.run, variant.origin.step
            row.settings = variant.origin.settings.model_dump(exclude={"seed"})
            if variant.origin.settings.seed is not None:
                row.seed = str(variant.origin.settings.seed)
        return row


class MessageRow(BaseModel):
    """A message with all its variants, oldest first; `chosen` is the index of the one that
    counts."""

    position: int
    role: Literal["user", "assistant"]
    chosen: int
    variants: list[VariantRow]

    @classmethod
    def of(cls, message: ChatMessage) -> MessageRow:
        return cls(
            position=message.position,
            role="assistant" if message.role == "me" else "user",
            chosen=message.chosen,
            variants=[VariantRow.of(variant) for variant in message.variants],
        )


class Chat(BaseModel):
    """Body of `GET /api/chats/ID`."""

    chat: ChatRow
    messages: list[MessageRow]


class Corrected(Chat):
    """What a correction leaves; `learned` is false where the corpus refuses the pair, as it was
    forgotten there."""

    learned: bool


def parse(model: type[Body], body: bytes) -> Body:
    """A validated request; an empty body is an empty object. Raises BadRequestError."""
    data = parse_json(body) if body.strip() else {}
    if not isinstance(data, dict):
        raise BadRequestError("The body is not a JSON object.")
    return validated(model, data)


def parse_number(text: str | None, name: str, otherwise: int, most: int) -> int:
    """A whole number of a query. Raises BadRequestError."""
    if text is None or not text.strip():
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise BadRequestError(f"{name}: {text[:40]!r} is not a whole number.")
    return min(int(text), most)
