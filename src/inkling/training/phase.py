"""One phase of a run: what it is given, and the state that a checkpoint holds.

Knows: everything a later step depends on, and how it is saved and restored. Does not know: the
order of things in a step (training.loop), what is evaluated.
Data: `PhaseSetup` -> `PhaseState` <-> checkpoint.

Bit-exact resume: weights, optimizer state, loader position, torch's random state, best so far,
learning-rate scale and rows a pass are in the checkpoint; every decision taken from the clock
(how many steps fit into the minutes) is a recorded `Replan`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from inkling.checkpoints import Checkpoint
from inkling.config import Phase, Replan, TrainingSettings
from inkling.runs import Run
from inkling.tokens.loader import Loader
from inkling.training.batches import Batches
from inkling.training.budget import Budget
from inkling.training.callbacks import Callbacks, StepReport
from inkling.training.divided import is_divided, load_weights, whole
from inkling.training.forward import loss_function
from inkling.training.optim import Optimizers

if TYPE_CHECKING:
    from inkling.evaluation.likelihood import Likelihood
    from inkling.runtime import Runtime


@dataclass
class PhaseSetup:
    """One phase of one run, ready to start."""

    run: Run
    phase: Phase
    model: nn.Module
    loader: Loader
    settings: TrainingSettings
    evaluate: Callable[[nn.Module], Likelihood]
    runtime: Runtime
    base_step: int = 0
    """Step of the run at which this phase began; the run's steps continue from there."""
    callbacks: Callbacks = field(default_factory=Callbacks)
    budget: Budget | None = None
    replans: tuple[Replan, ...] = ()
    on_replan: Callable[[Replan], None] = lambda replan: None
    evaluate_first: bool = False
    elapsed: float = 0.0
    """Seconds of training before this phase; the run's minutes continue from there."""
    optimizer_state: dict[str, Tensor] | None = None
    """State that the optimizers begin with; by default they begin anew."""


class PhaseState:
    """The mutable state of a running phase."""

    def __init__(self, setup: PhaseSetup) -> None:
        self.setup = setup
        self.optimizers = Optimizers(setup.model, setup.settings.optimizer)
        steps = setup.settings.schedule.steps if not self.divided else 0
        self.batches = Batches(setup.loader, setup.settings.batch, setup.runtime)
        self.loss_of = loss_function(setup.runtime, steps, setup.callbacks.on_note)
        self.unread: list[tuple[Tensor, StepReport]] = []
        """Steps that were made and whose loss nobody has looked at; this process's share of it."""
        self.step = 0
        self.rows = setup.settings.batch.device_batch_size
        self.lr_scale = 1.0
        self.rollbacks = 0
        self.evaluations_since_best = 0
        self.elapsed = setup.elapsed
        self.best = math.inf
        self.loss_sum = 0.0
        self.loss_count = 0
        self.best_of_phases = setup.run.checkpoints.best()
        self._since = time.monotonic()

    def begin(self, resume: Checkpoint | None) -> None:
        """Take over a checkpoint of this phase, or what the phase before left."""
        if resume is not None:
            self.restore(resume)
            self.setup.run.checkpoints.write_best(self.best_of_phases)
        elif self.setup.optimizer_state is not None:
            self.optimizers.load_state_tensors(self.setup.optimizer_state)
        ranks = self.setup.runtime.ranks
        if not self.divided:  # nobody holds what another does
            ranks.copy_from_first(self.setup.model.state_dict().values())
        ranks.part_randomness()
        self.setup.run.truncate_after(
            self.run_step, begun_anew=None if resume is not None else self.setup.phase
        )

    @property
    def divided(self) -> bool:
        """Whether each process holds a part of the weights only."""
        return any(map(is_divided, self.setup.model.parameters()))

    @property
    def run_step(self) -> int:
        return self.setup.base_step + self.step

    def minutes(self) -> float:
        """Minutes of training so far, earlier phases included."""
        return (self.elapsed + time.monotonic() - self._since) / 60

    def made(self, loss: Tensor, report: StepReport) -> None:
        """Note that a step was made, whose loss is read later."""
        self.step += 1
        self.unread.append((loss, report))

    def read_losses(self) -> Iterator[StepReport]:
        """Wait for the steps that were made, and count them, each with its loss, in their order.
        All processes must ask at the same step."""
        unread, self.unread = self.unread, []
        if not unread:
            return
        ranks = self.setup.runtime.ranks
        losses = ranks.totals(torch.stack([loss for loss, _ in unread])).tolist()
        for loss, (_, report) in zip(losses, unread, strict=True):
            if math.isfinite(loss):
                self.loss_sum += loss
                self.loss_count += 1
            yield replace(report, loss=loss)

    def take_mean_loss(self) -> float | None:
        """Mean training loss since this was last asked for; None where there was no step."""
        mean = self.loss_sum / self.loss_count if self.loss_count else None
        self.loss_sum, self.loss_count = 0.0, 0
        return mean

    def save(self) -> None:
        """Write a checkpoint of this step, thin out older ones."""
        run = self.setup.run
        optimizer = whole(self.optimizers.state_tensors()) | {"rng": torch.get_rng_state()}
        if self.setup.runtime.device.type == "cuda":
            optimizer["rng_cuda"] = torch.cuda.get_rng_state()
        model = whole(self.setup.model.state_dict())
        run.checkpoints.save(self.run_step, self._state(), model, optimizer)
        # After the checkpoint it may name; a crash in between is mended by the next resume.
        run.checkpoints.write_best(self.best_of_phases)
        run.checkpoints.prune()

    def _state(self) -> dict[str, Any]:
        self.elapsed += time.monotonic() - self._since
        self._since = time.monotonic()
        return {
            "phase": self.setup.phase,
            "phase_step": self.step,
            "loader": self.setup.loader.state(),
            "device_batch_size": self.rows,
            "lr_scale": self.lr_scale,
            "stale": self.evaluations_since_best,
            "elapsed": self.elapsed,
            "best": None if math.isinf(self.best) else self.best,
            "best_of_phases": self.best_of_phases,
            "loss_sum": self.loss_sum,
            "loss_count": self.loss_count,
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Be as when the checkpoint was saved."""
        assert checkpoint.optimizer is not None
        state = checkpoint.state
        load_weights(self.setup.model, checkpoint.model)
        self.optimizers.load_state_tensors(checkpoint.optimizer)
        torch.set_rng_state(checkpoint.optimizer["rng"])
        if "rng_cuda" in checkpoint.optimizer and self.setup.runtime.device.type == "cuda":
            torch.cuda.set_rng_state(checkpoint.optimizer["rng_cuda"])
        self.setup.loader.load_state(state["loader"])
        self.step = state["phase_step"]
        self.rows = state["device_batch_size"]
        self.lr_scale = state["lr_scale"]
        self.evaluations_since_best = state["stale"]
        self.elapsed = state["elapsed"]
        self.best = math.inf if state["best"] is None else state["best"]
        self.best_of_phases = state["best_of_phases"]
        self.loss_sum, self.loss_count = state["loss_sum"], state["loss_count"]
