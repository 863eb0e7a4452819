"""How well a model predicts held-out text: the whole of it or an even sample, per character.

Knows: windows, masks, the sum of −ln p. Does not know: training, files.
Data: PackedIds -> windows of context_length, stride half -> nats / characters.

The number (`nats_per_char`): −Σ ln p over all scored tokens ÷ the characters they spell.
Every token is scored exactly once, with at least half a window of context where there is
that much before it. Document boundaries (<|end|> in plain text) are context, never scored;
in dialogs the mask decides, and the <|end|> that closes a reply is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inkling.runtime import is_out_of_memory
from inkling.tokens.dataset import PackedIds

Hidden = Callable[[Tensor], Tensor]

NOT_SCORED = -100
"""Target of a position that does not count; torch's own default for it."""

# Rows a forward pass: enough to fill the cores, little memory.
_ROWS = 32


@dataclass(frozen=True)
class Likelihood:
    """A measured loss. Nats; `val_loss` is per token, `nats_per_char` per character."""

    nats: float
    tokens: int
    characters: int

    @property
    def nats_per_char(self) -> float:
        return self.nats / self.characters if self.characters else float("nan")

    @property
    def val_loss(self) -> float:
        return self.nats / self.tokens if self.tokens else float("nan")


def windows(length: int, context_length: int, wanted: int = 0) -> Iterator[tuple[int, int, int]]:
    """(start, stop, first): inputs start…stop of a window, whose targets are scored from
    index `first` on. Targets of all windows together are 1…length-1, each exactly once.

    With `wanted`, only as many windows, evenly spread, as score about that many targets.
    """
    stride = max(1, context_length // 2)
    count = 1 + -(-max(0, length - 1 - context_length) // stride)
    kept = min(count, max(1, wanted // stride)) if wanted else count
    for number in range(kept if length > 1 else 0):
        start = (2 * number + 1) * count // (2 * kept) * stride
        scored = min(start - stride + context_length, length - 1) if start else 0
        yield start, min(start + context_length, length - 1), scored - start


@torch.no_grad()
def measure(
    model: torch.nn.Module,
    data: PackedIds,
    characters_started: np.ndarray,
    end_id: int,
    context_length: int,
    device: torch.device | str = "cpu",
    wanted: int = 0,
    rows: int = _ROWS,
) -> Likelihood:
    """Score a whole part, or about `wanted` tokens of it, always the same and spread evenly;
    `rows` windows at a time (fewer where memory is short).

    The model is in eval mode during the call and then as before.
    `characters_started` is the tokenizer's table: characters that begin in each id.
    """
    was_training = model.training
    model.eval()
    table = characters_started
    try:
        return _score(model, data, table, end_id, context_length, device, wanted, rows)
    except (RuntimeError, MemoryError) as error:
        if rows == 1 or not is_out_of_memory(error):
            raise
    finally:
        model.train(was_training)
    rows = rows // 4 or 1
    return measure(model, data, table, end_id, context_length, device, wanted, rows)


def _score(
    model: torch.nn.Module,
    data: PackedIds,
    characters_started: np.ndarray,
    end_id: int,
    context_length: int,
    device: torch.device | str,
    wanted: int,
    rows: int,
) -> Likelihood:
    total = torch.zeros((), dtype=torch.float64, device=device)
    tokens = characters = 0
    for logits, y, added in predictions(model, data, end_id, context_length, device, wanted, rows):
        total += F.cross_entropy(
            logits.flatten(0, 1).float(), y.flatten(), reduction="sum", ignore_index=NOT_SCORED
        ).double()
        targets = y[y != NOT_SCORED].cpu().numpy()
        tokens += len(targets)
        characters += int(characters_started[targets].sum()) - added
    return Likelihood(float(total), tokens, characters)


def predictions(
    model: torch.nn.Module,
    data: PackedIds,
    end_id: int,
    context_length: int,
    device: torch.device | str = "cpu",
    wanted: int = 0,
    rows: int = _ROWS,
) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Logits (B, T, V) and targets (B, T), NOT_SCORED where a token does not count, of all
    windows of a part (with `wanted`, of as many of them as hold about so many targets), and how
    many of the characters scored are spaces that nobody wrote: each reply is read behind one
    (tokens.chat_format). Gradients and dropout are the caller's affair."""
    batch: list[tuple[int, int, int]] = []
    for window, following in pairwise([*windows(len(data), context_length, wanted), None]):
        assert window is not None
        batch.append(window)
        same = following is not None and _length(following) == _length(window)
        if same and len(batch) < rows:
            continue
        starts = np.array([start for start, _, _ in batch])
        span = np.arange(_length(window))
        index = starts[:, None] + span
        targets = data.ids[index + 1].astype(np.int64)
        keep = targets != end_id if data.mask is None else data.mask[index + 1] == 1
        keep &= span >= np.array([first for _, _, first in batch])[:, None]
        if keep.any():
            x = torch.from_numpy(data.ids[index].astype(np.int64)).to(device)
            y = torch.from_numpy(np.where(keep, targets, NOT_SCORED)).to(device)
            added = 0 if data.mask is None else int((keep & (data.mask[index] == 0)).sum())
            yield model(x), y, added
        batch = []


def _length(window: tuple[int, int, int]) -> int:
    return window[1] - window[0]
