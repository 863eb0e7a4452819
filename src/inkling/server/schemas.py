"""What the stateless chat API takes and gives, and the limits of every request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from inkling.config import SamplingSettings
from inkling.config.base import PositiveShare
from inkling.inference.requests import ModelChoice
from inkling.server.bodies import SENTENCE, RequestBody, ResponseBody

MAX_MESSAGE_CHARACTERS = 20_000
MAX_HISTORY = 1_000
MAX_REPLY_TOKENS = 2_000
MAX_DRAFTS = 32

_OWN = SamplingSettings()

Text = Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)]


class HistoryTurn(BaseModel):
    """One earlier message. Unknown fields are ignored."""

    role: Literal["user", "assistant"]
    content: Text


class SamplingRequest(RequestBody):
    """How a reply is sampled. A field that is left out is as the workspace's `[sampling]` says, or
    as Inkling's default, which is the one given here."""

    temperature: Annotated[float, Field(ge=0, le=5)] = _OWN.temperature
    top_k: Annotated[int, Field(ge=0)] = _OWN.top_k
    top_p: Annotated[PositiveShare, Field(gt=0, le=1)] = _OWN.top_p
    max_tokens: Annotated[int, Field(ge=1, le=MAX_REPLY_TOKENS)] = _OWN.max_tokens
    memory: Annotated[float, Field(ge=0, le=1)] = _OWN.memory
    """How much the reply leans on what was said before; 0 is the bare model."""
    best_of: Annotated[int, Field(ge=1, le=MAX_DRAFTS)] = _OWN.best_of
    """Drafts to generate; the surest is sent, once the last is complete. One is sent as it is
    generated."""
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    run: Annotated[str | None, Field(max_length=64)] = None
    """Which run replies; left out, the newest, or the one that the server was started with."""
    step: Annotated[int | None, Field(ge=0, lt=2**53)] = None
    """Which checkpoint of it; left out, the one that is used of the run."""
    queue: bool = False
    """Whether a stream reports the place in the queue."""

    @property
    def choice(self) -> ModelChoice:
        """The model that is to reply."""
        return ModelChoice(self.run, self.step)

    def sampling(self, defaults: SamplingSettings) -> SamplingSettings:
        """The settings: what was sent, else the defaults."""
        sent = self.model_fields_set & set(SamplingSettings.model_fields)
        return defaults.model_copy(update={name: getattr(self, name) for name in sent})


class ChatRequest(SamplingRequest):
    """Body of `/api/chat` and `/api/chat/stream`."""

    message: Text
    history: list[HistoryTurn] = Field(default_factory=list, max_length=MAX_HISTORY)
    origin: bool = False
    """Whether the last frame of a stream says what replied and what it did not read; in a kept chat
    it always does."""

    @model_validator(mode="before")
    @classmethod
    def _is_an_object(cls, data: Any) -> Any:
        """Whatever says nothing is an empty message, even what is not JSON."""
        message = data.get("message") if isinstance(data, dict) else None
        if message is None or (isinstance(message, str) and not message.strip()):
            raise PydanticCustomError(SENTENCE, "empty message")
        return data

    def turns(self) -> list[tuple[str, str]]:
        """The history as (role, text) with the roles of the dialog grammar."""
        roles = {"user": "them", "assistant": "me"}
        return [(roles[turn.role], turn.content) for turn in self.history if turn.content.strip()]


class ChatAnswer(ResponseBody):
    """Body of `POST /api/chat`."""

    reply: str


class ReplyFrame(TypedDict, total=False):
    """One event of a streamed reply: some text, the place in the queue, or how it ended.

    In a kept chat the last one says where the reply was stored and what generated it; `unread` is
    how many characters at the beginning of the message did not fit the context. `chat` comes first
    where the message began a chat.
    """

    text: str
    queued: int
    done: bool
    error: str
    stopped: bool
    position: int
    variant: int
    seed: str
    run: str
    step: int
    unread: int
    chat: int


class ModelFacts(ResponseBody):
    """What a page says about a model."""

    run: str
    step: int
    tuned: bool
    parameters: int
    blocks: int
    width: int
    context: int
    vocabulary: int
    live_tokens: int
    """Tokens of the vocabulary that occur in the training text: only those are ever sampled."""
    corpus_characters: int
    exchanges: int
    """Exchanges that its memory holds; 0 where there is none."""


class PageDefaults(ResponseBody):
    """Where the page's sliders begin."""

    temperature: float
    top_k: int
    top_p: float
    max_tokens: int
    memory: float
    best_of: int

    @classmethod
    def of(cls, settings: SamplingSettings) -> PageDefaults:
        """The settings, within what a request may ask for."""
        values = settings.model_dump(include=set(cls.model_fields))
        return cls(**values | {"max_tokens": min(settings.max_tokens, MAX_REPLY_TOKENS)})


class Health(ResponseBody):
    """Body of `GET /api/health`."""

    ok: bool
    name: str
    stream: bool = True
    defaults: PageDefaults
    error: str | None = None
    model: ModelFacts | None = None
    opening: str | None = None
    starters: list[str] = Field(default_factory=list)
