"""From ids to chunks of text that may be shown: whole characters, no stop text, no blank edges.

Knows: what must be held back, and until when. Does not know: models, drafts, who reads.
Data: token -> characters (half ones wait) -> stop texts -> trimming -> `TextChunk`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inkling.inference.sampling import SampledToken
from inkling.tokens.tokenizer import StreamDecoder, Tokenizer


class StopFilter:
    """Text up to the first stop text; what could be the start of one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [text for text in stops if text]
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """What may go out now."""
        if self.stopped:
            return ""
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            out, self._held = self._held[: min(found)], ""
            return out
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def finish(self) -> str:
        """What was held back and is no stop text after all."""
        out, self._held = self._held, ""
        return out


class Trimmer:
    """Text without white space at either end of the whole."""

    def __init__(self) -> None:
        self._held, self._started = "", False

    def push(self, text: str) -> str:
        """What may go out now; white space waits for something visible behind it."""
        text = self._held + (text if self._started else text.lstrip())
        out = text.rstrip()
        self._held = text[len(out) :]
        self._started = self._started or bool(out)
        return out


@dataclass(frozen=True)
class TextChunk:
    """Text to show, and the tokens whose text has now been shown or trimmed."""

    text: str
    tokens: tuple[SampledToken, ...] = ()


class TextStream:
    """Turns the tokens of one sequence into chunks."""

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str], trim: bool) -> None:
        self._decoder = StreamDecoder(tokenizer)
        self._stops = StopFilter(stops)
        self._trimmer = Trimmer() if trim else None
        self._decoded = self._released = 0
        self._waiting: list[tuple[int, SampledToken]] = []

    @property
    def stopped(self) -> bool:
        """Whether a stop text was met; nothing comes after it."""
        return self._stops.stopped

    def push(self, sampled: SampledToken) -> TextChunk:
        """What a token brings; its text may be empty."""
        self._waiting.append((self._decoded, sampled))
        text = self._decoder.push(sampled.token)
        self._decoded += len(text)
        return self._release(self._stops.push(text))

    def finish(self) -> TextChunk:
        """What was held back, once no token follows. Half a character becomes U+FFFD."""
        if self.stopped:
            return TextChunk("")
        text = self._decoder.finish()
        self._decoded += len(text)
        return self._release(self._stops.push(text) + self._stops.finish())

    def _release(self, text: str) -> TextChunk:
        self._released += len(text)
        # A token goes out once any of its text does; those behind a stop text never do.
        shown = 0
        while shown < len(self._waiting) and self._waiting[shown][0] < self._released:
            shown += 1
        tokens = tuple(sampled for _, sampled in self._waiting[:shown])
        del self._waiting[:shown]
        return TextChunk(self._trimmer.push(text) if self._trimmer else text, tokens)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    return next(
        (n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0
    )
