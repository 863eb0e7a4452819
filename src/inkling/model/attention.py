"""Causal self-attention of the `modern` model: per-head QK-norm, then rotary positions.

Knows: one attention layer and the rotary tables. Does not know: blocks, losses, tokens.
Data: x_BTC -> q, k, v (B, H, T, D) -> y_BTC.

Shape suffixes: B batch, T time (new positions), P time (all cached positions), C channels,
H heads, D head_dim.

Sources: rotary embedding, Su et al. 2021 (arXiv:2104.09864), half-split layout as in
GPT-NeoX and Qwen; QK-norm as in Qwen3 (arXiv:2505.09388): RMSNorm over each head's D
channels, one weight vector shared by all heads, applied before the rotation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.model.linear import Linear

if TYPE_CHECKING:
    from inkling.config import ModelSettings
    from inkling.model.cache import LayerCache


def rotary_tables(context_length: int, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine tables, each (context_length, head_dim), fp32.

    Column d holds the angle `t * theta ** (-2 * (d mod D/2) / D)`; the sine's first half is
    negated so that a rotation is `x * cos + swap_halves(x) * sin`.
    """
    half = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    angles_TD = torch.outer(torch.arange(context_length, dtype=torch.float32), theta**-half)
    cos, sin = angles_TD.cos(), angles_TD.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def rotate(x_BHTD: Tensor, cos_TD: Tensor, sin_TD: Tensor) -> Tensor:
    """Rotate each half-split pair of channels by its position's angle. (B, H, T, D) in and out."""
    first, second = x_BHTD.chunk(2, dim=-1)
    return x_BHTD * cos_TD + torch.cat((second, first), dim=-1) * sin_TD


class Attention(nn.Module):
    """Multi-head causal self-attention with a fused QKV projection and no biases.

    `qkv.weight` stacks the query, key and value matrices in that order, each (H*D, C).
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.n_head, self.head_dim = settings.n_head, settings.head_dim
        width = settings.n_head * settings.head_dim
        self.qkv = Linear(settings.n_embd, 3 * width, bias=False)
        self.out = Linear(width, settings.n_embd, bias=False)
        self.q_norm = nn.RMSNorm(settings.head_dim, eps=settings.norm_eps)
        self.k_norm = nn.RMSNorm(settings.head_dim, eps=settings.norm_eps)

    def forward(
        self, x_BTC: Tensor, cos_TD: Tensor, sin_TD: Tensor, cache: LayerCache | None = None
    ) -> Tensor:
        """Attend each position to itself and all earlier ones. (B, T, C) in and out.

        With a cache, x holds only the new positions; their keys and values are appended to it
        and the queries see everything cached.
        """
        B, T, _ = x_BTC.shape
        q, k, v = self.qkv(x_BTC).view(B, T, 3, self.n_head, self.head_dim).unbind(2)
        # Normalised while (B, T, H, D) is still contiguous; the transposes are views. In the
        # weights' type, as the other norms are, also where autocast made the products smaller.
        precise = self.q_norm.weight.dtype
        q_BHTD = rotate(self.q_norm(q.to(precise)).transpose(1, 2), cos_TD, sin_TD)
        k_BHTD = rotate(self.k_norm(k.to(precise)).transpose(1, 2), cos_TD, sin_TD)
        v_BHTD = v.transpose(1, 2)
        if cache is None:
            y_BHTD = F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True)
        else:
            k_BHPD, v_BHPD, mask_TP = cache.append(k_BHTD, v_BHTD)
            y_BHTD = F.scaled_dot_product_attention(q_BHTD, k_BHPD, v_BHPD, attn_mask=mask_TP)
        return self.out(y_BHTD.transpose(1, 2).reshape(B, T, -1))
