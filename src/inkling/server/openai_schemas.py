"""What OpenAI's API sends and Inkling takes; the sentences for what it does not take.

Knows: fields, limits, the shape of an error. Does not know how texts are written.
Data: body -> `parse_completion` / `parse_chat_completion` -> a request -> `SamplingSettings`.

Fields that change what is written and are not supported are refused, where they are set; fields
that change nothing here (`user`, `store`, `metadata` …) are ignored, as unknown ones are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from inkling.config import SamplingSettings
from inkling.server.schemas import (
    MAX_DRAFTS,
    MAX_HISTORY,
    MAX_MESSAGE_CHARACTERS,
    MAX_REPLY_TOKENS,
    BadRequestError,
    parse_json,
    sentence_of,
)

MAX_CHOICES = 8
MAX_STOPS = 16
MAX_TOP_LOGPROBS = 20

_DEFAULTS = SamplingSettings()

Request = TypeVar("Request", bound=BaseModel)

STOP_CHARACTERS = 200

Text = Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)]
StopText = Annotated[str, Field(min_length=1, max_length=STOP_CHARACTERS)]

# Name -> the values that ask for nothing. What is set to anything else is refused.
_UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "tools": (None, []),
    "functions": (None, []),
    "tool_choice": (None, "none", "auto"),
    "logit_bias": (None, {}),
    "response_format": (None, {"type": "text"}),
    "modalities": (None, ["text"]),
    "audio": (None,),
    "suffix": (None, ""),
    "echo": (None, False),
}


class InvalidRequestError(BadRequestError):
    """As its base; `param` is the field that is wrong."""

    def __init__(self, sentence: str, param: str | None = None) -> None:
        super().__init__(sentence)
        self.param = param


class StreamOptions(BaseModel):
    """Unknown fields are ignored."""

    include_usage: bool | None = None


class CommonRequest(BaseModel):
    """What both kinds of completion take. What is left out or null has Inkling's own default."""

    model_config = ConfigDict(allow_inf_nan=False)

    model: Annotated[str, Field(max_length=200)]
    max_tokens: Annotated[int | None, Field(ge=1, le=MAX_REPLY_TOKENS)] = None
    temperature: Annotated[float | None, Field(ge=0, le=5)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    n: Annotated[int | None, Field(ge=1, le=MAX_CHOICES)] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=MAX_STOPS)] | None = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    top_k: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    min_p: Annotated[float | None, Field(ge=0, le=1)] = None
    repetition_penalty: Annotated[float | None, Field(ge=1, le=3)] = None
    best_of: Annotated[int | None, Field(ge=1, le=MAX_DRAFTS)] = None

    @model_validator(mode="after")
    def _one_is_chosen(self) -> CommonRequest:
        if self.choices > 1 and self.best_of not in (None, 1, self.choices):
            raise ValueError("best_of chooses one text; with it n may only be 1")
        return self

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    def tokens_asked(self) -> int | None:
        return self.max_tokens

    @field_validator("stop", mode="before")
    @classmethod
    def _stop_texts(cls, value: Any) -> Any:
        """One sentence for every way in which it can be wrong."""
        texts = [value] if isinstance(value, str) else [] if value is None else value
        if not (
            isinstance(texts, list)
            and len(texts) <= MAX_STOPS
            and all(isinstance(text, str) and 0 < len(text) <= STOP_CHARACTERS for text in texts)
        ):
            raise ValueError(
                f"must be a text of 1 to {STOP_CHARACTERS} characters, or at most {MAX_STOPS} such"
            )
        return value

    def sampling(self, choice: int) -> SamplingSettings:
        """The settings of one choice. Each has its own seed, made from the request's."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        given = {
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "max_tokens": self.tokens_asked(),
            "best_of": self.best_of if self.choices == 1 else None,
            # Ours are not negative.
            "seed": None if self.seed is None else (self.seed + choice) % 2**63,
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        return _DEFAULTS.model_copy(update=chosen | {"stop": stop})


class CompletionRequest(CommonRequest):
    """Body of `POST /v1/completions`."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_CHOICES)]
    logprobs: Annotated[int | None, Field(ge=0, le=MAX_TOP_LOGPROBS)] = None

    @model_validator(mode="after")
    def _few_enough(self) -> CompletionRequest:
        if len(self.prompts) * self.choices > MAX_CHOICES:
            raise ValueError(f"prompts times n may be {MAX_CHOICES} at most")
        return self

    @property
    def prompts(self) -> list[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt

    @property
    def top_logprobs(self) -> int | None:
        return self.logprobs


class TextPart(BaseModel):
    """A part of a message."""

    type: Literal["text"]
    text: Text


class Message(BaseModel):
    """One message. Unknown fields are ignored."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart], Field(max_length=100)] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class ChatCompletionRequest(CommonRequest):
    """Body of `POST /v1/chat/completions`."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_HISTORY)]
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=MAX_REPLY_TOKENS)] = None
    logprobs: bool | None = None
    top_logprobs_asked: Annotated[
        int | None, Field(alias="top_logprobs", ge=0, le=MAX_TOP_LOGPROBS)
    ] = None

    def tokens_asked(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def top_logprobs(self) -> int | None:
        return (self.top_logprobs_asked or 0) if self.logprobs else None

    def turns(self) -> list[tuple[str, str]]:
        """The conversation with the roles of the dialog grammar, its last turn the question.

        The model was trained on two voices and knows no third: system messages are left out.
        Neighbouring messages of one role become one. Raises InvalidRequestError where the last
        turn is no question.
        """
        roles = {"user": "them", "assistant": "me"}
        turns: list[tuple[str, str]] = []
        for message in self.messages:
            role = roles.get(message.role)
            if role is None or not message.text.strip():
                continue
            if turns and turns[-1][0] == role:
                turns[-1] = (role, f"{turns[-1][1]}\n{message.text}")
            else:
                turns.append((role, message.text))
        if not turns or turns[-1][0] != "them":
            raise InvalidRequestError(
                "messages: the last message must be from the user, with some text in it",
                "messages",
            )
        return turns


def parse_completion(body: bytes) -> CompletionRequest:
    """A validated request. Raises InvalidRequestError."""
    data = _checked(body)
    prompt = data.get("prompt")
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], int | list):
        raise InvalidRequestError("prompt: token ids are not taken; send the text itself", "prompt")
    return _validated(CompletionRequest, data)


def parse_chat_completion(body: bytes) -> ChatCompletionRequest:
    """A validated request. Raises InvalidRequestError."""
    return _validated(ChatCompletionRequest, _checked(body))


def _checked(body: bytes) -> dict[str, Any]:
    try:
        data = parse_json(body)
    except BadRequestError as error:
        raise InvalidRequestError(str(error)) from None
    if not isinstance(data, dict):
        raise InvalidRequestError("The body must be a JSON object.")
    for name, allowed in _UNSUPPORTED.items():
        if name in data and data[name] not in allowed:
            raise InvalidRequestError(f"{name} is not supported; leave it out", name)
    return data


def _validated(kind: type[Request], data: dict[str, Any]) -> Request:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        where: Sequence[int | str] = error.errors()[0]["loc"]
        raise InvalidRequestError(sentence_of(error), str(where[0]) if where else None) from None


def error_body(
    sentence: str, kind: str, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """OpenAI's shape of an error."""
    return {"error": {"message": sentence, "type": kind, "param": param, "code": code}}
