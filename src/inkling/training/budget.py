"""Steps and the clock: how many steps a phase has, as planned and as the time turns out.

Knows: the time that is left, recorded re-plans. Does not know: models, files, what a step does.
Data: clock -> `TimeBudget.replan` -> `StepPlan` -> steps, progress and cadence of the loop; a
resume replays the recorded `Replan`s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from inkling.config import Phase, Replan
from inkling.training.cadence import EVALUATION_SHARE
from inkling.training.schedule import progress, progress_knots


class Pace(NamedTuple):
    """Steps of a phase, and steps between two evaluations."""

    steps: int
    eval_every: int


class Budget(Protocol):
    """Decides, from the clock, whether the plan must change."""

    def replan(self, step: int, pace: Pace) -> Pace | None:
        """The new plan of a phase before `step`, None where the old one holds."""
        ...

    def before_step(self, evaluated: bool) -> None:
        """Called right before a step is computed, after what was due (an evaluation, a save)."""
        ...


class Position(NamedTuple):
    """Where a phase is, as planned before a step: its steps, the share done, the cadence."""

    steps: int
    progress: float
    eval_every: int


class StepPlan:
    """The steps of a phase: planned, re-planned by a budget, or replayed."""

    def __init__(
        self, phase: Phase, planned: Pace, replans: Sequence[Replan], budget: Budget | None
    ) -> None:
        """Of the recorded `replans` those of `phase` count."""
        self._phase, self._planned, self._budget = phase, planned, budget
        self._replans = [replan for replan in replans if replan.phase == phase]
        # Decisions recorded for steps still ahead are replayed, not taken again.
        self._replayed_until = max((replan.step for replan in self._replans), default=-1)

    def replan(self, step: int) -> Replan | None:
        """Look at the clock before `step`; the change, where there is one, to be recorded."""
        if self._budget is None or step <= self._replayed_until:
            return None
        before = self._pace(self._replans)
        after = self._budget.replan(step, before)
        if after is None:
            return None
        changed = after.eval_every if after.eval_every != before.eval_every else None
        replan = Replan(phase=self._phase, step=step, steps=after.steps, eval_every=changed)
        self._replans.append(replan)
        return replan

    def before_step(self, evaluated: bool) -> None:
        """Tell the budget that a step begins."""
        if self._budget is not None:
            self._budget.before_step(evaluated)

    def at(self, step: int) -> Position:
        """The plan as it was known before `step`."""
        taken = [replan for replan in self._replans if replan.step <= step]
        knots = progress_knots(self._planned.steps, [(r.step, r.steps) for r in taken])
        return Position(knots[-1][0], progress(knots, step), self._pace(taken).eval_every)

    def _pace(self, replans: Sequence[Replan]) -> Pace:
        steps = replans[-1].steps if replans else self._planned.steps
        changed = [replan.eval_every for replan in replans if replan.eval_every is not None]
        return Pace(steps, changed[-1] if changed else self._planned.eval_every)


_LOOKS = 24
"""Looks at the clock in a phase, about; in its last tenth there are four times as many an hour."""

_MEMORY = 1 / 12
"""Share of a phase's time after which what a step took has half its weight: a machine that slows
down is noticed, a slow moment is not taken for one."""


class TimeBudget:
    """Keeps an end: measures steps and evaluations, and says how many steps still fit."""

    def __init__(
        self,
        seconds: float,
        evaluation: float,
        final: float = 0.0,
        most: float = math.inf,
        late: Callable[[], float] = lambda: 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """The phase ends `seconds` from now.

        An evaluation takes `evaluation` seconds until one was measured; what is measured after
        the last takes `final` times as long. There are at most `most` steps. `late` says how many
        seconds earlier than planned to end, now that the machine is better known.
        """
        self._clock, self._late = clock, late
        self._end = clock() + seconds
        self._length = max(seconds, 1e-3)
        self._evaluation, self._final, self._most = evaluation, final, most
        self._measured = False
        self._arrived = self._looked = clock()
        self._began: float | None = None
        self._time = self._weight = 0.0

    def before_step(self, evaluated: bool) -> None:
        """Begin to time a step; what happened since `replan` was an evaluation, or nothing."""
        self._began = self._clock()
        if evaluated:
            self._evaluation = self._began - self._arrived
            self._measured = True

    def replan(self, step: int, pace: Pace) -> Pace | None:
        """New steps and cadence of the phase, or None while the plan holds within 1 %."""
        now = self._arrived = self._clock()
        if self._began is not None:
            self._learn(now - self._began)
            self._began = None
        left = self._end - now - self._late()
        last = self._evaluation * (1 + self._final)
        if not self._weight or step >= pace.steps:
            return None
        step_seconds = self._time / self._weight
        every = pace.eval_every
        over = step + 1 < pace.steps and left < last + step_seconds
        between = self._length / (_LOOKS if left > self._length / 10 else 4 * _LOOKS)
        ending = (pace.steps - step) * step_seconds < between
        if not over and not ending and now - self._looked < between:
            return None
        self._looked = now
        worth = left - last
        hurried = step + worth / (step_seconds + self._evaluation / every) < self._most
        affordable = self._evaluation / (EVALUATION_SHARE / 2 * max(step_seconds, 1e-9))
        if hurried and self._measured and every < affordable / 2:
            # Evaluations take more than twice what they may.
            every = math.ceil(affordable)
        steps = step + int(worth / (step_seconds + self._evaluation / every))
        if steps < step + every:  # no evaluation left before the last one
            steps = step + int(worth / step_seconds)
        steps = int(max(step + 1, min(steps, self._most)))
        if abs(steps - pace.steps) <= max(1, 0.01 * pace.steps) and every == pace.eval_every:
            return None
        return Pace(steps, every)

    def _learn(self, seconds: float) -> None:
        kept = 0.5 ** (seconds / (_MEMORY * self._length))
        self._time = kept * self._time + seconds
        self._weight = kept * self._weight + 1
