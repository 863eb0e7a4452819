"""One optimizer step: a batch, its gradients, the update. Timed as well as made.

Knows: losses, gradients in as many passes as memory needs, and how several processes make one
step: each reads its own rows, the gradients are added. Does not know: schedules, what a step is
followed by.
Data: loader -> x, y (B, T) -> summed cross-entropy -> gradients -> optimizers.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.config import BatchSettings, TrainingSettings
from inkling.errors import TrainingError
from inkling.runtime import is_out_of_memory
from inkling.tokens.loader import IGNORE, Loader, RowShare
from inkling.training.optim import Optimizers
from inkling.training.phase import PhaseState

if TYPE_CHECKING:
    from inkling.runtime import Runtime


def train_step(phase: PhaseState, factor: float) -> tuple[float, int]:
    """One step at `factor` times the peak learning rates: gradients over the whole batch, then
    the update, which a non-finite loss leaves out. Mean loss and target count, of all processes.

    When memory runs out the rows of one pass are halved and the same batch is tried again.
    Raises TrainingError where one row is too many.
    """
    setup, ranks = phase.setup, phase.setup.runtime.ranks
    x_BT, y_BT = next_batch(setup.loader, setup.settings.batch, setup.runtime)
    targets = max(1, int(ranks.total(int((y_BT != IGNORE).sum()))))
    while True:
        try:
            loss = forward_backward(setup.model, x_BT, y_BT, phase.rows, targets)
            break
        except (RuntimeError, MemoryError) as error:
            phase.optimizers.zero_grad()
            if not is_out_of_memory(error):
                raise
            if phase.rows == 1:
                raise TrainingError(
                    "There is not enough memory for a single row of this model. Close other "
                    "programs, or train a smaller one: inkling train --minutes 1."
                ) from None
            phase.rows = (phase.rows + 1) // 2
            setup.callbacks.on_note(
                f"Memory is short: continuing with {phase.rows} rows at a time."
            )
    loss = ranks.total(loss)
    if math.isfinite(loss):
        ranks.add_gradients(setup.model.parameters())
        phase.optimizers.step(factor)
    phase.optimizers.zero_grad()
    return loss, targets


def next_batch(loader: Loader, settings: BatchSettings, runtime: Runtime) -> tuple[Tensor, Tensor]:
    """This process's rows of a step, x and y, each (B, T) int64, on the device."""
    ranks = runtime.ranks
    share = RowShare(ranks.rank, ranks.count)
    x_BT, y_BT = (
        torch.from_numpy(array) for array in loader.next_batch(rows_of_step(settings), share)
    )
    return x_BT.to(runtime.device), y_BT.to(runtime.device)


def rows_of_step(settings: BatchSettings) -> int:
    """Rows of a step, of all processes together."""
    return max(1, settings.total_batch_size // settings.sequence_length)


def forward_backward(
    model: nn.Module, x_BT: Tensor, y_BT: Tensor, rows: int, targets: int
) -> float:
    """Add the gradients of these rows' share of a mean over `targets`, `rows` rows at a time; that
    share of the loss, in nats a target."""
    # In double precision on the device: read once, a GPU need not wait after every pass.
    total = torch.zeros((), dtype=torch.float64, device=x_BT.device)
    for x, y in zip(x_BT.split(rows), y_BT.split(rows), strict=True):
        loss = forward_loss(model, x, y) / targets
        loss.backward()
        total += loss.detach()
    return total.item()


def forward_loss(model: nn.Module, x_BT: Tensor, y_BT: Tensor) -> Tensor:
    """Summed cross-entropy of the targets that count, in nats."""
    logits_BTV = model(x_BT)
    return F.cross_entropy(
        logits_BTV.flatten(0, 1), y_BT.flatten(), ignore_index=IGNORE, reduction="sum"
    )


def time_step(
    model: nn.Module, loader: Loader, settings: TrainingSettings, runtime: Runtime,
    patience: float = 0.5,
) -> float:  # fmt: skip
    """Seconds of one optimizer step, the median of at least two after a warm-up, and of more where
    they take less than `patience` seconds in all; of several processes, of what this one does of
    it. Spoils the model."""
    optimizers = Optimizers(model, settings.optimizer)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < 9 and time.perf_counter() - begun < patience):
        start = time.perf_counter()
        x_BT, y_BT = next_batch(loader, settings.batch, runtime)
        forward_backward(model, x_BT, y_BT, settings.batch.device_batch_size, y_BT.numel())
        optimizers.step(0.0)
        optimizers.zero_grad()
        if runtime.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[(len(times) - 1) // 2]
