"""A forward pass written out, of every architecture, that keeps what it computes on the way.

Knows: where each architecture keeps its matrices, and the order of its products. Does not know:
text, runs, what is shown of any of it.
Data: ids (T,) -> `read` -> `ForwardStates`: embeddings, each layer's queries, keys, attention
weights and neurons, logits.

The models themselves attend in one fused product that never writes the weights out. Here they are
computed by `attention_steps`, softmax(QKᵀ / √D + mask), and what follows is computed from them: the
weights on show are the ones that made the logits. Tests hold logits to the model's own.

Shape suffixes: T time, C channels, H heads, D head_dim, F hidden channels, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.model.attention import Attention, rotate
from inkling.model.gpt import GPT, MLP, Block
from inkling.model.ladder import (
    FeedForward,
    FusedMultiHead,
    Head,
    LadderBlock,
    LadderModel,
    MultiHead,
)
from inkling.model.language_model import LanguageModel

NeuronKind = Literal["relu", "swiglu"]


@dataclass(frozen=True)
class AttentionSteps:
    """Attention of some heads, one step after the other; each (…, T, T), queries down."""

    scores: Tensor
    """QKᵀ."""
    scaled: Tensor
    """QKᵀ / √D."""
    masked: Tensor
    """The same with −inf where a position would look ahead."""
    weights: Tensor
    """The softmax of each row: sums to 1."""


def attention_steps(q: Tensor, k: Tensor, scale: bool = True) -> AttentionSteps:
    """Causal attention weights from queries and keys, each (…, T, D).

    Without `scale` the division by √D is left out, as the article's toggle does.
    """
    T, D = q.shape[-2:]
    scores = q @ k.mT
    scaled = scores / math.sqrt(D) if scale else scores
    ahead_TT = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
    masked = scaled.masked_fill(ahead_TT, float("-inf"))
    return AttentionSteps(scores, scaled, masked, masked.softmax(dim=-1))


@dataclass(frozen=True)
class AttentionStates:
    """One layer's attention. Queries and keys are as they are multiplied: after norms and
    rotation, where the model has them."""

    q_HTD: Tensor
    k_HTD: Tensor
    v_HTD: Tensor
    weights_HTT: Tensor

    @property
    def head_dim(self) -> int:
        return self.q_HTD.shape[-1]


@dataclass(frozen=True)
class NeuronStates:
    """One layer's feed-forward network. `activations_TF` is what its second matrix reads:
    relu(up) or silu(gate) · up."""

    kind: NeuronKind
    activations_TF: Tensor
    gate_TF: Tensor | None = None
    """silu(gate), of SwiGLU alone."""


@dataclass(frozen=True)
class LayerStates:
    """One layer; a rung of the ladder may lack either part."""

    attention: AttentionStates | None
    neurons: NeuronStates | None
    output_TC: Tensor


@dataclass(frozen=True)
class ForwardStates:
    """Everything of a forward pass over one text."""

    ids: tuple[int, ...]
    embedded_TC: Tensor
    layers: tuple[LayerStates, ...]
    logits_TV: Tensor


@torch.inference_mode()
def read(model: LanguageModel, ids: Sequence[int]) -> ForwardStates:
    """Read a text of 1 to `context_length` ids."""
    assert 1 <= len(ids) <= model.settings.context_length
    ids_T = torch.tensor(list(ids), device=next(model.parameters()).device)
    if isinstance(model, GPT):
        embedded_TC, layers, last_TC = _read_gpt(model, ids_T)
    else:
        assert isinstance(model, LadderModel)
        embedded_TC, layers, last_TC = _read_ladder(model, ids_T)
    return ForwardStates(tuple(ids), embedded_TC, tuple(layers), model.head(last_TC))


_Read = tuple[Tensor, list[LayerStates], Tensor]


def _read_gpt(model: GPT, ids_T: Tensor) -> _Read:
    T = len(ids_T)
    embedded_TC = x_TC = model.embedding(ids_T)
    layers = []
    for block in model.blocks:
        assert isinstance(block, Block)
        q_HTD, k_HTD, v_HTD = _rotated(
            block.attention, block.attention_norm(x_TC), model.cos_TD[:T], model.sin_TD[:T]
        )
        attention, heads_TC = _attended(q_HTD, k_HTD, v_HTD)
        x_TC = x_TC + block.attention.out(heads_TC)
        neurons, y_TC = _swiglu(block.mlp, block.mlp_norm(x_TC))
        x_TC = x_TC + y_TC
        layers.append(LayerStates(attention, neurons, x_TC))
    return embedded_TC, layers, model.norm(x_TC)


def _rotated(
    attention: Attention, x_TC: Tensor, cos_TD: Tensor, sin_TD: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    q_THD, k_THD, v_THD = (
        attention.qkv(x_TC).view(len(x_TC), 3, attention.n_head, attention.head_dim).unbind(1)
    )
    q_HTD = rotate(attention.q_norm(q_THD).transpose(0, 1), cos_TD, sin_TD)
    k_HTD = rotate(attention.k_norm(k_THD).transpose(0, 1), cos_TD, sin_TD)
    return q_HTD, k_HTD, v_THD.transpose(0, 1)


def _swiglu(mlp: MLP, x_TC: Tensor) -> tuple[NeuronStates, Tensor]:
    gate_TF, up_TF = mlp.gate_up(x_TC).chunk(2, dim=-1)
    gate_TF = F.silu(gate_TF)
    activations_TF = gate_TF * up_TF
    return NeuronStates("swiglu", activations_TF, gate_TF), mlp.down(activations_TF)


def _read_ladder(model: LadderModel, ids_T: Tensor) -> _Read:
    if model.settings.rung == "bigram":
        # The whole model is one table: its row is both what was read and what is predicted.
        row_TV = model.table(ids_T)
        return row_TV, [], row_TV
    x_TC = model.embedding(ids_T) + model.position(torch.arange(len(ids_T), device=ids_T.device))
    embedded_TC, layers = x_TC, list[LayerStates]()
    for part in model.blocks:
        if isinstance(part, LadderBlock):
            attention, y_TC = _multi_head(part.attention, part.attention_norm(x_TC))
            x_TC = x_TC + y_TC
            neurons, y_TC = _relu(part.feedforward, part.feedforward_norm(x_TC))
            x_TC = x_TC + y_TC
            layers.append(LayerStates(attention, neurons, x_TC))
        elif isinstance(part, FeedForward):  # of the rung without blocks: the same layer, half two
            neurons, x_TC = _relu(part, x_TC)
            layers[-1] = LayerStates(layers[-1].attention, neurons, x_TC)
        elif isinstance(part, nn.LayerNorm):
            x_TC = part(x_TC)
        else:
            attention, x_TC = _multi_head(part, x_TC)
            layers.append(LayerStates(attention, None, x_TC))
    return embedded_TC, layers, x_TC


def _multi_head(part: nn.Module, x_TC: Tensor) -> tuple[AttentionStates, Tensor]:
    if isinstance(part, Head):
        q_TD, k_TD, v_TD = part.query(x_TC), part.key(x_TC), part.value(x_TC)
        return _attended(q_TD[None], k_TD[None], v_TD[None])
    if isinstance(part, FusedMultiHead):
        T, C = x_TC.shape
        q_THD, k_THD, v_THD = part.qkv(x_TC).view(T, 3, part.n_head, C // part.n_head).unbind(1)
        attention, heads_TC = _attended(
            q_THD.transpose(0, 1), k_THD.transpose(0, 1), v_THD.transpose(0, 1)
        )
    else:
        assert isinstance(part, MultiHead)
        q_HTD, k_HTD, v_HTD = (
            torch.stack([getattr(head, name)(x_TC) for head in part.heads])
            for name in ("query", "key", "value")
        )
        attention, heads_TC = _attended(q_HTD, k_HTD, v_HTD)
    return attention, part.out(heads_TC)


def _relu(part: FeedForward, x_TC: Tensor) -> tuple[NeuronStates, Tensor]:
    activations_TF = F.relu(part.up(x_TC))
    return NeuronStates("relu", activations_TF), part.down(activations_TF)


def _attended(q_HTD: Tensor, k_HTD: Tensor, v_HTD: Tensor) -> tuple[AttentionStates, Tensor]:
    """The attention, and what its heads gathered side by side, (T, H*D)."""
    weights_HTT = attention_steps(q_HTD, k_HTD).weights
    gathered_THD = (weights_HTT @ v_HTD).transpose(0, 1)
    return AttentionStates(q_HTD, k_HTD, v_HTD, weights_HTT), gathered_THD.flatten(1)
