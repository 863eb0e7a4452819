"""From logits to one token: pure functions.

Knows: how each setting reshapes a distribution. Does not know: models, text.
Data: logits (V,) -> repetition penalty -> temperature -> top-k -> top-p -> min-p -> softmax
-> one draw. A masked token has logit -inf and probability exactly 0.

Sources: repetition penalty, Keskar et al. 2019 (arXiv:1909.05858); nucleus (top-p), Holtzman
et al. 2019 (arXiv:1904.09751); min-p, Nguyen et al. 2024 (arXiv:2407.01082). The order, and
`logits / max(T, 1e-8)`, are those of the chat that Inkling grew from.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inkling.config import SamplingSettings

NEVER = float("-inf")


def repetition_penalty(logits_V: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make each id in `seen` less likely: positive logits are divided, others multiplied."""
    if penalty == 1.0 or not len(seen):
        return logits_V
    scores = logits_V[seen]
    return logits_V.index_copy(0, seen, torch.where(scores > 0, scores / penalty, scores * penalty))


def top_k(logits_V: Tensor, k: int) -> Tensor:
    """Keep the k largest logits (and any equal to the k-th); 0 keeps all."""
    if k == 0 or k >= len(logits_V):
        return logits_V
    threshold = logits_V.topk(k).values[-1]
    return logits_V.masked_fill(logits_V < threshold, NEVER)


def top_p(logits_V: Tensor, p: float) -> Tensor:
    """Keep the fewest likeliest tokens whose mass reaches p; at least one."""
    if p >= 1.0:
        return logits_V
    ordered, index = logits_V.sort(descending=True, stable=True)
    mass = ordered.softmax(0).cumsum(0)
    # Drop a token when those before it already reach p.
    drop = torch.cat((mass.new_zeros(1), mass[:-1])) >= p
    return logits_V.index_fill(0, index[drop], NEVER)


def min_p(logits_V: Tensor, p: float) -> Tensor:
    """Drop tokens less likely than p times the likeliest."""
    if p == 0.0:
        return logits_V
    floor = logits_V.max() + torch.log(logits_V.new_tensor(p))
    return logits_V.masked_fill(logits_V < floor, NEVER)


def distribution(logits_V: Tensor, settings: SamplingSettings, seen: Tensor) -> Tensor:
    """Probabilities (V,) that the next token is drawn from; they sum to 1.

    `seen` holds the ids that the repetition penalty applies to. Temperature 0 puts all mass
    on the likeliest token (the first of equals).
    """
    logits_V = repetition_penalty(logits_V.float(), seen, settings.repetition_penalty)
    if settings.temperature == 0:
        return torch.zeros_like(logits_V).index_fill(0, logits_V.argmax(), 1.0)
    logits_V = logits_V / max(settings.temperature, 1e-8)
    # Shifted so that a tiny temperature cannot turn every logit infinite.
    logits_V = logits_V - logits_V.max()
    logits_V = top_k(logits_V, settings.top_k)
    logits_V = top_p(logits_V, settings.top_p)
    return min_p(logits_V, settings.min_p).softmax(0)


def sample(
    logits_V: Tensor, settings: SamplingSettings, seen: Tensor, generator: torch.Generator
) -> int:
    """Draw one id."""
    probabilities = distribution(logits_V, settings, seen)
    if settings.temperature == 0:
        return int(probabilities.argmax())
    return int(torch.multinomial(probabilities, 1, generator=generator))
