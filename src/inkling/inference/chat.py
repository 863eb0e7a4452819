"""Messages to text pieces: the voice of a run.

Knows: a run's tokenizer and model, the prompt of a chat, clean replies. Does not know HTTP or
terminals. Data: message + history -> ids -> engine -> ids -> text pieces.

A reply is never empty: <|end|> and blank tokens are forbidden until something visible has
been written. Stop texts are held back until they cannot be one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inkling.config import RunConfig, SamplingSettings
from inkling.errors import CheckpointError
from inkling.inference.engine import Engine
from inkling.model.build import build_model
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import Turn, encode_prompt
from inkling.tokens.tokenizer import StreamDecoder, Tokenizer

HISTORY_TURNS = 8
"""Turns of history that a reply looks back on, as many as fit the context."""


def live_mask(config: RunConfig) -> Tensor:
    """True for the ids that may be sampled, (V,)."""
    live = torch.zeros(config.model.vocab_size, dtype=torch.bool)
    for start, stop in config.data.live_ranges:
        live[start:stop] = True
    return live


@dataclass(frozen=True)
class Prompt:
    """Ids that ask for a reply, and how many turns of the history they leave out."""

    ids: list[int]
    forgotten: int
    """The oldest turns: those before the last HISTORY_TURNS, and those that do not fit."""


@dataclass
class ChatModel:
    """A loaded run that completes text and answers messages."""

    config: RunConfig
    tokenizer: Tokenizer
    engine: Engine
    step: int
    tuned: bool
    """Whether the weights were fine-tuned on dialogs."""

    def __post_init__(self) -> None:
        table = self.tokenizer.token_bytes
        blank = [not piece.strip() for piece in table]
        self._blank_V = torch.tensor(blank, device=self.engine.device)

    @classmethod
    def load(cls, run: Run, runtime: Runtime, step: int | None = None) -> ChatModel:
        """Load a run's best checkpoint, or that of a given step.

        Raises CheckpointError where it is damaged or does not fit the run's config.
        """
        config = run.config()
        chosen = run.best_step() if step is None else step
        if chosen is None:
            raise CheckpointError(f"The run {run.name!r} has no checkpoint to load.")
        checkpoint = run.load_checkpoint(chosen)
        model = build_model(config.model)
        try:
            model.load_state_dict(checkpoint.model)
        except RuntimeError as error:
            raise CheckpointError(
                f"The checkpoint {checkpoint.path} is of another model than {run.path} describes "
                f"({str(error).splitlines()[-1].strip()}). Train a new run: inkling train."
            ) from None
        tokenizer = Tokenizer.load(run.tokenizer_path)
        engine = Engine(model.to(runtime.device), live_mask(config), tokenizer.end_id)
        return cls(config, tokenizer, engine, chosen, checkpoint.state["phase"] == "finetune")

    def complete(
        self,
        prompt: str,
        settings: SamplingSettings,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[str]:
        """Text that goes on from `prompt` (not repeated), in pieces."""
        ids = [self.tokenizer.end_id, *self.tokenizer.encode(prompt)]
        yield from self._text(ids, settings, cancelled)

    def reply(
        self,
        message: str,
        history: Sequence[Turn],
        settings: SamplingSettings,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[str]:
        """A reply to `message` after `history` (oldest first), in pieces, without blank edges.

        A run that was never fine-tuned does not know what a question is: it goes on from the
        message as from any text.
        """
        yield from trimmed(self._text(self.prompt(message, history).ids, settings, cancelled))

    def prompt(self, message: str, history: Sequence[Turn]) -> Prompt:
        """What the model reads before it replies, and how much of the history is not in it."""
        recent = list(history)[-HISTORY_TURNS:]
        # The context holds the prompt and at least half as much again for the reply.
        room = self.engine.context_length * 2 // 3
        if self.tuned:
            ids, left_out = encode_prompt(self.tokenizer, recent, message, room)
            return Prompt(ids, len(history) - len(recent) + left_out)
        while True:
            text = "\n".join([*(words for _, words in recent), message]) + "\n"
            ids = [self.tokenizer.end_id, *self.tokenizer.encode(text)]
            if not recent or len(ids) <= room:
                return Prompt(ids, len(history) - len(recent))
            recent.pop(0)

    def _text(
        self, ids: list[int], settings: SamplingSettings, cancelled: Callable[[], bool]
    ) -> Iterator[str]:
        decoder = StreamDecoder(self.tokenizer)
        tokens = self.engine.generate(ids, settings, self._visible_first, cancelled)
        pieces = (decoder.push(token) for token in tokens)
        yield from until_stop(_and_then(pieces, decoder.finish), settings.stop)

    def _visible_first(self, written: list[int]) -> Tensor | None:
        # A first token decides: once one visible token is out, anything may follow.
        return self._blank_V if not written else None


def _and_then(pieces: Iterable[str], last: Callable[[], str]) -> Iterator[str]:
    yield from pieces
    yield last()


def until_stop(pieces: Iterable[str], stop: Sequence[str]) -> Iterator[str]:
    """Pieces up to the first stop text; what could be the start of one is held back."""
    held = ""
    stops = [text for text in stop if text]
    for piece in pieces:
        held += piece
        found = [at for text in stops if (at := held.find(text)) >= 0]
        if found:
            held = held[: min(found)]
            break
        keep = max((_overlap(held, text) for text in stops), default=0)
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    return next(
        (n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0
    )


def trimmed(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces without white space at either end of the whole."""
    held, started = "", False
    for piece in pieces:
        text = held + (piece if started else piece.lstrip())
        kept = text.rstrip()
        held = text[len(kept) :]
        if kept:
            started = True
            yield kept
