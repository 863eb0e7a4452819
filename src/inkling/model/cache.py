"""Keys and values of positions already computed, so that decoding costs one position a step.

Knows: preallocated tensors and how many positions are filled. Does not know: sampling.
Data: attention appends k, v (B, H, T, D); gets back all of them (B, H, P, D).

Shape suffixes: L layers, B rows, H heads, T new positions, P all positions, D head_dim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from inkling.config import ModelSettings


class KVCache:
    """Room for `context_length` positions of `rows` sequences of equal length.

    Raises ValueError when more positions are appended than fit; the caller decides what to
    forget, since rotary positions are baked into the keys.
    """

    def __init__(
        self,
        settings: ModelSettings,
        rows: int = 1,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        shape = (
            settings.n_layer,
            2,
            rows,
            settings.n_head,
            settings.context_length,
            settings.head_dim,
        )
        self._store_L2BHPD = torch.zeros(shape, device=device, dtype=dtype)
        self.capacity = settings.context_length
        self.length = 0

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

    def layer(self, index: int) -> LayerCache:
        return LayerCache(self._store_L2BHPD[index], self.length)

    def advance(self, count: int) -> None:
        """Count positions as filled, after every layer has appended them."""
        self.length += count

    def truncate(self, length: int) -> None:
        """Forget all positions from `length` on."""
        assert 0 <= length <= self.length
        self.length = length


@dataclass(frozen=True)
class LayerCache:
    """One layer's share of the cache during one forward pass."""

    store_2BHPD: Tensor
    length: int

    def append(self, k_BHTD: Tensor, v_BHTD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Store new positions; all keys, all values, and the mask (T, P) of what each new
        position may see (None where it may see everything)."""
        T = k_BHTD.shape[2]
        stop = self.length + T
        self.store_2BHPD[0, :, :, self.length : stop] = k_BHTD
        self.store_2BHPD[1, :, :, self.length : stop] = v_BHTD
        mask_TP = None
        if T > 1:
            mask_TP = torch.ones(T, stop, dtype=torch.bool, device=k_BHTD.device)
            mask_TP = mask_TP.tril(self.length)
        return self.store_2BHPD[0, :, :, :stop], self.store_2BHPD[1, :, :, :stop], mask_TP
