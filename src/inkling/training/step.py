"""One optimizer step: a batch, its gradients, the update. Timed as well as made.

Knows: gradients in as many passes as memory needs, and how several processes make one
step: each reads its own rows, the gradients are added. Does not know: schedules, what a step is
followed by.
Data: loader -> x, y (B, T) -> summed cross-entropy -> gradients -> optimizers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from inkling.config import TrainingSettings
from inkling.errors import TrainingError
from inkling.runtime import is_out_of_memory
from inkling.tokens.loader import Loader
from inkling.training.batches import Batches
from inkling.training.forward import LossFunction, forward_loss, loss_function
from inkling.training.optim import Optimizers
from inkling.training.phase import PhaseState

if TYPE_CHECKING:
    from inkling.runtime import Runtime


def train_step(phase: PhaseState, factor: float) -> tuple[Tensor, int]:
    """One step at `factor` times the peak learning rates: gradients over the whole batch, then
    the update. This process's share of the mean loss, still on the device, and the target count of
    all processes. A loss that turns out to be non-finite spoils the weights, which then come from a
    checkpoint again: to leave the update out it would have to be waited for.

    When memory runs out the rows of one pass are halved and the same batch is tried again.
    Raises TrainingError where one row is too many.
    """
    setup, ranks = phase.setup, phase.setup.runtime.ranks
    x_BT, y_BT, own_targets = phase.batches.next()
    targets = max(1, int(ranks.total(own_targets)))
    while True:
        try:
            loss = forward_backward(setup.model, x_BT, y_BT, phase.rows, targets, phase.loss_of)
            break
        except (RuntimeError, MemoryError) as error:
            phase.optimizers.zero_grad()
            if not is_out_of_memory(error):
                raise
            if phase.divided:  # the others are in the middle of the same pass
                raise TrainingError(
                    "There is not enough memory for the rows of one pass. Start again with fewer: "
                    f"--set train.device_batch_size={max(1, phase.rows // 2)}."
                ) from None
            if phase.rows == 1:
                raise TrainingError(
                    "There is not enough memory for a single row of this model. Close other "
                    "programs, or train a smaller one: inkling train --minutes 1."
                ) from None
            phase.rows = (phase.rows + 1) // 2
            setup.callbacks.on_note(
                f"Memory is short: continuing with {phase.rows} rows at a time."
            )
    if not phase.divided:  # those of divided weights were added in the backward pass
        ranks.add_gradients(setup.model.parameters())
    phase.optimizers.step(factor)
    phase.optimizers.zero_grad()
    return loss, targets


def forward_backward(
    model: nn.Module,
    x_BT: Tensor,
    y_BT: Tensor,
    rows: int,
    targets: int,
    loss_of: LossFunction = forward_loss,
) -> Tensor:
    """Add the gradients of these rows' share of a mean over `targets`, `rows` rows at a time; that
    share of the loss, in nats a target, float64 and still on the device."""
    total = torch.zeros((), dtype=torch.float64, device=x_BT.device)
    for x, y in zip(x_BT.split(rows), y_BT.split(rows), strict=True):
        loss = loss_of(model, x, y) / targets
        loss.backward()
        total += loss.detach()
    return total


def time_step(
    model: nn.Module, loader: Loader, settings: TrainingSettings, runtime: Runtime,
    patience: float = 0.5,
) -> float:  # fmt: skip
    """Seconds of one optimizer step, the median of at least two after a warm-up, and of more where
    they take less than `patience` seconds in all; of several processes, of what this one does of
    it. Spoils the model."""
    optimizers = Optimizers(model, settings.optimizer)
    batches = Batches(loader, settings.batch, runtime)
    loss_of = loss_function(runtime, steps=0)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < 9 and time.perf_counter() - begun < patience):
        start = time.perf_counter()
        x_BT, y_BT, targets = batches.next()
        rows = settings.batch.device_batch_size
        forward_backward(model, x_BT, y_BT, rows, max(1, targets), loss_of)
        optimizers.step(0.0)
        optimizers.zero_grad()
        if runtime.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[(len(times) - 1) // 2]
