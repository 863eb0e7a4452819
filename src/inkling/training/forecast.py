"""What a plan costs and what it buys: memory, disk, and the loss to expect.

Knows: weights, bytes and quality of a plan. Does not know: how plans are made (assembly),
clocks, files.
Data: facts + `TrainingPlan` -> `Estimate`; facts + minutes -> `Forecast`, for `inkling doctor`.
"""

from __future__ import annotations

from dataclasses import dataclass

from inkling.checkpoints import KEEP_LATEST, MAX_SNAPSHOTS
from inkling.config import (
    DataFacts,
    LadderSettings,
    ModelSettings,
    TrainingPlan,
    TrainingSettings,
    TrainRequest,
)
from inkling.training import planner
from inkling.training.assembly import timed_plan
from inkling.training.cadence import Costs

_RESERVE_SECONDS, _FIGURE_SECONDS = 0.3, 1.5
"""Kept back at the end of a timed command: last checkpoint, last words, exit; and what drawing
the figures takes, importing matplotlib included."""

STATE_BYTES = 16
"""Of a weight while it learns: itself, its gradient and two moments of the optimizer."""
_PROCESS_BYTES = 400e6
"""What torch takes by itself."""


def usable_seconds(minutes: float, figures: bool) -> float:
    """Of a timed command those that preparing, learning and measuring may take."""
    return 60 * minutes - reserve_seconds(figures)


def reserve_seconds(figures: bool) -> float:
    """What the end of a timed command takes on a machine that nobody else uses."""
    return _RESERVE_SECONDS + _FIGURE_SECONDS * figures


def memory_bytes(weights: int) -> float:
    """Main memory that training so many weights takes, torch included."""
    return STATE_BYTES * weights + _PROCESS_BYTES


def disk_bytes(weights: int, text_tokens: int) -> int:
    """What a run leaves on the disk, roughly and at most: the best checkpoints and the newest
    whole, the others as weights, and its text as ids."""
    whole = KEEP_LATEST + 2  # the best of either phase
    return 4 * weights * (3 * whole + MAX_SNAPSHOTS) + 4 * text_tokens


@dataclass(frozen=True)
class Estimate:
    """What a run of the recipe `modern` is expected to be. `expected_nats` is of held-out
    writing, a character."""

    readings: float
    """How many times the base phase reads the text."""
    expected_nats: float


def estimate(train: TrainingSettings, facts: DataFacts, weights: int) -> Estimate:
    """What is expected of a plan before its first step."""
    seen = train.schedule.steps * train.batch.total_batch_size
    return Estimate(
        readings=seen / max(1, facts.train_tokens),
        expected_nats=planner.expected_nats(facts.bzip2_nats, seen, weights),
    )


@dataclass(frozen=True)
class Forecast:
    """A training of `minutes` that was not begun."""

    minutes: float
    plan: TrainingPlan
    weights: int
    estimate: Estimate


def forecast(
    minutes: float, seconds: float, facts: DataFacts, vocab_size: int, gflops: float
) -> Forecast:
    """What `inkling train --minutes` would make of the text that `facts` are of.

    `seconds` are those of the minutes that are left to learn in; `gflops` is the machine's speed.
    """

    def costs(model: ModelSettings | LadderSettings, settings: TrainingSettings) -> Costs:
        assert isinstance(model, ModelSettings)
        step = planner.estimated_step_seconds(model, settings, gflops)
        return Costs.of_step(step, settings.batch.total_batch_size)

    request = TrainRequest(minutes=minutes)
    plan = timed_plan(request, facts, vocab_size, seconds, gflops, costs)
    assert isinstance(plan.model, ModelSettings)
    weights = plan.model.parameter_count()
    return Forecast(minutes, plan, weights, estimate(plan.train, facts, weights))
