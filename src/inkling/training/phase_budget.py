"""How long the phases of a timed training may take.

Knows: when the last step of a command must have ended, what share of the time a phase has, and
how much earlier a training ends on a busy machine. Does not know: what is trained.
Data: a run's config and the clock -> `Budget` of a phase.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from inkling.config import Phase, RunConfig, TrainingSettings
from inkling.runtime import Runtime
from inkling.training.assembly import most_steps
from inkling.training.budget import Budget, TimeBudget
from inkling.training.cadence import EVALUATION_SHARE
from inkling.training.forecast import reserve_seconds, usable_seconds
from inkling.training.parallel import SharedBudget

MOST_SLOWED = 10.0
"""How many times longer the end of a command is expected to take, at most."""


def deadline(minutes: float, runtime: Runtime, figures: bool) -> float:
    """`time.time()` by which the last step of a timed command must have ended."""
    return runtime.started + usable_seconds(minutes, figures)


def phase_budget(
    config: RunConfig,
    runtime: Runtime,
    phase: Phase,
    settings: TrainingSettings,
    held_out: int,
) -> Budget | None:
    """Keeps a timed phase to its share of the minutes; None where steps were asked for. `held_out`
    is the number of tokens that it can be measured on."""
    ranks = runtime.ranks
    if config.minutes is None:
        return None
    if not ranks.first:
        return SharedBudget(ranks, None)
    seconds = deadline(config.minutes, runtime, config.figures) - time.time()
    last = phase == "finetune" or config.finetune is None
    if config.finetune is not None and not last:
        # What the two phases cost is as the tokens that they read.
        base, tuning = (
            each.schedule.steps * each.batch.total_batch_size
            for each in (config.train, config.finetune)
        )
        seconds *= base / (base + tuning)
    planned = settings.evaluation
    evaluations = -(-settings.schedule.steps // planned.eval_every) + (phase == "finetune")
    final = (planned.final_tokens or held_out) / max(1, planned.eval_tokens or held_out)
    budget = TimeBudget(
        max(0.0, seconds),
        evaluation=EVALUATION_SHARE / 2 * max(0.0, seconds) / max(1, evaluations),
        final=final if planned.final_tokens != planned.eval_tokens else 0.0,
        most=most_steps(phase, settings, config.data),
        late=_lateness(runtime, reserve_seconds(config.figures)) if last else lambda: 0.0,
    )
    return SharedBudget(ranks, budget)


def _lateness(runtime: Runtime, reserve: float) -> Callable[[], float]:
    """Seconds by which a training must end earlier than on a machine of its own: what comes after
    it takes `reserve` seconds there, and longer where other programs use the cores."""
    wall, cpu = time.monotonic(), time.process_time()

    def lateness() -> float:
        if runtime.device.type != "cpu":
            return 0.0
        granted = (time.process_time() - cpu) / max(1e-9, time.monotonic() - wall)
        # Alone, a training keeps each of its threads busy for four fifths of the time.
        slowness = 0.8 * runtime.threads / max(granted, 1e-9)
        return reserve * (min(MOST_SLOWED, max(1.0, slowness)) - 1)

    return lateness
