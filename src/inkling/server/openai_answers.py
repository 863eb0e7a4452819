"""What OpenAI's API answers, as types. Chunks of a stream have `delta` where a whole answer has
`message`; log-probabilities of completions are columns, those of chats rows."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

FinishReason = Literal["stop", "length"]


class ModelEntry(TypedDict):
    """A model by one of its names."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(TypedDict):
    """Body of `GET /v1/models`."""

    object: Literal["list"]
    data: list[ModelEntry]


class Usage(TypedDict):
    """Tokens read and generated."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TokenEntry(TypedDict):
    """A token, spelled and as bytes, with the natural logarithm of its probability."""

    token: str
    logprob: float
    bytes: list[int]


class ChatTokenEntry(TokenEntry):
    """A token of a chat, with the likeliest ones in its place."""

    top_logprobs: list[TokenEntry]


class ChatLogprobs(TypedDict):
    """A row a token."""

    content: list[ChatTokenEntry]
    refusal: None


class AssistantMessage(TypedDict):
    """A reply."""

    role: Literal["assistant"]
    content: str
    refusal: None


class Delta(TypedDict):
    """What of a reply came since the last chunk."""

    role: NotRequired[Literal["assistant"]]
    content: NotRequired[str]


class ChatChoice(TypedDict):
    """A complete reply."""

    index: int
    message: AssistantMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatDelta(TypedDict):
    """A part of a reply; the last has the reason."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason | None


class CompletionLogprobs(TypedDict):
    """Columns of equal length, a row a token. `text_offset` counts characters of the text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(TypedDict):
    """A continuation of a prompt, or a part of one."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: FinishReason | None


class ChatCompletion(TypedDict):
    """Body of `POST /v1/chat/completions`."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class Completion(TypedDict):
    """Body of `POST /v1/completions`."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage
