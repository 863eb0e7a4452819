"""A memory of what was said before, mixed into a model's distribution.

Knows: the mixture and how much of a token came from memory. Does not know: where a memory comes
from, and what is drawn.
Data: logits (S, V) + a `Memory` a row -> logarithms of p = (1-λ) softmax(logits) + λ p_memory.

It stands after the penalties, which are the model's alone, and before the temperature, so that
everything from there on, and the logarithms that drafts are ranked by, is about the mixture.

Source: kNN-LM, Khandelwal et al. 2020 (arXiv:1911.00172).

Shape suffixes: S sequences, V vocabulary, M tokens that a memory offers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NEVER = np.float32("-inf")


@dataclass(frozen=True)
class Memory:
    """What was said before after words like these: next tokens, each once, and how likely."""

    ids_M: NDArray[np.intp]
    probabilities_M: Floats
    """They sum to 1."""
    weight: float
    """λ, from 0 (the model alone) to 1."""


def mix(x_SV: Floats, rows: Sequence[int], memories: Sequence[Memory]) -> Floats:
    """Logits, those of these rows turned into logarithms of the mixture with their memories."""
    logits_SV = x_SV[rows]
    p_SV = np.exp(logits_SV - logits_SV.max(1, keepdims=True))
    model_S1 = np.array([[1 - memory.weight] for memory in memories], dtype=np.float32)
    p_SV *= model_S1 / p_SV.sum(1, keepdims=True)
    offsets = np.repeat(np.arange(len(rows)), [len(memory.ids_M) for memory in memories])
    index = np.concatenate([memory.ids_M for memory in memories]) + offsets * p_SV.shape[1]
    remembered = np.concatenate(
        [memory.probabilities_M * np.float32(memory.weight) for memory in memories]
    )
    # What is forbidden is forbidden to memory too.
    allowed = logits_SV.reshape(-1)[index] != NEVER
    p_SV.reshape(-1)[index[allowed]] += remembered[allowed]
    with np.errstate(divide="ignore"):
        np.log(p_SV, out=p_SV)
    if len(rows) == len(x_SV):
        return p_SV
    mixed_SV = x_SV.copy()
    mixed_SV[rows] = p_SV
    return mixed_SV


def memory_share(token: int, logprob: float, memory: Memory) -> float:
    """Which share of a token's probability in the mixture came from memory, 0 to 1."""
    remembered = float(memory.probabilities_M[memory.ids_M == token].sum())
    return min(1.0, memory.weight * remembered / float(np.exp(logprob)))
