"""The batches of a phase as tensors where the model is.

Knows: which ids lie on the device already, and how the others get there. Does not know: which rows
come next (tokens.loader), what is learned from them.
Data: Loader -> `Batches.next` -> x, y (B, T) int64 on the device, and how many targets count.

On a GPU the packed ids of windows are copied there once, as far as they fit beside the model, and
a step sends only where its windows begin. Rows of dialogs are put together anew in each epoch, in
main memory, and are copied while the step before is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from inkling.config import BatchSettings
from inkling.tokens.loader import IGNORE, Loader, MixedLoader, RowShare, WindowLoader

if TYPE_CHECKING:
    from inkling.runtime import Runtime

HELD_SHARE = 0.25
"""Of the device's free memory, the most that packed ids may take."""

COPIED_AT_ONCE = 1 << 24
"""Ids that are copied to the device at once: all of them, in every process of a machine, may be
more than its main memory holds."""

StepBatch = tuple[Tensor, Tensor, int]


class Batches:
    """This process's rows of step after step."""

    def __init__(self, loader: Loader, settings: BatchSettings, runtime: Runtime) -> None:
        self._loader, self._device = loader, runtime.device
        self._rows = rows_of_step(settings)
        self._share = RowShare(runtime.ranks.rank, runtime.ranks.count)
        windows = loader.replay if isinstance(loader, MixedLoader) else loader
        self._held = (
            _HeldWindows(windows, runtime.device)
            if isinstance(windows, WindowLoader) and _fits(windows, runtime)
            else None
        )

    def next(self) -> StepBatch:
        """x and y of the next step, (B, T) int64, and how many of these targets count."""
        return self._next(self._loader, self._rows, self._share)

    def _next(self, loader: Loader, rows: int, share: RowShare) -> StepBatch:
        if self._held is not None and isinstance(loader, WindowLoader):
            return self._held.next(rows, share)
        if self._held is not None and isinstance(loader, MixedLoader):
            parts = [self._next(*part) for part in loader.next_parts(rows, share)]
            x, y, counts = zip(*parts, strict=True)
            return torch.cat(x), torch.cat(y), sum(counts)
        x_BT, y_BT = loader.next_batch(rows, share)
        targets = int((y_BT != IGNORE).sum())
        return _sent(x_BT, self._device), _sent(y_BT, self._device), targets


class _HeldWindows:
    """The ids of a window loader on the device, in four bytes each. Every target counts."""

    def __init__(self, loader: WindowLoader, device: torch.device) -> None:
        self._loader, self._device = loader, device
        ids = loader.data.ids
        self._ids = torch.empty(len(ids), dtype=torch.int32, device=device)
        for start in range(0, len(ids), COPIED_AT_ONCE):
            part = ids[start : start + COPIED_AT_ONCE].astype(np.int32)
            self._ids[start : start + len(part)] = torch.from_numpy(part)
        self._offsets = torch.arange(loader.length + 1, device=device)

    def next(self, rows: int, share: RowShare) -> StepBatch:
        starts = self._loader.next_starts(rows, share)
        index = _sent(starts, self._device)[:, None] + self._offsets
        ids = self._ids[index].long()
        y_BT = ids[:, 1:].contiguous()
        return ids[:, :-1].contiguous(), y_BT, y_BT.numel()


def _fits(loader: WindowLoader, runtime: Runtime) -> bool:
    if not runtime.holds_ids or loader.data.mask is not None:
        return False
    if runtime.device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(runtime.device)
    return 4 * len(loader.data) <= HELD_SHARE * free


def _sent(array: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        # From memory that stays where it is a copy goes on while the step before is computed.
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def rows_of_step(settings: BatchSettings) -> int:
    """Rows of a step, of all processes together."""
    return max(1, settings.total_batch_size // settings.sequence_length)
