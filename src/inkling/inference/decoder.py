"""What computes next-token logits, for many sequences at once, one slot each.

Knows: models, their caches, and which ids are never sampled. Does not know: sampling, requests,
which sequence is in which slot.
Data: `read` a prompt into a slot -> `decode` one id in each of the first slots -> logits (S, V).

`Decoder` is all that a `Batch` sees, in Python and NumPy types. `SmallModelDecoder` runs a small
`modern` model on the CPU; `TorchDecoder` any torch model that can keep keys and values, on any
device; `UncachedDecoder` the rungs of the ladder that cannot.

S slots, V vocabulary.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from inkling.config import ModelSettings
from inkling.inference.array_weights import PreparedWeights, prepare
from inkling.inference.blas_threads import set_blas_threads
from inkling.inference.kernel_decoder import KernelDecoder, decoder_for
from inkling.inference.sampling import Floats, Mask, Sampler, draw_by_numpy
from inkling.model.language_model import LanguageModel

SMALL_PARAMETERS = 30_000_000
"""Models below this compute on one thread: their products are too small to share, and a thread
that waits for another one stands still whenever a training keeps the cores busy. From here on
torch computes, on all of them. Of 27 million weights the compiled step makes 216 tokens a second on
one core, torch 81 on two (docs/benchmarks.md)."""

CACHE_BYTES = 2**30
"""Memory that the slots of one decoder may take; a large model gets fewer slots."""


class Decoder(Protocol):
    """A model with room for `slots` sequences.

    It does not count what a slot holds: the caller, who knows the ids, says at which position new
    ones go. Positions at and after the given one are overwritten. A slot's result depends on its
    own ids alone (up to rounding), not on what other slots hold.
    """

    @property
    def slots(self) -> int:
        """How many sequences fit."""

    @property
    def capacity(self) -> int:
        """Positions of one slot. When all are filled, nothing more can be decoded in it."""

    def read(self, slot: int, position: int, ids: Sequence[int]) -> None:
        """Put ids into a slot at `position` and after; their logits are not wanted."""

    def decode(self, ids: Sequence[int], positions: Sequence[int]) -> Floats:
        """Put one id into each of the first S slots, at that slot's position; the logits (S, V)
        of the id after it, float32, -inf for ids that are never sampled. The next call may
        overwrite the array."""

    def draw(self, logits_SV: Floats, samplers: Sequence[Sampler]) -> list[int]:
        """One id a row, after temperature and the rest (see `sampling.sample`)."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchange what two slots hold in their first `length` positions."""


def new_decoder(model: LanguageModel, forbidden_V: Mask, slots: int) -> Decoder:
    """A decoder of `slots` slots, fewer where they would take more than CACHE_BYTES; at least
    one. `forbidden_V` is True for ids that are never sampled."""
    if not model.supports_cache:
        return UncachedDecoder(model, forbidden_V, slots)
    slots = max(1, min(slots, CACHE_BYTES // model.slot_bytes()))
    return TorchDecoder(model, forbidden_V, slots)


def prepared_weights(model: LanguageModel) -> PreparedWeights | None:
    """What a `SmallModelDecoder` needs of a model; None where torch is the better choice: on a
    GPU, for a model of SMALL_PARAMETERS weights or more, for the rungs of the ladder."""
    settings = model.settings
    size = sum(parameter.numel() for parameter in model.parameters())
    on_cpu = all(parameter.device.type == "cpu" for parameter in model.parameters())
    if not isinstance(settings, ModelSettings) or not on_cpu or size >= SMALL_PARAMETERS:
        return None
    weights = {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}
    return prepare(weights, settings)


class SmallModelDecoder:
    """A small model on the CPU, with no torch in the step: compiled, else NumPy."""

    def __init__(self, weights: PreparedWeights, forbidden_V: Mask, slots: int) -> None:
        settings = weights.settings
        slot_bytes = (
            8 * settings.n_layer * settings.n_head * settings.head_dim * settings.context_length
        )
        self.slots = max(1, min(slots, CACHE_BYTES // slot_bytes))
        self._decoder = decoder_for(weights, self.slots)
        self.capacity = self._decoder.capacity
        self._never_V = np.where(forbidden_V, np.float32("-inf"), np.float32(0))
        if not isinstance(self._decoder, KernelDecoder):
            set_blas_threads(1)

    def read(self, slot: int, position: int, ids: Sequence[int]) -> None:
        self._decoder.read(slot, ids, position)

    def decode(self, ids: Sequence[int], positions: Sequence[int]) -> Floats:
        logits_SV = self._decoder.decode(ids, positions)
        return np.add(logits_SV, self._never_V, out=logits_SV)

    def draw(self, logits_SV: Floats, samplers: Sequence[Sampler]) -> list[int]:
        return self._decoder.draw(logits_SV, samplers)

    def copy(self, source: int, target: int, length: int) -> None:
        self._decoder.copy(source, target, length)

    def swap(self, one: int, other: int, length: int) -> None:
        self._decoder.swap(one, other, length)


class TorchDecoder:
    """A torch model and its cache."""

    draw = staticmethod(draw_by_numpy)

    def __init__(self, model: LanguageModel, forbidden_V: Mask, slots: int) -> None:
        self.slots = slots
        self._model, self._cache = model, model.new_cache(slots)
        self.capacity = self._cache.capacity
        self._device = next(model.parameters()).device
        self._forbidden_V = torch.from_numpy(forbidden_V).to(self._device)

    @torch.inference_mode()
    def read(self, slot: int, position: int, ids: Sequence[int]) -> None:
        ids_BT = torch.tensor([list(ids)], device=self._device)
        self._model.hidden(ids_BT, self._cache.slot(slot, position))

    @torch.inference_mode()
    def decode(self, ids: Sequence[int], positions: Sequence[int]) -> Floats:
        ids_ST = torch.tensor(list(ids), device=self._device)[:, None]
        hidden_STC = self._model.hidden(ids_ST, self._cache.first(positions))
        return _allowed_logits(self._model, hidden_STC[:, -1], self._forbidden_V)

    def copy(self, source: int, target: int, length: int) -> None:
        self._cache.copy(source, target, length)

    def swap(self, one: int, other: int, length: int) -> None:
        self._cache.swap(one, other, length)


class UncachedDecoder:
    """A torch model that reads as much of each sequence as it sees, anew for every token."""

    draw = staticmethod(draw_by_numpy)
    capacity = sys.maxsize
    """It keeps ids only, and reads the last `context_length` of them."""

    def __init__(self, model: LanguageModel, forbidden_V: Mask, slots: int) -> None:
        self.slots = slots
        self._model = model
        self._device = next(model.parameters()).device
        self._forbidden_V = torch.from_numpy(forbidden_V).to(self._device)
        self._ids: list[list[int]] = [[] for _ in range(slots)]

    def read(self, slot: int, position: int, ids: Sequence[int]) -> None:
        self._ids[slot][position:] = ids

    @torch.inference_mode()
    def decode(self, ids: Sequence[int], positions: Sequence[int]) -> Floats:
        hidden = []
        for slot, (new, position) in enumerate(zip(ids, positions, strict=True)):
            self.read(slot, position, [new])
            seen = self._ids[slot][-self._model.settings.context_length :]
            ids_BT = torch.tensor([seen], device=self._device)
            hidden.append(self._model.hidden(ids_BT)[0, -1])
        return _allowed_logits(self._model, torch.stack(hidden), self._forbidden_V)

    def copy(self, source: int, target: int, length: int) -> None:
        self._ids[target] = self._ids[source][:length]

    def swap(self, one: int, other: int, length: int) -> None:
        self._ids[one], self._ids[other] = self._ids[other], self._ids[one]


def _allowed_logits(model: LanguageModel, hidden_SC: Tensor, forbidden_V: Tensor) -> Floats:
    """Logits (S, V) on the CPU. Only last positions come here: the head is the widest matrix."""
    logits_SV: Tensor = model.head(hidden_SC)
    allowed_SV = logits_SV.float().masked_fill(forbidden_V, -torch.inf)
    return np.asarray(allowed_SV.cpu().numpy())
