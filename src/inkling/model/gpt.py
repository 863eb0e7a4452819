"""The `modern` model: Qwen3 in miniature, so that other engines load its weights as they are.

Knows: the architecture and its initial weights. Does not know: training, tokens, files.
Data: ids (B, T) -> embedding -> n_layer blocks -> RMSNorm -> head -> logits (B, T, V).

Shape suffixes: B batch, T time, C channels, F hidden channels of the MLP, V vocabulary,
D head_dim.

Source: Qwen3 (arXiv:2505.09388) for the shape. Departures live in training only; the one
that shows here is the initial state: output projections start at zero (so every block
starts as the identity), as in modded-nanogpt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.model.attention import Attention, rotary_tables
from inkling.model.cache import SlotCache, slot_bytes
from inkling.model.language_model import LanguageModel
from inkling.model.linear import Linear

if TYPE_CHECKING:
    from inkling.config import ModelSettings
    from inkling.model.cache import Cache, LayerCache


class MLP(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202): down(silu(gate(x)) * up(x)), no biases.

    `gate_up.weight` stacks gate then up, each (F, C). Dropout acts on the hidden channels.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.gate_up = Linear(settings.n_embd, 2 * settings.n_hidden, bias=False)
        self.down = Linear(settings.n_hidden, settings.n_embd, bias=False)
        self.dropout = settings.dropout

    def forward(self, x_BTC: Tensor) -> Tensor:
        gate_BTF, up_BTF = self.gate_up(x_BTC).chunk(2, dim=-1)
        hidden_BTF = F.silu(gate_BTF) * up_BTF
        if self.dropout and self.training:
            hidden_BTF = F.dropout(hidden_BTF, self.dropout)
        return self.down(hidden_BTF)


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(settings.n_embd, eps=settings.norm_eps)
        self.attention = Attention(settings)
        self.mlp_norm = nn.RMSNorm(settings.n_embd, eps=settings.norm_eps)
        self.mlp = MLP(settings)

    def forward(
        self, x_BTC: Tensor, cos_TD: Tensor, sin_TD: Tensor, cache: LayerCache | None = None
    ) -> Tensor:
        """(B, T, C) in and out."""
        x_BTC = x_BTC + self.attention(self.attention_norm(x_BTC), cos_TD, sin_TD, cache)
        return x_BTC + self.mlp(self.mlp_norm(x_BTC))


class GPT(LanguageModel):
    """A decoder-only language model.

    Parameters are drawn from torch's global generator; seed it first. `settings.vocab_size`
    must be known (the tokenizer decides it).
    """

    supports_cache = True

    settings: ModelSettings
    head: Linear
    cos_TD: Tensor
    sin_TD: Tensor

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embedding = nn.Embedding(settings.vocab_size, settings.n_embd)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.n_layer))
        self.norm = nn.RMSNorm(settings.n_embd, eps=settings.norm_eps)
        self.head = Linear(settings.n_embd, settings.vocab_size, bias=False)
        if settings.tie_embeddings:
            self.head.weight = self.embedding.weight
        cos_TD, sin_TD = rotary_tables(
            settings.context_length, settings.head_dim, settings.rope_theta
        )
        self.register_buffer("cos_TD", cos_TD, persistent=False)
        self.register_buffer("sin_TD", sin_TD, persistent=False)
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        # Matrices uniform with standard deviation 1/sqrt(fan_in): sizes differ by layer, so a
        # fixed 0.02 is too small for the narrow models trained here.
        for module in self.modules():
            if isinstance(module, nn.Linear):
                bound = (3.0 / module.in_features) ** 0.5
                nn.init.uniform_(module.weight, -bound, bound)
        nn.init.normal_(self.embedding.weight, std=self.settings.embedding_std)
        for name, weight in self.named_parameters():
            if name.endswith(("attention.out.weight", "mlp.down.weight")):
                nn.init.zeros_(weight)
        if not self.settings.tie_embeddings:
            nn.init.zeros_(self.head.weight)

    def hidden(self, ids_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """Final normalised hidden states, (B, T, C).

        With a cache, ids are the new positions only and the cache advances by T.
        """
        T = ids_BT.shape[1]
        if cache is None:
            cos_TD, sin_TD = self.cos_TD[:T], self.sin_TD[:T]
        else:
            cos_TD, sin_TD = cache.rotary(self.cos_TD, self.sin_TD, T)
        x_BTC = self.embedding(ids_BT)
        for layer, block in enumerate(self.blocks):
            layer_cache = None if cache is None else cache.layer(layer)
            x_BTC = block(x_BTC, cos_TD, sin_TD, layer_cache)
        if cache is not None:
            cache.advance(T)
        return self.norm(x_BTC)

    def new_cache(self, slots: int) -> SlotCache:
        return SlotCache(self.settings, slots, self.cos_TD.device)

    def slot_bytes(self) -> int:
        return slot_bytes(self.settings)
