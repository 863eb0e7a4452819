"""Keys and values of positions already computed, so that decoding costs one position a step.

Knows: preallocated tensors and how many positions are filled. Does not know: sampling, or whose
text a row holds.
Data: attention appends k, v (B, H, T, D); gets back all of them (B, H, P, D).

`SlotCache` is one store for many sequences of different lengths, each in a slot: prompts are read
one slot at a time through a `KVCache`, and the first n slots are decoded together, one position
each, through a `DecodeCache`, or where they are equally long, through a `KVCache` as well.

Shape suffixes: L layers, B rows, S slots, H heads, T new positions, P all positions, D head_dim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from inkling.config import ModelSettings


class LayerCache(Protocol):
    """One layer's share of a cache during one forward pass."""

    def append(self, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Store new positions; all keys, all values, and a mask that broadcasts to
        (B, H, T, P) of what each new position may see (None where it may see everything)."""


class Cache(Protocol):
    """What a forward pass asks of a cache."""

    def rotary(self, cos_TD: Tensor, sin_TD: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The rotary rows of the next `count` positions, to broadcast over (B, H, T, D)."""

    def layer(self, index: int) -> LayerCache:
        """The share of one layer."""

    def advance(self, count: int) -> None:
        """Count positions as filled, after every layer has appended them."""


def slot_bytes(settings: ModelSettings) -> int:
    """Memory of one slot of a `SlotCache`."""
    width = settings.n_head * settings.head_dim
    return settings.n_layer * 2 * width * settings.context_length * torch.float32.itemsize


class SlotCache:
    """Room for `context_length` positions of each of `slots` sequences, which grow on their own.

    It does not count what is filled: the caller, who knows which ids each slot holds, says so.
    """

    def __init__(
        self, settings: ModelSettings, slots: int, device: torch.device | str = "cpu"
    ) -> None:
        # Zeros, not empty: what lies behind the mask must be finite, or it poisons the softmax.
        # The system hands out pages of zeros when they are first touched, so unused slots cost
        # nothing.
        self._store_L2SHPD = torch.zeros(
            (
                settings.n_layer, 2, slots, settings.n_head, settings.context_length,
                settings.head_dim,
            ),
            device=device,
        )  # fmt: skip
        self.capacity = settings.context_length

    def slot(self, index: int, length: int) -> KVCache:
        """One slot, of which the first `length` positions are filled, as a cache of one row."""
        return KVCache(self._store_L2SHPD[:, :, index : index + 1], length)

    def first(self, lengths: Sequence[int]) -> Cache:
        """The first slots, to append one position to each; how many positions each has filled."""
        store_L2SHPD = self._store_L2SHPD[:, :, : len(lengths)]
        # One slot, or the drafts of one reply: slices are cheaper than indices and a mask.
        if min(lengths) == max(lengths):
            return KVCache(store_L2SHPD, lengths[0])
        return DecodeCache(store_L2SHPD, lengths)

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        self._store_L2SHPD[:, :, target, :, :length] = self._store_L2SHPD[:, :, source, :, :length]

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchange what two slots hold in their first `length` positions."""
        a, b = (self._store_L2SHPD[:, :, index, :, :length] for index in (one, other))
        kept = a.clone()
        a.copy_(b)
        b.copy_(kept)


class KVCache:
    """Slots of a `SlotCache` that are equally long, to append as many positions to each.

    Raises ValueError when more positions are appended than fit; the caller decides what to
    drop, since rotary positions are baked into the keys.
    """

    def __init__(self, store_L2BHPD: Tensor, length: int) -> None:
        self._store_L2BHPD = store_L2BHPD
        self.capacity = store_L2BHPD.shape[4]
        self.length = length

    def rotary(self, cos_TD: Tensor, sin_TD: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The rotary rows of the next `count` positions."""
        if self.length + count > self.capacity:
            raise ValueError(
                f"{self.length} + {count} positions do not fit a context of {self.capacity}"
            )
        return (
            cos_TD[self.length : self.length + count],
            sin_TD[self.length : self.length + count],
        )

    def layer(self, index: int) -> KVLayer:
        return KVLayer(self._store_L2BHPD[index], self.length)

    def advance(self, count: int) -> None:
        """Count positions as filled, after every layer has appended them."""
        self.length += count


@dataclass(frozen=True)
class KVLayer:
    """A layer of rows of equal length."""

    store_2BHPD: Tensor
    length: int

    def append(self, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        T = k_BHTD.shape[2]
        stop = self.length + T
        self.store_2BHPD[0, :, :, self.length : stop] = k_BHTD
        self.store_2BHPD[1, :, :, self.length : stop] = v_BHTD
        mask_TP = None
        if T > 1:
            mask_TP = torch.ones(T, stop, dtype=torch.bool, device=k_BHTD.device)
            mask_TP = mask_TP.tril(self.length)
        return self.store_2BHPD[0, :, :, :stop], self.store_2BHPD[1, :, :, :stop], mask_TP


class DecodeCache:
    """Rows of different lengths that each get one new position."""

    def __init__(self, store_L2SHPD: Tensor, lengths: Sequence[int]) -> None:
        stop = max(lengths) + 1
        assert stop <= store_L2SHPD.shape[4]
        self._store_L2SHPD = store_L2SHPD[:, :, :, :, :stop]
        self._positions_S = torch.tensor(list(lengths), device=store_L2SHPD.device)
        seen_P = torch.arange(stop, device=store_L2SHPD.device)
        self._mask_S11P = (seen_P <= self._positions_S[:, None])[:, None, None]

    def rotary(self, cos_TD: Tensor, sin_TD: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Of each row's own next position, (S, 1, 1, D)."""
        assert count == 1
        return cos_TD[self._positions_S, None, None], sin_TD[self._positions_S, None, None]

    def layer(self, index: int) -> DecodeLayer:
        return DecodeLayer(self._store_L2SHPD[index], self._positions_S, self._mask_S11P)

    def advance(self, count: int) -> None:
        """Nothing: the caller counts."""


@dataclass(frozen=True)
class DecodeLayer:
    """A layer of rows of different lengths."""

    store_2SHPD: Tensor
    positions_S: Tensor
    mask_S11P: Tensor

    def append(self, k_SHTD: Tensor, v_SHTD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        rows_S = torch.arange(len(self.positions_S), device=k_SHTD.device)
        self.store_2SHPD[0][rows_S, :, self.positions_S] = k_SHTD[:, :, 0]
        self.store_2SHPD[1][rows_S, :, self.positions_S] = v_SHTD[:, :, 0]
        return self.store_2SHPD[0], self.store_2SHPD[1], self.mask_S11P
