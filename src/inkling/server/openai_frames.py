"""OpenAI's answers: whole ones, chunks of a stream, log-probabilities, usage.

Knows: how both kinds of completion are put together. Does not know HTTP or requests.
Data: `ReplyPart`s and `Finished` -> the objects of openai_answers.py.
"""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from inkling.inference.requests import Finished
from inkling.server.openai_answers import (
    ChatChoice,
    ChatDelta,
    ChatLogprobs,
    ChatTokenEntry,
    CompletionChoice,
    CompletionLogprobs,
    Delta,
    FinishReason,
    TokenEntry,
    Usage,
)
from inkling.server.reply_stream import ReplyPart

if TYPE_CHECKING:
    from inkling.inference.sampling import SampledToken
    from inkling.tokens.tokenizer import Tokenizer


class AnswerFormat(ABC):
    """The chunks and the body of one answer. A choice is a text; several belong to a prompt."""

    kind: str
    chunk_kind: str
    prefix: str

    def __init__(self, model: str, tokenizer: Tokenizer) -> None:
        self._model, self._table = model, tokenizer.token_bytes
        self._id = f"{self.prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())

    @abstractmethod
    def opening(self, index: int) -> Mapping[str, object] | None:
        """What a stream says of a choice before its text; None for nothing."""

    @abstractmethod
    def part(self, index: int, part: ReplyPart | Finished) -> Mapping[str, object] | None:
        """What a stream says of a choice; None for nothing."""

    @abstractmethod
    def choice(self, index: int, text: ReplyPart, end: Finished) -> Mapping[str, object]:
        """A choice that is complete."""

    def chunk(
        self, choices: list[Mapping[str, object]], usage: Usage | Literal[False] | None
    ) -> dict[str, Any]:
        """The object of a frame; `usage` is left out where it is False."""
        found: dict[str, Any] = {
            "id": self._id,
            "object": self.chunk_kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        return found if usage is False else found | {"usage": usage}

    def whole(self, texts: Sequence[tuple[ReplyPart, Finished]], choices: int) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        return {
            "id": self._id,
            "object": self.kind,
            "created": self._created,
            "model": self._model,
            "choices": [self.choice(index, *each) for index, each in enumerate(texts)],
            "usage": self.usage([end for _, end in texts], choices),
        }

    def usage(self, ends: Sequence[Finished], choices: int) -> Usage:
        """Tokens read (a prompt's once, however many choices it has) and generated."""
        read = sum(end.prompt_tokens for end in ends) // choices
        generated = sum(end.written_tokens for end in ends)
        return {
            "prompt_tokens": read,
            "completion_tokens": generated,
            "total_tokens": read + generated,
        }

    def spelled(self, token: int) -> str:
        """A token as text; one that is part of a character, as its bytes."""
        spelling = self._table[token]
        try:
            return spelling.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in spelling)


class ChatFormat(AnswerFormat):
    """`chat.completion` and its chunks."""

    kind, chunk_kind, prefix = "chat.completion", "chat.completion.chunk", "chatcmpl"

    def opening(self, index: int) -> ChatDelta:
        return self._delta(index, {"role": "assistant", "content": ""})

    def part(self, index: int, part: ReplyPart | Finished) -> ChatDelta | None:
        if isinstance(part, Finished):
            return self._delta(index, {}, finish=part.finish)
        if not part.text and not part.tokens:
            return None
        return self._delta(index, {"content": part.text}, part.tokens)

    def choice(self, index: int, text: ReplyPart, end: Finished) -> ChatChoice:
        return {
            "index": index,
            "message": {"role": "assistant", "content": text.text, "refusal": None},
            "logprobs": self._logprobs(text.tokens),
            "finish_reason": end.finish,
        }

    def _delta(
        self,
        index: int,
        delta: Delta,
        tokens: Sequence[SampledToken] = (),
        finish: FinishReason | None = None,
    ) -> ChatDelta:
        return {
            "index": index,
            "delta": delta,
            "logprobs": self._logprobs(tokens),
            "finish_reason": finish,
        }

    def _logprobs(self, tokens: Sequence[SampledToken]) -> ChatLogprobs | None:
        rows: list[ChatTokenEntry] = [
            {
                **self._entry(sampled.token, sampled.logprob),
                "top_logprobs": [self._entry(*each) for each in sampled.top],
            }
            for sampled in tokens
            if sampled.logprob is not None
        ]
        return {"content": rows, "refusal": None} if rows else None

    def _entry(self, token: int, logprob: float) -> TokenEntry:
        return {
            "token": self.spelled(token),
            "logprob": logprob,
            "bytes": list(self._table[token]),
        }


class CompletionFormat(AnswerFormat):
    """`text_completion`, whose chunks have the same name."""

    kind, chunk_kind, prefix = "text_completion", "text_completion", "cmpl"

    def __init__(self, model: str, tokenizer: Tokenizer) -> None:
        super().__init__(model, tokenizer)
        self._offsets: dict[int, int] = {}

    def opening(self, index: int) -> None:
        return None

    def part(self, index: int, part: ReplyPart | Finished) -> CompletionChoice | None:
        if isinstance(part, Finished):
            return self._choice(index, "", (), part.finish)
        if not part.text and not part.tokens:
            return None
        return self._choice(index, part.text, part.tokens, None)

    def choice(self, index: int, text: ReplyPart, end: Finished) -> CompletionChoice:
        return self._choice(index, text.text, text.tokens, end.finish)

    def _choice(
        self, index: int, text: str, tokens: Sequence[SampledToken], finish: FinishReason | None
    ) -> CompletionChoice:
        return {
            "index": index,
            "text": text,
            "logprobs": self._logprobs(index, tokens),
            "finish_reason": finish,
        }

    def _logprobs(self, index: int, tokens: Sequence[SampledToken]) -> CompletionLogprobs | None:
        rows = [(each, each.logprob) for each in tokens if each.logprob is not None]
        if not rows:
            return None
        offsets = []
        for sampled, _ in rows:
            at = self._offsets.get(index, 0)
            offsets.append(at)
            # A character begins with each byte that does not continue one.
            begun = sum(byte & 0xC0 != 0x80 for byte in self._table[sampled.token])
            self._offsets[index] = at + begun
        return {
            "tokens": [self.spelled(sampled.token) for sampled, _ in rows],
            "token_logprobs": [logprob for _, logprob in rows],
            "top_logprobs": [
                {self.spelled(token): logprob for token, logprob in sampled.top}
                for sampled, _ in rows
            ],
            "text_offset": offsets,
        }
