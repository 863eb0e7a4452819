"""The distribution of the next piece before and after the sampling settings, and draws from it.

Knows: logits and settings. Does not know: models, text.
Data: logits (V,) + live ids -> `next_pieces` -> `NextPieces`; the same -> `draws` -> ids.

What is left after temperature, top-k and top-p is computed by the sampler that writes replies
(inference/sampling.py), not by a second one. Penalties and memory are left out: they depend on what
was written and said before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inkling.config import SamplingSettings
from inkling.inference.sampling import NEVER, Floats, Ids, Mask, Sampler, candidates, draw_by_numpy
from inkling.inspection.heads import row_entropy


@dataclass(frozen=True)
class NextPieces:
    """The pieces that may come next, by id, (N,) each."""

    ids: Ids
    logits: Floats
    before: np.ndarray
    """softmax(logits), float64."""
    after: np.ndarray
    """What is drawn from, float64: 0 of what was cut."""

    @property
    def entropy_before(self) -> float:
        """Bits."""
        return float(row_entropy(self.before))

    @property
    def entropy_after(self) -> float:
        """Bits."""
        return float(row_entropy(self.after))

    @property
    def kept(self) -> float:
        """How much of the probability before belongs to pieces that were not cut."""
        return float(self.before[self.after > 0].sum())


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis, float64."""
    x = logits.astype(np.float64)
    weights: np.ndarray = np.exp(x - x.max(-1, keepdims=True))
    found: np.ndarray = weights / weights.sum(-1, keepdims=True)
    return found


def next_pieces(logits_V: Floats, live_V: Mask, settings: SamplingSettings) -> NextPieces:
    """The distribution that the next piece is drawn from, and the one before the settings."""
    ids = np.flatnonzero(live_V)
    logits = logits_V[ids]
    after = np.zeros(len(ids))
    if settings.temperature == 0:
        after[logits.argmax()] = 1
    else:
        row_SV = _live(logits_V, live_V)
        sampler = Sampler(settings, len(logits_V))
        kept, weights, _ = candidates(row_SV, [sampler], [settings.temperature])
        found_V = np.zeros(len(logits_V))
        found_V[kept] = weights
        after = found_V[ids] / found_V.sum()
    return NextPieces(ids, logits, softmax(logits), after)


def draws(logits_V: Floats, live_V: Mask, settings: SamplingSettings, count: int) -> list[int]:
    """As many independent draws of the next piece; the same for the same seed."""
    row_SV = _live(logits_V, live_V)
    sampler = Sampler(settings, len(logits_V))
    return [draw_by_numpy(row_SV, [sampler])[0] for _ in range(count)]


def _live(logits_V: Floats, live_V: Mask) -> Floats:
    return np.where(live_V, logits_V, NEVER).astype(np.float32)[None]
