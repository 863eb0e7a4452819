"""What OpenAI's API sends and Inkling takes; the sentences for what it does not take.

Knows: fields and limits. Does not know how texts are generated, or what is answered
(openai_answers.py).
Data: body -> `CompletionRequest` / `ChatCompletionRequest` -> `SamplingSettings`.

Fields that change what is generated and are not supported are refused, where they are set;
fields that change nothing here (`user`, `store`, `metadata` …) are ignored, as unknown ones are.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from inkling.config import SamplingSettings
from inkling.config.base import PositiveShare
from inkling.server.bodies import SENTENCE, RequestBody
from inkling.server.schemas import MAX_DRAFTS, MAX_HISTORY, MAX_REPLY_TOKENS, Text

MAX_CHOICES = 8
MAX_STOPS = 16
MAX_TOP_LOGPROBS = 20

STOP_CHARACTERS = 200

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


class StreamOptions(BaseModel):
    """Unknown fields are ignored."""

    include_usage: bool | None = None


class CommonRequest(RequestBody):
    """What both kinds of completion take. What is left out or null is as the workspace's
    `[sampling]` says, or as Inkling's own default."""

    model: Annotated[str, Field(max_length=200)]
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    temperature: Annotated[float | None, Field(ge=0, le=5)] = None
    top_p: Annotated[PositiveShare, Field(gt=0, le=1)] | None = None
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
    memory: Annotated[float | None, Field(ge=0, le=1)] = None
    best_of: Annotated[int | None, Field(ge=1, le=MAX_DRAFTS)] = None

    @model_validator(mode="before")
    @classmethod
    def _asks_for_nothing_unsupported(cls, data: Any) -> Any:
        for name, allowed in _UNSUPPORTED.items() if isinstance(data, dict) else ():
            if name in data and data[name] not in allowed:
                raise PydanticCustomError(
                    SENTENCE, "{param} is not supported; leave it out", {"param": name}
                )
        return data

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

    def tokens_at_most(self) -> int | None:
        """As many as are asked for, or as a text can have: many clients always ask for 4,096."""
        asked = self.tokens_asked()
        return None if asked is None else min(asked, MAX_REPLY_TOKENS)

    def stop_texts(self) -> tuple[str, ...] | None:
        """None where the request does not say."""
        if self.stop is None:
            return None
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    @field_validator("stop", mode="before")
    @classmethod
    def _few_short_texts(cls, value: Any) -> Any:
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

    def sampling(self, choice: int, defaults: SamplingSettings) -> SamplingSettings:
        """The settings of one choice. Each has its own seed, made from the request's."""
        seed = defaults.seed if self.seed is None else self.seed
        given = {
            "temperature": self.temperature,
            "top_k": self.top_k,
            "top_p": self.top_p,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "max_tokens": self.tokens_at_most(),
            "memory": self.memory,
            "best_of": self.best_of if self.choices == 1 else 1,
            # Ours are not negative.
            "seed": None if seed is None else (seed + choice) % 2**63,
            "stop": self.stop_texts(),
        }
        return defaults.model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )


class CompletionRequest(CommonRequest):
    """Body of `POST /v1/completions`."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_CHOICES)]
    logprobs: Annotated[int | None, Field(ge=0, le=MAX_TOP_LOGPROBS)] = None

    @field_validator("prompt", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], int | list):
            raise ValueError("token ids are not taken; send the text itself")
        return value

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


class OpenAIMessage(BaseModel):
    """One message. Unknown fields are ignored."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | Annotated[list[TextPart], Field(max_length=100)] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class ChatCompletionRequest(CommonRequest):
    """Body of `POST /v1/chat/completions`."""

    messages: Annotated[list[OpenAIMessage], Field(min_length=1, max_length=MAX_HISTORY)]
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    logprobs: bool | None = None
    top_logprobs_asked: Annotated[
        int | None, Field(alias="top_logprobs", ge=0, le=MAX_TOP_LOGPROBS)
    ] = None

    def tokens_asked(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def top_logprobs(self) -> int | None:
        return (self.top_logprobs_asked or 0) if self.logprobs else None

    @field_validator("messages")
    @classmethod
    def _end_with_a_question(cls, messages: list[OpenAIMessage]) -> list[OpenAIMessage]:
        turns = _turns(messages)
        if not turns or turns[-1][0] != "them":
            raise ValueError("the last message must be from the user, with some text in it")
        return messages

    def turns(self) -> list[tuple[str, str]]:
        """The conversation with the roles of the dialog grammar, its last turn the question."""
        return _turns(self.messages)


def _turns(messages: list[OpenAIMessage]) -> list[tuple[str, str]]:
    """The model was trained on two voices and knows no third: what a system or a tool says is left
    out. Neighbouring messages of one role become one."""
    roles = {"user": "them", "assistant": "me"}
    turns: list[tuple[str, str]] = []
    for message in messages:
        role = roles.get(message.role)
        if role is None or not message.text.strip():
            continue
        if turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n{message.text}")
        else:
            turns.append((role, message.text))
    return turns
