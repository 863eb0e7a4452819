"""The `modern` model under the names of Hugging Face's Qwen3, and back.

Knows: both sets of names and how fused matrices come apart. The maths is the same (RMSNorm with
its epsilon, QK-norm before half-split rotary positions, SwiGLU, no biases), so nothing is
converted but names. Where heads share keys and values (grouped queries) each gets its own copy,
which computes the same. Does not know: files. Data: weights of `GPT` <-> weights of
Qwen3ForCausalLM.

Shapes: C channels, F hidden channels of the MLP, H heads, D head_dim, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from inkling.config import ModelSettings
from inkling.errors import ExportError
from inkling.exports.exportable_run import Weights

ARCHITECTURE = "Qwen3ForCausalLM"

LONGEST_CONTEXT = 65_536
"""Of what a model claims to read, as much is taken over: its rotary tables are made at once."""

_LAYER = {
    "attention_norm": ("input_layernorm",),
    "attention.qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention.out": ("self_attn.o_proj",),
    "attention.q_norm": ("self_attn.q_norm",),
    "attention.k_norm": ("self_attn.k_norm",),
    "mlp_norm": ("post_attention_layernorm",),
    "mlp.gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "mlp.down": ("mlp.down_proj",),
}
"""A block's matrix -> those that it stacks, in their order."""
_TOP = {"embedding": "model.embed_tokens", "norm": "model.norm", "head": "lm_head"}


def _names(settings: ModelSettings) -> dict[str, tuple[str, ...]]:
    """Our name -> the names of its pieces."""
    names: dict[str, tuple[str, ...]] = {
        f"{ours}.weight": (f"{theirs}.weight",)
        for ours, theirs in _TOP.items()
        if not (ours == "head" and settings.tie_embeddings)
    }
    for layer in range(settings.n_layer):
        for ours, pieces in _LAYER.items():
            names[f"blocks.{layer}.{ours}.weight"] = tuple(
                f"model.layers.{layer}.{piece}.weight" for piece in pieces
            )
    return names


def to_qwen3(weights: Weights, settings: ModelSettings) -> dict[str, np.ndarray]:
    """Weights of `GPT` under Qwen3's names; a tied head is left out."""
    return {
        name: np.ascontiguousarray(piece)
        for ours, pieces in _names(settings).items()
        for name, piece in zip(pieces, np.split(weights[ours], len(pieces)), strict=True)
    }


def from_qwen3(
    found: Weights, settings: ModelSettings, key_value_heads: int
) -> dict[str, np.ndarray]:
    """Weights of Qwen3 under the names of `GPT`. Raises ExportError where one is missing, or the
    keys and values are those of another number of heads."""
    names = _names(settings)
    wanted = {name for pieces in names.values() for name in pieces}
    if missing := sorted(wanted - found.keys()):
        raise ExportError(f"the weights lack {missing[0]}, which config.json asks for.")
    if key_value_heads != settings.n_head:
        found = {
            name: _for_each_head(found[name], name, settings, key_value_heads)
            if name.endswith(_SHARED)
            else found[name]
            for pieces in names.values()
            for name in pieces
        }
    weights = {
        ours: np.concatenate([found[name] for name in pieces], dtype=np.float32)
        for ours, pieces in names.items()
    }
    if settings.tie_embeddings:
        weights["head.weight"] = weights["embedding.weight"]
    return weights


_SHARED = (".k_proj.weight", ".v_proj.weight")


def _for_each_head(
    weight: np.ndarray, name: str, settings: ModelSettings, key_value_heads: int
) -> np.ndarray:
    """Keys or values of a few heads, (K * D, C), as each head uses them, (H * D, C): neighbouring
    heads share."""
    D, C = settings.head_dim, settings.n_embd
    if weight.shape != (key_value_heads * D, C):
        raise ExportError(
            f"the weights do not fit the settings: {name} is {' × '.join(map(str, weight.shape))} "
            f"where {key_value_heads * D} × {C} belongs."
        )
    shared_KDC = weight.reshape(key_value_heads, D, C)
    return shared_KDC.repeat(settings.n_head // key_value_heads, axis=0).reshape(-1, C)


def qwen3_config(settings: ModelSettings, end_id: int, pad_id: int) -> dict[str, Any]:
    """The content of config.json."""
    return {
        "architectures": [ARCHITECTURE],
        "model_type": "qwen3",
        "vocab_size": settings.vocab_size,
        "hidden_size": settings.n_embd,
        "intermediate_size": settings.n_hidden,
        "num_hidden_layers": settings.n_layer,
        "num_attention_heads": settings.n_head,
        "num_key_value_heads": settings.n_head,
        "head_dim": settings.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": settings.context_length,
        "rms_norm_eps": settings.norm_eps,
        "rope_theta": settings.rope_theta,
        # transformers 5 reads the base from here, what came before it and MLX from above.
        "rope_parameters": {"rope_type": "default", "rope_theta": settings.rope_theta},
        "rope_scaling": None,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "sliding_window": None,
        "tie_word_embeddings": settings.tie_embeddings,
        "bos_token_id": end_id,
        "eos_token_id": end_id,
        "pad_token_id": pad_id,
        "dtype": "float32",
        "torch_dtype": "float32",
        "use_cache": True,
    }


_FIXED = {
    "hidden_act": "silu", "attention_bias": False, "use_sliding_window": False,
    "rope_scaling": None,
}  # fmt: skip
"""Settings of Qwen3 that must be as `GPT` has them; left out they are."""

_ROUNDED = ("quantization_config", "quantization")
"""Where Hugging Face and MLX say that weights are integers or a few bits, with scales."""


def settings_of(config: Mapping[str, Any]) -> ModelSettings:
    """The settings that a config.json describes.

    Raises ExportError where it describes another architecture, or a Qwen3 that is not `GPT`.
    """
    kind = config.get("model_type")
    if kind != "qwen3":
        raise ExportError(
            f"it is a {kind or 'model of no known architecture'}, and Inkling's models are qwen3."
        )
    for key, value in _FIXED.items():
        if config.get(key, value) != value:
            raise ExportError(f"{key} is {config[key]!r} there and {value!r} in Inkling's models.")
    for key in _ROUNDED:
        if config.get(key):
            # Read as plain numbers, without their scales, they would be another model.
            raise ExportError(
                f"it has rounded weights (its config.json says {key}), and whole ones are needed. "
                "Take the folder that it was made from."
            )
    rope = config.get("rope_parameters") or {}
    if not isinstance(rope, Mapping):
        raise ExportError("its config.json does not describe a model: rope_parameters: no object.")
    if rope.get("rope_type", "default") != "default":
        raise ExportError(f"its rotary positions are {rope['rope_type']!r}, Inkling's are plain.")
    values = {
        "n_layer": config.get("num_hidden_layers"),
        "n_head": config.get("num_attention_heads"),
        "n_embd": config.get("hidden_size"),
        "head_dim": config.get("head_dim"),
        "n_hidden": config.get("intermediate_size"),
        "context_length": _at_most(config.get("max_position_embeddings"), LONGEST_CONTEXT),
        "vocab_size": config.get("vocab_size"),
        "rope_theta": rope.get("rope_theta", config.get("rope_theta")),
        "norm_eps": config.get("rms_norm_eps"),
        "tie_embeddings": config.get("tie_word_embeddings", False),
    }
    try:
        return ModelSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ExportError(
            f"its config.json does not describe a model: {first['loc'][0]}: {first['msg'].lower()}."
        ) from None


def key_value_heads_of(config: Mapping[str, Any], settings: ModelSettings) -> int:
    """How many heads have keys and values of their own. Raises ExportError where that makes no
    sense."""
    found = config.get("num_key_value_heads", settings.n_head)
    if type(found) is not int or found < 1 or settings.n_head % found:
        raise ExportError(
            f"{found} heads with keys and values cannot be shared by its {settings.n_head} heads."
        )
    return found


def _at_most(value: Any, most: int) -> Any:
    return min(value, most) if type(value) is int else value
