"""Pure schedules: how far a phase is, and what the learning rate is there.

Knows: numbers only. Data: (step, plan) -> progress 0…1 -> learning-rate factor.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from inkling.config import ScheduleSettings

Knot = tuple[int, float]
"""(step, progress)"""


def progress_knots(steps: int, replans: Sequence[tuple[int, int]]) -> list[Knot]:
    """Progress as a piecewise-linear function of the step.

    `steps` is the first plan; each re-plan `(at, new_steps)` keeps the progress reached at
    step `at` and spreads the rest over the steps up to `new_steps`, so that a learning rate
    that depends on progress never jumps.
    """
    knots: list[Knot] = [(0, 0.0), (max(1, steps), 1.0)]
    for at, new_steps in replans:
        reached = progress(knots, at)
        knots = [*(k for k in knots if k[0] < at), (at, reached), (max(at + 1, new_steps), 1.0)]
    return knots


def progress(knots: Sequence[Knot], step: int) -> float:
    """Share of the phase done before `step`, 0 to 1."""
    for (start, low), (stop, high) in itertools.pairwise(knots):
        if step <= stop:
            return low + (high - low) * (step - start) / (stop - start)
    return 1.0


def lr_factor(settings: ScheduleSettings, step: int, done: float) -> float:
    """Factor on the peak learning rate: warm-up by step, then constant, then a linear fall
    over the last `decay_ratio` of the phase to `min_lr_ratio`."""
    warm = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    left = min(1.0, (1.0 - done) / settings.decay_ratio)
    return warm * (settings.min_lr_ratio + (1.0 - settings.min_lr_ratio) * left)
