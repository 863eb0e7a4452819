"""From logits to one token: pure functions.

Knows: how each setting reshapes a distribution. Does not know: models, text.
Data: logits (V,) -> penalties -> temperature -> top-k -> top-p -> min-p -> softmax -> one draw.
A masked token has logit -inf and probability exactly 0. What follows the penalties works on the
last dimension, so rows of equal settings are shaped together.

Sources: repetition penalty, Keskar et al. 2019 (arXiv:1909.05858); presence and frequency
penalty, OpenAI's API; nucleus (top-p), Holtzman et al. 2019 (arXiv:1904.09751); min-p, Nguyen et
al. 2024 (arXiv:2407.01082). The order, and `logits / max(T, 1e-8)`, are those of the chat that
Inkling grew from.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from inkling.config import SamplingSettings

NEVER = float("-inf")

REPETITION_WINDOW = 64
"""Tokens back that the repetition penalty looks at; a word said long ago may come again."""


def repetition_penalty(logits_V: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make each id in `seen` less likely: positive logits are divided, others multiplied."""
    if penalty == 1.0 or not len(seen):
        return logits_V
    scores = logits_V[seen]
    return logits_V.index_copy(0, seen, torch.where(scores > 0, scores / penalty, scores * penalty))


def count_penalty(logits_V: Tensor, written: Tensor, presence: float, frequency: float) -> Tensor:
    """Take `presence` off the logit of each id in `written`, and `frequency` for each time."""
    if (presence == 0.0 and frequency == 0.0) or not len(written):
        return logits_V
    counts_V = torch.bincount(written, minlength=len(logits_V)).to(logits_V.dtype)
    return logits_V - frequency * counts_V - presence * (counts_V > 0)


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits (and any equal to the k-th); 0 keeps all. (..., V)."""
    if k == 0 or k >= logits.shape[-1]:
        return logits
    threshold = logits.topk(k, -1).values[..., -1:]
    return logits.masked_fill(logits < threshold, NEVER)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the fewest likeliest tokens whose mass reaches p; at least one. (..., V)."""
    if p >= 1.0:
        return logits
    ordered, index = logits.sort(descending=True, stable=True)
    # Drop a token when those before it already reach p. Before the likeliest there are none; it
    # stays also where p is so small that it is 0 in this precision.
    before = ordered.softmax(-1).cumsum(-1).roll(1, -1)
    before[..., 0] = -1.0
    dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, index, before >= p)
    return logits.masked_fill(dropped, NEVER)


def min_p(logits: Tensor, p: float) -> Tensor:
    """Drop tokens less likely than p times the likeliest. (..., V)."""
    if p == 0.0:
        return logits
    floor = logits.amax(-1, keepdim=True) + torch.log(logits.new_tensor(p))
    return logits.masked_fill(logits < floor, NEVER)


def penalised(logits_V: Tensor, settings: SamplingSettings, written: Sequence[int]) -> Tensor:
    """Logits after the penalties for what was written so far."""
    if settings.repetition_penalty != 1.0:
        seen = torch.tensor(sorted(set(written[-REPETITION_WINDOW:])), dtype=torch.long)
        logits_V = repetition_penalty(logits_V, seen, settings.repetition_penalty)
    if settings.presence_penalty or settings.frequency_penalty:
        ids = torch.tensor(list(written), dtype=torch.long)
        logits_V = count_penalty(
            logits_V, ids, settings.presence_penalty, settings.frequency_penalty
        )
    return logits_V


def shaped(logits: Tensor, settings: SamplingSettings) -> Tensor:
    """Probabilities (..., V) after temperature, top-k, top-p and min-p; each row sums to 1.

    Temperature 0 puts all mass on the likeliest token (the first of equals).
    """
    if settings.temperature == 0:
        best = logits.argmax(-1, keepdim=True)
        return torch.zeros_like(logits).scatter(-1, best, 1.0)
    logits = logits / max(settings.temperature, 1e-8)
    # Shifted so that a tiny temperature cannot turn every logit infinite.
    logits = logits - logits.amax(-1, keepdim=True)
    logits = top_k(logits, settings.top_k)
    logits = top_p(logits, settings.top_p)
    return min_p(logits, settings.min_p).softmax(-1)


def distribution(logits_V: Tensor, settings: SamplingSettings, written: Sequence[int]) -> Tensor:
    """Probabilities (V,) that the next token after those `written` is drawn from."""
    return shaped(penalised(logits_V.float(), settings, written), settings)


def draw(probabilities_V: Tensor, generator: torch.Generator) -> int:
    """One id."""
    return int(torch.multinomial(probabilities_V, 1, generator=generator))
