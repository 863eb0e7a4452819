"""One text under way: what was read, what was written, its settings and its own dice.

Knows: when a text is done, and what is forgotten when the context is full. Does not know: models,
caches, other texts, characters.
Data: prompt ids -> `context`, which grows by each id taken -> `finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from inkling.config import SamplingSettings
from inkling.inference.sampling import NEVER, draw, penalised, shaped

Constraint = Callable[[list[int]], Tensor | None]
"""Ids written so far -> a mask (V,) on the CPU of ids forbidden now, or None."""

Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class Picked:
    """A token that was drawn. Where they were asked for: the natural logarithm of its probability
    in the model's own distribution over live ids, before any setting reshapes it, and the
    likeliest ids with theirs."""

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


class Writing:
    """A text and the state of writing it."""

    def __init__(
        self,
        prompt: Sequence[int],
        settings: SamplingSettings,
        context_length: int,
        end_id: int,
        constraint: Constraint = lambda written: None,
        top_logprobs: int | None = None,
    ) -> None:
        """`top_logprobs`: how many alternatives each pick tells of; None for no logarithms.

        A prompt longer than the context keeps its end. Without a seed one is drawn.
        """
        self.settings = settings
        self.constraint = constraint
        self.top_logprobs = top_logprobs
        self.context = list(prompt)[-(context_length - 1) :] or [end_id]
        """Ids that the model is to have read before it writes the next one."""
        self.written: list[int] = []
        self.finish: Finish | None = None
        """Why the text is done: the model ended it, or it is as long as it may be."""
        self._context_length, self._end_id = context_length, end_id
        self.generator = torch.Generator()
        seed = self.generator.seed() if settings.seed is None else settings.seed
        self.generator.manual_seed(seed)
        self.shape = (settings.temperature, settings.top_k, settings.top_p, settings.min_p)
        """Writings of one shape are reshaped in one product."""

    def take(self, token: int) -> None:
        """Go on with a token that was drawn; <|end|> ends the text and is not part of it."""
        if token == self._end_id:
            self.finish = "stop"
            return
        self.written.append(token)
        self.context.append(token)
        if len(self.written) == self.settings.max_tokens:
            self.finish = "length"

    def forget(self) -> None:
        """Keep the newer half of the context, which is then read again: positions are baked into
        the keys, so it cannot be slid."""
        self.context = self.context[-(self._context_length // 2) :]


def pick(writings: Sequence[Writing], logits_SV: Tensor) -> list[Picked]:
    """Draw one token for each writing from its row of logits, in which ids that are never
    sampled are already forbidden.

    A row's draw depends on nothing but its logits, its settings and its own dice.
    """
    logits_SV = logits_SV.float().cpu()
    allowed_SV = logits_SV.clone()
    shapes: dict[tuple[float, ...], list[int]] = {}
    for row, writing in enumerate(writings):
        forbidden_V = writing.constraint(writing.written)
        if forbidden_V is not None:
            allowed_SV[row].masked_fill_(forbidden_V, NEVER)
        allowed_SV[row] = penalised(allowed_SV[row], writing.settings, writing.written)
        shapes.setdefault(writing.shape, []).append(row)
    picked: dict[int, Picked] = {}
    for rows in shapes.values():
        probabilities_SV = shaped(allowed_SV[rows], writings[rows[0]].settings)
        for row, probabilities_V in zip(rows, probabilities_SV, strict=True):
            writing = writings[row]
            token = draw(probabilities_V, writing.generator)
            picked[row] = _told(token, logits_SV[row], writing.top_logprobs)
    return [picked[row] for row in range(len(writings))]


def _told(token: int, logits_V: Tensor, top_logprobs: int | None) -> Picked:
    if top_logprobs is None:
        return Picked(token)
    logprobs_V = logits_V.log_softmax(-1)
    values, ids = logprobs_V.topk(min(top_logprobs, len(logprobs_V)))
    top = tuple(
        (index, value)
        for index, value in zip(ids.tolist(), values.tolist(), strict=True)
        if value > NEVER
    )
    return Picked(token, float(logprobs_V[token]), top)
