"""A checkpoint of a run, and a text as it reads it.

Knows: which checkpoint is meant, how a text or a message with its reply becomes ids, which part of
a long one fits the context. Does not know: what is computed of it.
Data: run + step -> `InspectedModel` -> `encode` -> `ReadText` -> `states` -> `ForwardStates`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import CheckpointError
from inkling.inference.chat import ChatModel, allowed_mask
from inkling.inspection.forward import ForwardStates, read
from inkling.tokens.chat_format import encode_prompt, normalize_turn

if TYPE_CHECKING:
    from inkling.config import RunConfig
    from inkling.inference.sampling import Mask
    from inkling.model.language_model import LanguageModel
    from inkling.runs import Run
    from inkling.runtime import Runtime
    from inkling.tokens.tokenizer import Tokenizer

_WHOLE = 1_000_000_000


@dataclass(frozen=True)
class ReadText:
    """A text as ids, and the window of it that the model reads.

    `<|end|>` opens a text, as in training. A window that begins later begins without it.
    """

    ids: tuple[int, ...]
    start: int
    stop: int

    @property
    def window(self) -> tuple[int, ...]:
        return self.ids[self.start : self.stop]


@dataclass(frozen=True)
class InspectedModel:
    """A loaded checkpoint."""

    run: Run
    chat_model: ChatModel

    @classmethod
    def load(cls, run: Run, runtime: Runtime, step: int | None = None) -> InspectedModel:
        """Load the checkpoint of a step, by default the best one.

        Raises CheckpointError where it is not there or damaged.
        """
        steps = run.checkpoints.steps()
        if step is not None and step not in steps:
            there = (
                f"There are: {', '.join(f'{one:,}' for one in steps)}."
                if steps
                else ("Continue the run: inkling train --resume.")
            )
            raise CheckpointError(
                f"The run {run.name!r} has no checkpoint of step {step:,}; trainings keep some "
                f"of them only. {there}"
            )
        return cls(run, ChatModel.load(run, runtime, step))

    @property
    def config(self) -> RunConfig:
        return self.chat_model.config

    @property
    def step(self) -> int:
        return self.chat_model.step

    @property
    def tokenizer(self) -> Tokenizer:
        return self.chat_model.tokenizer

    @property
    def model(self) -> LanguageModel:
        return self.chat_model.engine.model

    @property
    def context_length(self) -> int:
        return self.model.settings.context_length

    @property
    def live(self) -> Mask:
        """True for the ids that training saw; only these are ever drawn."""
        return allowed_mask(self.config)

    def encode(self, text: str, reply: str | None = None, start: int | None = None) -> ReadText:
        """A text as the model reads it; with a reply, as a message and what was replied to it
        ("" where nothing is yet).

        `start` is the first piece of the window where not all fits the context; by default the
        window is the end of the text.
        """
        if reply is None:
            ids = [self.tokenizer.end_id, *self.tokenizer.encode(text)]
        else:
            ids, _ = encode_prompt(self.tokenizer, [], text, _WHOLE)
            if reply:
                ids += self.tokenizer.encode(normalize_turn("me", reply))
        last = max(0, len(ids) - self.context_length)
        first = last if start is None else min(max(0, start), last)
        return ReadText(tuple(ids), first, min(len(ids), first + self.context_length))

    def states(self, text: ReadText) -> ForwardStates:
        """The forward pass over the window of a text."""
        return read(self.model, text.window)

    def logits(self, text: ReadText) -> np.ndarray:
        """Logits (T, V) of the next piece at each position of the window, fp32."""
        found: np.ndarray = self.states(text).logits_TV.float().cpu().numpy()
        return found
