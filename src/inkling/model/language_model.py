"""What training, evaluation and inference ask of every architecture.

Knows: that logits are a head's over hidden states, and that some models can keep the keys and
values of what they have read. Does not know: any one architecture.
Data: ids (B, T) -> `hidden` (B, T, C) -> `head` -> logits (B, T, V) of the next token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

if TYPE_CHECKING:
    from inkling.config import LadderSettings, ModelSettings
    from inkling.model.cache import Cache, SlotCache


class LanguageModel(nn.Module, ABC):
    """A model that predicts the next token at every position."""

    supports_cache: ClassVar[bool] = False
    """Whether it can decode one position at a time. A model that cannot reads its whole context
    again for every token."""

    settings: ModelSettings | LadderSettings
    head: nn.Module

    @abstractmethod
    def hidden(self, ids_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """What the head reads at each position, (B, T, C).

        With a cache, which only a model that supports one is given, ids are the new positions
        only, and the cache advances by T.
        """

    def new_cache(self, slots: int) -> SlotCache:
        """An empty cache for `slots` sequences, on the model's device. Only where
        `supports_cache`."""
        raise NotImplementedError(f"{type(self).__name__} supports no cache")

    def slot_bytes(self) -> int:
        """Memory of one slot of a cache; 0 where there is none."""
        return 0

    def forward(self, ids_BT: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits (B, T, V) of the next token at each position."""
        logits_BTV: Tensor = self.head(self.hidden(ids_BT, cache))
        return logits_BTV

    def parameter_count(self) -> int:
        """Number of weights; tied ones count once."""
        return sum(p.numel() for p in self.parameters())
