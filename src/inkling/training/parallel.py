"""One run trained by several processes: what the first does for all, and the others leave to it.

Knows: which of a training's doings belong to the first process: to write, to measure, to look at
the clock. Does not know: how gradients are added (training.step), how processes talk (ranks).
Data: `Run`, evaluation, budget, callbacks of one process -> the same as all processes share them.

Each process holds the whole model, or its part of it (training.divided), and reads its own rows of
every batch, so all make the same steps from the same weights; the loop does not know that there are
others. Alone all of this is
what it wraps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inkling.checkpoints import Checkpoints
from inkling.config import BatchSettings, Phase, RunConfig
from inkling.errors import TrainingError
from inkling.ranks import Ranks
from inkling.runs import Run
from inkling.training.batches import rows_of_step
from inkling.training.budget import Budget, Pace
from inkling.training.callbacks import Callbacks
from inkling.training.divided import is_divided

if TYPE_CHECKING:
    from torch import Tensor, nn

    from inkling.evaluation.likelihood import Likelihood

Evaluate = Callable[["nn.Module"], "Likelihood"]


class WatchedRun(Run):
    """A run as every process but the first has it: read from disk, never written."""

    @property
    def checkpoints(self) -> Checkpoints:
        return _WatchedCheckpoints(self.path)

    def write_config(self, config: RunConfig) -> None:
        pass

    def append(self, file_name: str, record: Mapping[str, Any]) -> None:
        pass

    def truncate_after(self, step: int, begun_anew: Phase | None = None) -> None:
        pass

    def write_loss_history(self) -> None:
        pass


class _WatchedCheckpoints(Checkpoints):
    def save(
        self,
        step: int,
        state: dict[str, Any],
        model: dict[str, Tensor],
        optimizer: dict[str, Tensor],
    ) -> None:
        pass

    def write_best(self, best: dict[Phase, dict[str, float]]) -> None:
        pass

    def prune(self) -> None:
        pass


@dataclass(frozen=True)
class SharedBudget:
    """The first process's clock, for all. The others have no budget of their own."""

    ranks: Ranks
    own: Budget | None

    def replan(self, step: int, pace: Pace) -> Pace | None:
        """The new plan before `step`, None where the old one holds."""
        return self.ranks.decided(lambda: None if self.own is None else self.own.replan(step, pace))

    def before_step(self, evaluated: bool) -> None:
        if self.own is not None:
            self.own.before_step(evaluated)


def measured_by_the_first(ranks: Ranks, evaluate: Evaluate) -> Evaluate:
    """Measure in the first process, and let all know; a model that is divided in all of them,
    which compute it together."""

    def measured(model: nn.Module) -> Likelihood:
        if any(map(is_divided, model.parameters())):
            found = evaluate(model)
            return ranks.decided(lambda: found)
        return ranks.decided(lambda: evaluate(model))

    return measured


def stopped_together(ranks: Ranks, callbacks: Callbacks) -> Callbacks:
    """A stop that reaches one process stops all of them before the same step."""
    asked = callbacks.stop_requested
    return replace(callbacks, stop_requested=lambda: ranks.any(asked()))


def check_rows(ranks: Ranks, batch: BatchSettings, divided: bool = False) -> None:
    """Raises TrainingError where a process would have no row of a step to read, or of a model that
    is `divided`, fewer than another: they make every pass together."""
    rows = rows_of_step(batch)
    if divided and rows % ranks.count:
        more = -(-rows // ranks.count) * ranks.count * batch.sequence_length
        raise TrainingError(
            f"A step reads {rows} rows, which cannot be dealt out evenly to {ranks.count} "
            "processes that share one model. Read more: "
            f"--set train.total_batch_size={more}."
        )
    if rows < ranks.count:
        raise TrainingError(
            f"A step reads {rows} rows, too few for {ranks.count} processes. Start at most {rows}, "
            f"or read more: --set train.total_batch_size={ranks.count * batch.sequence_length}."
        )
