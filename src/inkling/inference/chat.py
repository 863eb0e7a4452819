"""Messages to text pieces: the voice of a run.

Knows: a run's tokenizer and model, the prompt of a chat, clean replies. Does not know HTTP or
terminals. Data: message + history -> ids -> engine -> ids -> text pieces.

A reply is never empty: <|end|> and blank tokens are forbidden until something visible has
been written. One text at a time is written here (`reply`, `complete`); many at once are written
by the scheduler, from drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inkling.config import RunConfig, SamplingSettings
from inkling.errors import CheckpointError
from inkling.inference.batch import Batch
from inkling.inference.drafts import Drafts, seed_of
from inkling.inference.engine import Engine
from inkling.inference.text import TextStream
from inkling.inference.writing import Finish, Picked
from inkling.model.build import build_model
from inkling.model.gpt import GPT
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import Turn, encode_prompt
from inkling.tokens.tokenizer import Tokenizer

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


@dataclass(frozen=True)
class Draft:
    """All that a text follows from: the ids before it, how it is drawn, how it is shown."""

    ids: list[int]
    settings: SamplingSettings
    trim: bool
    """Whether blank edges are left out."""
    top_logprobs: int | None = None
    """How many alternatives each token tells of; None for no probabilities at all."""


@dataclass(frozen=True)
class Answer:
    """A whole reply, and why it ended."""

    text: str
    finish: Finish


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
        self._blank_V = torch.tensor(blank)

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
        yield from self._text(self.completion_draft(prompt, settings), cancelled)

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
        yield from self._text(self.reply_draft(message, history, settings), cancelled)

    def completion_draft(
        self, prompt: str, settings: SamplingSettings, top_logprobs: int | None = None
    ) -> Draft:
        """What `complete` writes from."""
        ids = [self.tokenizer.end_id, *self.tokenizer.encode(prompt)]
        return Draft(ids, settings, trim=False, top_logprobs=top_logprobs)

    def reply_draft(
        self,
        message: str,
        history: Sequence[Turn],
        settings: SamplingSettings,
        top_logprobs: int | None = None,
    ) -> Draft:
        """What `reply` writes from."""
        ids = self.prompt(message, history).ids
        return Draft(ids, settings, trim=True, top_logprobs=top_logprobs)

    def answer(self, message: str, history: Sequence[Turn], settings: SamplingSettings) -> Answer:
        """A whole reply, and why it ended."""
        drafts = self.begin(self.reply_draft(message, history, settings))
        text = "".join(self._pieces(drafts, lambda: False))
        assert drafts.finish is not None
        return Answer(text, drafts.finish)

    def drafts_of(self, settings: SamplingSettings) -> int:
        """How many drafts it makes of a text. A model without a cache reads its whole context for
        every token: it makes one."""
        return settings.best_of if isinstance(self.engine.model, GPT) else 1

    def begin(self, draft: Draft, most: int | None = None) -> Drafts:
        """The drafts of a text, at most `most`."""
        settings = draft.settings
        count = min(self.drafts_of(settings), most or settings.best_of)
        # Drafts are ranked by their tokens' probabilities.
        told = 0 if count > 1 and draft.top_logprobs is None else draft.top_logprobs
        drafts = {}
        for number in range(count):
            own = settings.model_copy(update={"seed": seed_of(settings.seed, number)})
            writing = self.engine.begin(draft.ids, own, self._visible_first, told)
            drafts[writing] = TextStream(self.tokenizer, settings.stop, draft.trim)
        return Drafts(drafts)

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

    def _text(self, draft: Draft, cancelled: Callable[[], bool]) -> Iterator[str]:
        if self.drafts_of(draft.settings) > 1:
            yield from self._pieces(self.begin(draft), cancelled)
            return
        text = TextStream(self.tokenizer, draft.settings.stop, draft.trim)
        tokens = self.engine.generate(draft.ids, draft.settings, self._visible_first, cancelled)
        for token in tokens:
            if piece := text.push(Picked(token)).text:
                yield piece
            if text.stopped:
                return
        if piece := text.finish().text:
            yield piece

    def _pieces(self, drafts: Drafts, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Write the drafts; the text that is said."""
        batch = Batch(self.engine, len(drafts.writings))
        for writing in drafts.writings:
            batch.add(writing)
        while drafts.finish is None and not cancelled():
            for writing, picked in batch.step():
                for piece in drafts.take(writing, picked):
                    if piece.text:
                        yield piece.text
                if writing not in drafts.writings:
                    batch.remove(writing)

    def _visible_first(self, written: list[int]) -> Tensor | None:
        # A first token decides: once one visible token is out, anything may follow.
        return self._blank_V if not written else None
