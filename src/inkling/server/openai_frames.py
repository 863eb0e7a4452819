"""OpenAI's answers: whole ones, chunks of a stream, log-probabilities, usage.

Knows: the objects of both kinds of completion. Does not know HTTP or requests.
Data: `Written` parts and `End`s -> dictionaries, and frames of those.
"""

from __future__ import annotations

import json
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inkling.inference.tickets import End
from inkling.server.replies import Written

if TYPE_CHECKING:
    from inkling.inference.writing import Picked
    from inkling.tokens.tokenizer import Tokenizer

DONE = "data: [DONE]\n\n"


def frame(data: dict[str, Any]) -> str:
    # ASCII only: U+2028 and U+0085 would end a line for some SSE readers.
    return f"data: {json.dumps(data)}\n\n"


class Format(ABC):
    """One answer's frames and body. A choice is a text; several belong to a prompt."""

    kind: str
    chunk_kind: str
    prefix: str

    def __init__(self, model: str, tokenizer: Tokenizer) -> None:
        self._model, self._table = model, tokenizer.token_bytes
        self._id = f"{self.prefix}-{uuid.uuid4().hex}"
        self._created = int(time.time())

    @abstractmethod
    def opening(self, index: int) -> dict[str, Any] | None:
        """What a stream says of a choice before its text; None for nothing."""

    @abstractmethod
    def part(self, index: int, part: Written | End) -> dict[str, Any] | None:
        """What a stream says of a choice; None for nothing."""

    @abstractmethod
    def choice(self, index: int, written: Written, end: End) -> dict[str, Any]:
        """A choice that is complete."""

    def chunk(
        self, choices: list[dict[str, Any]], usage: dict[str, int] | bool | None
    ) -> dict[str, Any]:
        """The object of a frame; `usage` is left out where it is False."""
        found = {
            "id": self._id,
            "object": self.chunk_kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        return found if usage is False else found | {"usage": usage}

    def whole(self, texts: Sequence[tuple[Written, End]], choices: int) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        return {
            "id": self._id,
            "object": self.kind,
            "created": self._created,
            "model": self._model,
            "choices": [self.choice(index, *each) for index, each in enumerate(texts)],
            "usage": self.usage([end for _, end in texts], choices),
        }

    def usage(self, ends: Sequence[End], choices: int) -> dict[str, int]:
        """Tokens read (a prompt's once, however many choices it has) and written."""
        read = sum(end.prompt_tokens for end in ends) // choices
        written = sum(end.written_tokens for end in ends)
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }

    def spelled(self, token: int) -> str:
        """A token as text; one that is part of a character, as its bytes."""
        piece = self._table[token]
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


class ChatFormat(Format):
    """`chat.completion` and its chunks."""

    kind, chunk_kind, prefix = "chat.completion", "chat.completion.chunk", "chatcmpl"

    def opening(self, index: int) -> dict[str, Any] | None:
        return self._delta(index, {"role": "assistant", "content": ""})

    def part(self, index: int, part: Written | End) -> dict[str, Any] | None:
        if isinstance(part, End):
            return self._delta(index, {}, finish=part.finish)
        if not part.text and not part.tokens:
            return None
        return self._delta(index, {"content": part.text}, part.tokens)

    def choice(self, index: int, written: Written, end: End) -> dict[str, Any]:
        return {
            "index": index,
            "message": {"role": "assistant", "content": written.text, "refusal": None},
            "logprobs": self._logprobs(written.tokens),
            "finish_reason": end.finish,
        }

    def _delta(
        self,
        index: int,
        delta: dict[str, Any],
        tokens: Sequence[Picked] = (),
        finish: str | None = None,
    ) -> dict[str, Any]:
        return {
            "index": index,
            "delta": delta,
            "logprobs": self._logprobs(tokens),
            "finish_reason": finish,
        }

    def _logprobs(self, tokens: Sequence[Picked]) -> dict[str, Any] | None:
        told = [
            self._entry(picked.token, picked.logprob)
            | {"top_logprobs": [self._entry(*each) for each in picked.top]}
            for picked in tokens
            if picked.logprob is not None
        ]
        return {"content": told, "refusal": None} if told else None

    def _entry(self, token: int, logprob: float) -> dict[str, Any]:
        return {
            "token": self.spelled(token),
            "logprob": logprob,
            "bytes": list(self._table[token]),
        }


class CompletionFormat(Format):
    """`text_completion`, whose chunks have the same name."""

    kind, chunk_kind, prefix = "text_completion", "text_completion", "cmpl"

    def __init__(self, model: str, tokenizer: Tokenizer) -> None:
        super().__init__(model, tokenizer)
        self._offsets: dict[int, int] = {}

    def opening(self, index: int) -> dict[str, Any] | None:
        return None

    def part(self, index: int, part: Written | End) -> dict[str, Any] | None:
        if isinstance(part, End):
            return self._choice(index, "", (), part.finish)
        if not part.text and not part.tokens:
            return None
        return self._choice(index, part.text, part.tokens, None)

    def choice(self, index: int, written: Written, end: End) -> dict[str, Any]:
        return self._choice(index, written.text, written.tokens, end.finish)

    def _choice(
        self, index: int, text: str, tokens: Sequence[Picked], finish: str | None
    ) -> dict[str, Any]:
        return {
            "index": index,
            "text": text,
            "logprobs": self._logprobs(index, tokens),
            "finish_reason": finish,
        }

    def _logprobs(self, index: int, tokens: Sequence[Picked]) -> dict[str, Any] | None:
        told = [picked for picked in tokens if picked.logprob is not None]
        if not told:
            return None
        offsets = []
        for picked in told:
            at = self._offsets.get(index, 0)
            offsets.append(at)
            # A character begins with each byte that does not go on with one.
            begun = sum(byte & 0xC0 != 0x80 for byte in self._table[picked.token])
            self._offsets[index] = at + begun
        return {
            "tokens": [self.spelled(picked.token) for picked in told],
            "token_logprobs": [picked.logprob for picked in told],
            "top_logprobs": [
                {self.spelled(token): logprob for token, logprob in picked.top} for picked in told
            ],
            "text_offset": offsets,
        }
