"""A model's weights as decoding on arrays wants them.

Knows: the `modern` model's parameters by name, and what can be multiplied out beforehand. Does not
know: caches, sampling, torch.
Data: named arrays of a checkpoint + `ModelSettings` -> `prepare` -> `PreparedWeights`.

A small model's step costs more in calls than in arithmetic, so what is the same in every step is
done once:

- RMSNorm's weight, and the root of its number of channels, go into the matrix that follows it; what
  is left is x / sqrt(|x|² + C·eps).
- The query's 1/sqrt(D) goes into the weight of the QK-norm.
- The channels of a head are reordered so that each rotated pair is adjacent: a pair is a complex
  number, and the rotation is one complex product. Scores do not see the order, for queries and keys
  share it.
- silu(g) · u = (-g) / (1 + exp(-g)) · (-u): both signs go into the matrix.

Matrices are stored with their inputs as rows, (in, out), contiguous.

Shape suffixes: L layers, V vocabulary, C channels, H heads, D head_dim, E = H·D, F hidden channels
of the MLP, T positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from inkling.config import ModelSettings

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PreparedLayer:
    """One block."""

    qkv_C3E: Floats
    head_scale_2HD: Floats
    """What each normalised query head, then each normalised key head, is multiplied by."""
    out_EC: Floats
    gate_up_C2F: Floats
    """The gate, then what it gates, both negated."""
    down_FC: Floats


@dataclass(frozen=True)
class PreparedWeights:
    """A whole model."""

    settings: ModelSettings
    embedding_VC: Floats
    layers: tuple[PreparedLayer, ...]
    head_CV: Floats
    rotation_TD2: NDArray[np.complex64]
    """Position t turns pair d by the angle t · theta^(-2d/D)."""


def prepare(parameters: Mapping[str, Any], settings: ModelSettings) -> PreparedWeights:
    """Multiply out what can be. `parameters` are those of a `GPT`'s state_dict, as arrays in any
    precision, and are not changed.

    Raises KeyError where one is missing and ValueError where one has another shape than the
    settings say.
    """
    C, F, H, D = settings.n_embd, settings.n_hidden, settings.n_head, settings.head_dim
    E, V = H * D, settings.vocab_size

    def weight(name: str, *shape: int) -> Floats:
        found = np.asarray(parameters[f"{name}.weight"], np.float32)
        if found.shape != shape:
            raise ValueError(f"{name}.weight is {found.shape}, not {shape} as the settings say")
        return found

    # Channel d of the first half of a head turns with channel d of the second.
    pairs_D = np.arange(D).reshape(2, D // 2).T.ravel()

    def layer(block: str) -> PreparedLayer:
        normed = weight(f"{block}.attention_norm", C) * np.float32(C**0.5)
        qkv_3HDC = (weight(f"{block}.attention.qkv", 3 * E, C) * normed).reshape(3, H, D, C)
        qkv_3HDC[:2] = qkv_3HDC[:2, :, pairs_D]
        query_D = weight(f"{block}.attention.q_norm", D)[pairs_D]
        key_D = weight(f"{block}.attention.k_norm", D)[pairs_D] * np.float32(D**0.5)
        normed = weight(f"{block}.mlp_norm", C) * np.float32(C**0.5)
        return PreparedLayer(
            qkv_C3E=_columns(qkv_3HDC.reshape(3 * E, C)),
            head_scale_2HD=np.repeat(np.stack([query_D, key_D]), H, axis=0),
            out_EC=_columns(weight(f"{block}.attention.out", C, E)),
            gate_up_C2F=_columns(-weight(f"{block}.mlp.gate_up", 2 * F, C) * normed),
            down_FC=_columns(weight(f"{block}.mlp.down", C, F)),
        )

    embedding_VC = weight("embedding", V, C)
    head_VC = embedding_VC if settings.tie_embeddings else weight("head", V, C)
    rates = settings.rope_theta ** -(np.arange(0, D, 2) / D)
    angles_TD2 = np.outer(np.arange(settings.context_length), rates)
    return PreparedWeights(
        settings=settings,
        embedding_VC=np.ascontiguousarray(embedding_VC),
        layers=tuple(layer(f"blocks.{index}") for index in range(settings.n_layer)),
        head_CV=_columns(head_VC * (weight("norm", C) * np.float32(C**0.5))),
        rotation_TD2=np.exp(1j * angles_TD2).astype(np.complex64),
    )


def _columns(weight_NK: Floats) -> Floats:
    """(K, N), contiguous: the order in which a product with one row reads memory once, forwards."""
    return np.ascontiguousarray(weight_NK.T)
