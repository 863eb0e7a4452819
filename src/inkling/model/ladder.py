"""The lesson in models: from a table of pairs to a GPT, one idea a rung.

Knows: the six rungs and their forward passes. Does not know: training, tokens, files.
Data: ids (B, T) -> logits (B, T, V) of the next token at each position.

    bigram        the next token depends on this one alone
    head          one causal self-attention head looks back
    multihead     several heads look back at different things
    feedforward   each position thinks about what it gathered
    blocks        the two, several times, on a residual stream with LayerNorm
    classic       the same with dropout, computed in fused products

Shape suffixes: B batch, T time, C channels, H heads, D head_dim, V vocabulary.

Source: attention and its scaling from Vaswani et al. 2017 (arXiv:1706.03762), LayerNorm
before each part as in Radford et al. 2019 (GPT-2), the order of the lesson from A. Karpathy's
lecture "Let's build GPT" (2023). `classic` is its last model; `blocks` and `classic` hold the
same function, and a test sets them side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.model.dropout import Dropout, key_dropout
from inkling.model.language_model import LanguageModel
from inkling.model.linear import Linear

if TYPE_CHECKING:
    from inkling.config import LadderSettings
    from inkling.model.cache import Cache


class Head(nn.Module):
    """One head of causal self-attention, written out: softmax(Q Kᵀ / √d_k) V.

    (B, T, C) in, (B, T, D) out. Without the division the scores grow with √d_k and the softmax
    of a fresh model already picks one position.
    """

    tril_TT: Tensor

    def __init__(self, n_embd: int, head_dim: int, context_length: int, dropout: float) -> None:
        super().__init__()
        self.query = nn.Linear(n_embd, head_dim, bias=False)
        self.key = nn.Linear(n_embd, head_dim, bias=False)
        self.value = nn.Linear(n_embd, head_dim, bias=False)
        tril_TT = torch.ones(context_length, context_length, dtype=torch.bool).tril()
        self.register_buffer("tril_TT", tril_TT, persistent=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        T = x_BTC.shape[1]
        q_BTD, k_BTD, v_BTD = self.query(x_BTC), self.key(x_BTC), self.value(x_BTC)
        scores_BTT = q_BTD @ k_BTD.mT / k_BTD.shape[-1] ** 0.5
        # A position may look at itself and back, never ahead.
        scores_BTT = scores_BTT.masked_fill(~self.tril_TT[:T, :T], float("-inf"))
        weights_BTT = self.dropout(scores_BTT.softmax(dim=-1))
        return weights_BTT @ v_BTD


class MultiHead(nn.Module):
    """H heads side by side, and a matrix that mixes what they found. (B, T, C) in and out."""

    def __init__(self, settings: LadderSettings) -> None:
        super().__init__()
        C, H = settings.n_embd, settings.n_head
        self.heads = nn.ModuleList(
            Head(C, C // H, settings.context_length, settings.dropout) for _ in range(H)
        )
        self.out = nn.Linear(C, C)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        gathered_BTC = torch.cat([head(x_BTC) for head in self.heads], dim=-1)
        return self.dropout(self.out(gathered_BTC))


class FeedForward(nn.Module):
    """Each position for itself: widen four times, ReLU, narrow again. (B, T, C) in and out."""

    def __init__(self, settings: LadderSettings) -> None:
        super().__init__()
        C = settings.n_embd
        self.up = nn.Linear(C, 4 * C)
        self.down = nn.Linear(4 * C, C)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        return self.dropout(self.down(F.relu(self.up(x_BTC))))


class LadderBlock(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x)): both add to what is there, so that
    the gradient reaches the first block undiminished."""

    def __init__(self, settings: LadderSettings) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(settings.n_embd)
        self.attention = MultiHead(settings)
        self.feedforward_norm = nn.LayerNorm(settings.n_embd)
        self.feedforward = FeedForward(settings)

    def forward(self, x_BTC: Tensor) -> Tensor:
        x_BTC = x_BTC + self.attention(self.attention_norm(x_BTC))
        return x_BTC + self.feedforward(self.feedforward_norm(x_BTC))


class FusedMultiHead(nn.Module):
    """`MultiHead` in three products: one for all queries, keys and values of all heads, one
    fused attention, one to mix. (B, T, C) in and out.

    `qkv.weight` stacks the queries of all heads, then their keys, then their values.
    """

    def __init__(self, settings: LadderSettings) -> None:
        super().__init__()
        self.n_head, self.rate = settings.n_head, settings.dropout
        self.qkv = Linear(settings.n_embd, 3 * settings.n_embd, bias=False)
        self.out = Linear(settings.n_embd, settings.n_embd)
        self.dropout = Dropout(settings.dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        B, T, C = x_BTC.shape
        q, k, v = self.qkv(x_BTC).view(B, T, 3, self.n_head, C // self.n_head).unbind(2)
        v_BHTD = v.transpose(1, 2)
        if self.training:
            v_BHTD = key_dropout(v_BHTD, self.rate)
        y_BHTD = F.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v_BHTD, is_causal=True
        )
        return self.dropout(self.out(y_BHTD.transpose(1, 2).reshape(B, T, C)))


class FusedLadderBlock(LadderBlock):
    """`LadderBlock` with fused attention, cheap dropout and the faster matrix product."""

    def __init__(self, settings: LadderSettings) -> None:
        super().__init__(settings)
        self.attention = FusedMultiHead(settings)  # type: ignore[assignment]
        C = settings.n_embd
        self.feedforward.up, self.feedforward.down = Linear(C, 4 * C), Linear(4 * C, C)
        self.feedforward.dropout = Dropout(settings.dropout)  # type: ignore[assignment]


class LadderModel(LanguageModel):
    """A rung. Parameters are drawn from torch's global generator; seed it first."""

    settings: LadderSettings

    def __init__(self, settings: LadderSettings) -> None:
        super().__init__()
        self.settings = settings
        rung, V, C = settings.rung, settings.vocab_size, settings.n_embd
        if rung == "bigram":
            # Row i holds the logits of what follows token i: the whole model is one table.
            self.table = nn.Embedding(V, V)
            nn.init.zeros_(self.table.weight)
            self.head: nn.Module = nn.Identity()
            return
        self.embedding = nn.Embedding(V, C)
        self.position = nn.Embedding(settings.context_length, C)
        if rung == "head":
            parts: list[nn.Module] = [Head(C, C, settings.context_length, 0.0)]
        elif rung == "multihead":
            parts = [MultiHead(settings)]
        elif rung == "feedforward":
            parts = [MultiHead(settings), FeedForward(settings)]
        else:
            block = LadderBlock if rung == "blocks" else FusedLadderBlock
            parts = [block(settings) for _ in range(settings.n_layer)]
            parts.append(nn.LayerNorm(C))
        self.blocks = nn.Sequential(*parts)
        self.head = nn.Linear(C, V)
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        # N(0, 0.02) for matrices and embeddings, zero for biases, as GPT-2.
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def hidden(self, ids_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """The last block's output, (B, T, C); of the bigram, which has no head, the logits."""
        assert cache is None
        if self.settings.rung == "bigram":
            return self.table(ids_BT)
        positions_T = torch.arange(ids_BT.shape[1], device=ids_BT.device)
        x_BTC = self.embedding(ids_BT) + self.position(positions_T)
        return self.blocks(x_BTC)
