"""What the chats API takes and gives.

A seed goes out as a string: it may be larger than a number of JavaScript can be exact.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from inkling.chats import ChatMessage, Summary
from inkling.chats.records import Source, Variant
from inkling.server.bodies import RequestBody, ResponseBody
from inkling.server.parameters import MAX_ID
from inkling.server.schemas import Text
from inkling.workflows.why import Explanation

MAX_LISTED = 1_000


class TitleRequest(RequestBody):
    """Body of `POST /api/chats` (where it may be left out) and of `PATCH /api/chats/ID`."""

    title: Text = ""


class ChooseRequest(RequestBody):
    """Body of `POST /api/chats/ID/choose`: which variant of which reply counts."""

    position: Annotated[int, Field(ge=0, lt=MAX_ID)]
    variant: Annotated[int, Field(ge=0, lt=MAX_ID)]


class CopyRequest(RequestBody):
    """Body of `POST /api/chats/ID/copy`: the message before which the copy ends."""

    before: Annotated[int, Field(ge=0, lt=MAX_ID)]


class CorrectionRequest(RequestBody):
    """Body of `PUT /api/chats/ID/messages/POSITION`."""

    text: Text


class ChatRow(ResponseBody):
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


class ChatList(ResponseBody):
    """Body of `GET /api/chats`; `more` says that there are older ones."""

    chats: list[ChatRow]
    more: bool


class VariantRow(ResponseBody):
    """One text of a message, with what generated it where that was a model."""

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


class MessageRow(ResponseBody):
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


class KeptChat(ResponseBody):
    """Body of `GET /api/chats/ID`."""

    chat: ChatRow
    messages: list[MessageRow]
    replying: Literal["first", "again"] | None = None
    """Whether a reply is being generated: the first one to the last message, or another."""


class CorrectedChat(KeptChat):
    """A chat after a correction; `learned` is false where the corpus refuses the pair, as it was
    forgotten there."""

    learned: bool


class TracedPassage(ResponseBody):
    """One place where a copied span stands, as `inkling trace --json` says it."""

    model_config = ConfigDict(from_attributes=True)

    document: str
    kind: Literal["writing", "them", "me"]
    character: int
    before: str
    after: str
    question: str | None
    in_corpus: bool
    source: str | None
    reference: str | None
    title: str | None
    date: str | None


class TracedSpan(ResponseBody):
    """Characters start … stop of the reply, counted in code points. `neighbour` is the exchange of
    the memory that it stands in as well."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    start: int
    stop: int
    count: int
    passages: list[TracedPassage]
    neighbour: int | None = None


class RecalledExchange(ResponseBody):
    """An exchange that was looked up for a message. `weight` is its share among those looked up,
    `given` the share of the reply that it gave. Title and date are null where the corpus has
    none."""

    question: str
    reply: str
    weight: float
    given: float
    document: str
    title: str | None
    date: str | None


class ReplyPiece(ResponseBody):
    """Some characters of a reply: `share` is how much of their probability came from memory,
    `neighbour` which exchange gave most of that."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    share: float
    neighbour: int | None


class RecalledAnswer(ResponseBody):
    """What a reply took from memory. `weight` is the memory setting that it was sampled with,
    `share` how much of the reply came from memory; the pieces joined are the reply."""

    weight: float
    share: float
    neighbours: list[RecalledExchange]
    pieces: list[ReplyPiece]

    @classmethod
    def of(cls, explained: Explanation) -> RecalledAnswer | None:
        memory = explained.memory
        if memory is None:
            return None
        rows = []
        for neighbour, given in zip(memory.neighbours, memory.given, strict=True):
            record = neighbour.record
            known = explained.described.get(record.document)
            rows.append(
                RecalledExchange(
                    question=record.question,
                    reply=record.reply,
                    weight=neighbour.weight,
                    given=given,
                    document=record.document,
                    title=known.title if known else None,
                    date=known.timestamp[:10] if known and known.timestamp else None,
                )
            )
        return cls(
            weight=memory.weight,
            share=memory.share,
            neighbours=rows,
            pieces=[ReplyPiece.model_validate(piece) for piece in memory.pieces],
        )


class TraceAnswer(ResponseBody):
    """Body of `GET /api/chats/ID/messages/POSITION/why`. Lengths are in characters."""

    model_config = ConfigDict(from_attributes=True)

    run: str
    text: str
    min_characters: int
    characters: int
    copied_characters: int
    longest: int
    spans: list[TracedSpan]
    share: float
    memory: RecalledAnswer | None = None
    """Null where it cannot be told; `remark` says why."""
    remark: str | None = None

    @classmethod
    def of(cls, explained: Explanation) -> TraceAnswer:
        answer = cls.model_validate(explained.copied)
        answer.memory = RecalledAnswer.of(explained)
        answer.remark = explained.remark
        for row, span in zip(answer.spans, explained.copied.spans, strict=True):
            row.neighbour = explained.neighbour_of(span)
        return answer
