"""The answers of Inside that are tensors, not fields: scores, weights, activations.

Data: `Look` -> arrays in the layout of safetensors. Does not know HTTP.
"""

from __future__ import annotations

import numpy as np

from inkling.errors import UsageError
from inkling.inspection.attention_tiles import tiles
from inkling.server.inside_look import Look


def attention_tensors(look: Look, layer: int, head: int) -> dict[str, np.ndarray]:
    """`scores` (T, T), QKᵀ of a head, fp32: from them and √head_dim follows all else."""
    attention = look.attention(layer)
    heads = len(attention.q_HTD)
    if head >= heads:
        raise UsageError(
            f"A layer of the run {look.model.run.name} has {heads} heads, 0 to {heads - 1}; there "
            f"is no head {head}."
        )
    scores = (attention.q_HTD[head] @ attention.k_HTD[head].mT).float().cpu().numpy()
    return {"scores": scores, "head_dim": np.array([attention.head_dim], np.float32)}


def tile_tensors(look: Look) -> dict[str, np.ndarray]:
    """`tiles` (L, H, S, S) u8: √p of every head, 255 is 1."""
    look.layer(0)
    weights = [look.attention(number).weights_HTT for number in range(len(look.states.layers))]
    return {"tiles": np.stack([tiles(w.float().cpu().numpy()) for w in weights])}


def activation_tensors(look: Look, layer: int) -> dict[str, np.ndarray]:
    """`activations` (T, F) of a layer, fp32; no columns where it has no neurons."""
    neurons = look.layer(layer).neurons
    if neurons is None:
        return {"activations": np.zeros((len(look.text.window), 0), np.float32)}
    return {"activations": neurons.activations_TF.float().cpu().numpy()}
