"""What requests may hold, and the sentences that say what is wrong with one."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inkling.config import SamplingSettings

MAX_BODY_BYTES = 1_000_000
MAX_MESSAGE_CHARACTERS = 20_000
MAX_HISTORY = 1_000
MAX_REPLY_TOKENS = 2_000
MAX_DRAFTS = 32

Body = TypeVar("Body", bound=BaseModel)

_DEFAULTS = SamplingSettings()


class BadRequestError(Exception):
    """A request that cannot be answered; the text is for the one who sent it."""


class HistoryTurn(BaseModel):
    """One earlier message. Unknown fields are ignored."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)]


class SamplingRequest(BaseModel):
    """How a reply is to be drawn. Unknown fields are ignored."""

    model_config = ConfigDict(allow_inf_nan=False)

    temperature: Annotated[float, Field(ge=0, le=5)] = _DEFAULTS.temperature
    top_k: Annotated[int, Field(ge=0)] = _DEFAULTS.top_k
    top_p: Annotated[float, Field(gt=0, le=1)] = _DEFAULTS.top_p
    max_tokens: Annotated[int, Field(ge=1, le=MAX_REPLY_TOKENS)] = _DEFAULTS.max_tokens
    best_of: Annotated[int, Field(ge=1, le=MAX_DRAFTS)] = 1
    """Drafts to write; the surest is said, once the last is written. One is sent as it comes."""
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    queue: bool = False
    """Whether a stream tells the place in the queue."""

    def sampling(self) -> SamplingSettings:
        return SamplingSettings(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            max_tokens=self.max_tokens,
            best_of=self.best_of,
            seed=self.seed,
        )


class ChatRequest(SamplingRequest):
    """Body of `/api/chat` and `/api/chat/stream`."""

    message: Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)]
    history: Annotated[list[HistoryTurn], Field(max_length=MAX_HISTORY)] = []

    def turns(self) -> list[tuple[str, str]]:
        """The history as (role, text) with the roles of the dialog grammar."""
        roles = {"user": "them", "assistant": "me"}
        return [(roles[turn.role], turn.content) for turn in self.history if turn.content.strip()]


def parse_json(body: bytes) -> Any:
    """The value that a body spells. Raises BadRequestError where it is not JSON, or not Unicode:
    half a surrogate pair can be written in JSON and in nothing that we could answer."""
    try:
        data = json.loads(body)
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequestError("The text is not valid Unicode: it holds a lone surrogate.") from None
    except (ValueError, RecursionError):
        raise BadRequestError("The body is not JSON.") from None
    return data


def sentence_of(error: ValidationError) -> str:
    """Where and what is wrong with a request, by the first thing that is."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message[0].lower()}{message[1:]}"


def parse_chat(body: bytes) -> ChatRequest:
    """A validated request. Raises BadRequestError; nothing to say is "empty message"."""
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    message = data.get("message") if isinstance(data, dict) else None
    if message is None or (isinstance(message, str) and not message.strip()):
        raise BadRequestError("empty message")
    request = validated(ChatRequest, data)
    try:
        for text in (request.message, *(turn.content for turn in request.history)):
            text.encode()
    except UnicodeEncodeError:
        raise BadRequestError("message: the text is not valid Unicode") from None
    return request


def validated(model: type[Body], data: Any) -> Body:
    """The data as a request. Raises BadRequestError with the first field that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise BadRequestError(sentence_of(error)) from None


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a route that reads its body itself."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, list):
            return [inlined(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return inlined(definitions[value["$ref"].rpartition("/")[2]])
        return {key: inlined(item) for key, item in value.items()}

    content = {"application/json": {"schema": inlined(schema)}}
    return {"requestBody": {"required": True, "content": content}}


class ModelFacts(BaseModel):
    """The line of facts under the model's name."""

    run: str
    step: int
    tuned: bool
    parameters: int
    blocks: int
    width: int
    context: int
    vocabulary: int
    corpus_characters: int


class Health(BaseModel):
    """Body of `GET /api/health`."""

    ok: bool
    name: str
    stream: bool = True
    error: str | None = None
    model: ModelFacts | None = None
    opening: str | None = None
    starters: list[str] = []
