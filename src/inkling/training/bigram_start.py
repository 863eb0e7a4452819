"""A model that begins as the table of pairs: which token follows which, counted over the text.

Knows: how embedding and head are fitted to the bigrams of a corpus. Does not know: blocks,
batches, when a phase begins.
Data: ids of the text -> distinct pairs and their shares -> embedding and head, each (V, C).

The blocks' output starts at zero, so before the first step a `modern` model is embedding, norm and
head: a bigram model of rank C. Its loss over the whole text is a sum over the distinct pairs, so
a full-batch iteration costs about as much as a step on one small batch, and teaches what takes
hundreds of those: every pair of the text, rare ones too.

Shape suffixes: V vocabulary, C channels, R rows (previous tokens) of a part of the table.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inkling.model.gpt import GPT
from inkling.training.optim import AdamW

LEARNING_RATE = 0.05
BETAS = (0.8, 0.95)
_WARMUP = 3

MAX_PAIRS = 8_000_000
"""Pairs that are counted, evenly spread over a longer text: what is kept of them stays small."""
_STRETCH = 100_000
_PART = 1 << 22
"""Cells of the table that are computed at once."""


def start_from_bigrams(model: GPT, ids: np.ndarray, iterations: int) -> float:
    """Fit embedding and head to the bigrams of `ids` (N,), with Adam on the exact mean loss.

    Draws nothing at random. Returns the loss before the last iteration, in nats a token.
    """
    table = BigramTable(ids, model.settings.vocab_size)
    named = dict(model.named_parameters())
    names = ["embedding.weight", "head.weight"]  # one where they are tied
    adam = AdamW({name: named[name] for name in names if name in named}, BETAS)
    loss = 0.0
    for iteration in range(iterations):
        loss = 0.0
        for rows, shares_RV in table.parts(model.embedding.weight.device):
            hidden_RC = model.norm(model.embedding(rows))
            part = -(shares_RV * F.log_softmax(model.head(hidden_RC), dim=-1)).sum()
            part.backward()
            loss += part.item()
        adam.step(
            LEARNING_RATE * min(1.0, (iteration + 1) / _WARMUP) * (1 - iteration / iterations)
        )
        model.zero_grad()
    return loss


class BigramTable:
    """How often each token follows each, as shares of all pairs: (V, V), few of them above zero."""

    def __init__(self, ids: np.ndarray, vocab_size: int) -> None:
        """Counts the pairs of `ids` (N,), of a long text those in evenly spread stretches."""
        self._vocab_size = vocab_size
        every = max(1, len(ids) // MAX_PAIRS)
        stretches = (
            np.asarray(ids[start : start + _STRETCH], dtype=np.int64)
            for start in range(0, len(ids) - 1, (_STRETCH - 1) * every)
        )
        keys = [
            np.unique(stretch[:-1] * vocab_size + stretch[1:], return_counts=True)
            for stretch in stretches
        ]
        self._cells, inverse = np.unique(
            np.concatenate([cells for cells, _ in keys]), return_inverse=True
        )
        counts = np.bincount(inverse, np.concatenate([counts for _, counts in keys]))
        self._shares = torch.from_numpy((counts / counts.sum()).astype(np.float32))

    def parts(self, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """The table a few rows at a time: previous tokens (R,), shares (R, V). Rows of tokens that
        nothing follows are left out."""
        previous = self._cells // self._vocab_size
        rows, begins = np.unique(previous, return_index=True)
        ends = np.append(begins[1:], len(previous))
        count = max(1, _PART // self._vocab_size)
        for first in range(0, len(rows), count):
            part = rows[first : first + count]
            cells = slice(begins[first], ends[first + len(part) - 1])
            shares_RV = torch.zeros(len(part), self._vocab_size)
            at = np.searchsorted(part, previous[cells])
            shares_RV[at, self._cells[cells] % self._vocab_size] = self._shares[cells]
            yield torch.from_numpy(part).to(device), shares_RV.to(device)
