"""One sequence being generated: its context, its output, its settings and its random numbers.

Knows: when a sequence is finished, what is dropped when the context is full, and how one token
is drawn for each of many. Does not know: models, caches, characters.
Data: prompt ids -> `context`, which grows by each token appended -> `finish`.

S sequences, V vocabulary, U ids that a mixture offers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from inkling.config import SamplingSettings
from inkling.inference.mixing import Memory
from inkling.inference.sampling import (
    Draw,
    Floats,
    Mask,
    SampledToken,
    Sampler,
    draw_by_numpy,
    sample,
)

Constraint = Callable[[Sequence[int]], Mask | None]
"""Output ids so far -> a mask (V,), True for ids forbidden now, or None."""

Finish = Literal["stop", "length"]

MOST_WEIGHT = 0.999
"""λ at the most: what a mixture does not offer stays possible."""


class Mixture(Protocol):
    """What is mixed into the next-token probabilities of the drafts of one text."""

    @property
    def ids(self) -> NDArray[Any]:
        """What it offers, each id once, (U,)."""

    @property
    def weight(self) -> float:
        """λ: the share of the mixture that is this distribution's."""

    def probabilities(self, drafts: NDArray[np.intp]) -> NDArray[Any]:
        """Of `ids` for these drafts, (S, U). A row sums to 1, or to 0 where it offers nothing."""

    def append_tokens(self, drafts: NDArray[np.intp], tokens: NDArray[np.intp]) -> None:
        """Count a token of each of these drafts as written."""


class TokenSequence:
    """A sequence and the state of generating it."""

    def __init__(
        self,
        prompt: Sequence[int],
        settings: SamplingSettings,
        context_length: int,
        end_id: int,
        vocab_size: int,
        constraint: Constraint | None = None,
        top_logprobs: int | None = None,
        mixture: Mixture | None = None,
        draft: int = 0,
    ) -> None:
        """`top_logprobs`: how many alternatives each token comes with; None for no
        probabilities. `draft` is which of a mixture's drafts this is.

        A prompt longer than the context keeps its end. Without a seed one is drawn.
        """
        self.settings = settings
        self.constraint, self.mixture, self.draft = constraint, mixture, draft
        self.sampler = Sampler(settings, vocab_size, top_logprobs)
        self.context = list(prompt)[-(context_length - 1) :] or [end_id]
        """Ids that the model is to have read before the next one is drawn."""
        self.output_ids: list[int] = []
        self.finish: Finish | None = None
        """Why it is finished: the model ended it, or it is as long as it may be."""
        self._context_length, self._end_id = context_length, end_id

    def append_token(self, token: int) -> None:
        """Continue with a token; <|end|> finishes the sequence and is not part of it."""
        if token == self._end_id:
            self.finish = "stop"
            return
        self.sampler.append_token(token)
        self.output_ids.append(token)
        self.context.append(token)
        if len(self.output_ids) == self.settings.max_tokens:
            self.finish = "length"

    def drop_older_half(self) -> None:
        """Keep the newer half of the context, which is then read again: positions are baked into
        the keys, so the window cannot slide."""
        self.context = self.context[-(self._context_length // 2) :]


def sample_tokens(
    sequences: Sequence[TokenSequence], logits_SV: Floats, draw: Draw = draw_by_numpy
) -> list[SampledToken]:
    """Draw one token for each sequence from its row of logits, in which ids that are never
    sampled are -inf. Appends nothing. `draw` is the decoder's.

    A row's draw depends on nothing but its logits, its output, its settings, its mixture and its
    own random numbers.
    """
    for sequence in sequences:
        constraint = sequence.constraint
        sequence.sampler.forbidden_V = constraint and constraint(sequence.output_ids)
        sequence.sampler.memory = None
    for mixture, members in _by_mixture(sequences):
        p_SU = mixture.probabilities(np.array([sequence.draft for sequence in members]))
        weight = min(mixture.weight, MOST_WEIGHT)
        for sequence, p_U in zip(members, p_SU, strict=True):
            if p_U.any():
                sequence.sampler.memory = Memory(mixture.ids, p_U, weight)
    return sample(logits_SV, [sequence.sampler for sequence in sequences], draw=draw)


def append_tokens(sequences: Sequence[TokenSequence], sampled: Sequence[SampledToken]) -> None:
    """Continue each sequence, and its mixture, with the token drawn for it."""
    drawn = {id(sequence): token.token for sequence, token in zip(sequences, sampled, strict=True)}
    for mixture, members in _by_mixture(sequences):
        drafts = np.array([sequence.draft for sequence in members])
        mixture.append_tokens(drafts, np.array([drawn[id(sequence)] for sequence in members]))
    for sequence, token in zip(sequences, sampled, strict=True):
        sequence.append_token(token.token)


def _by_mixture(
    sequences: Sequence[TokenSequence],
) -> list[tuple[Mixture, list[TokenSequence]]]:
    """The sequences that have a mixture, those of one text together."""
    groups: dict[int, tuple[Mixture, list[TokenSequence]]] = {}
    for sequence in sequences:
        if sequence.mixture is not None and sequence.mixture.weight > 0:
            groups.setdefault(id(sequence.mixture), (sequence.mixture, []))[1].append(sequence)
    return list(groups.values())
