"""What a training of some minutes will be: how its time is shared out, and what that buys.

Knows: how phases share the time; weights, memory, disk and quality of a plan. Does not know:
clocks, files, how long a step takes (that comes in as a function: `inkling train` times it,
`inkling doctor` reckons it from the machine's speed).
Data: facts + minutes -> `Plan` -> `Promise`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from inkling.config import (
    DataFacts,
    LadderSettings,
    ModelSettings,
    Phase,
    Plan,
    TrainingSettings,
)
from inkling.runs import KEEP_LATEST, MAX_SNAPSHOTS
from inkling.training import planner, recipes

_RESERVE_SECONDS, _FIGURE_SECONDS = 0.3, 1.5
"""Kept back at the end of a timed command: last checkpoint, last words, exit; and what drawing
the figures takes, importing matplotlib included."""

_STATE_BYTES = 16
"""Of a weight while it learns: itself, its gradient and two moments of the optimizer."""
_PROCESS_BYTES = 400e6
"""What torch takes by itself."""


def usable_seconds(minutes: float, figures: bool) -> float:
    """Of a timed command those that preparing, learning and measuring may take."""
    return 60 * minutes - _RESERVE_SECONDS - _FIGURE_SECONDS * figures


StepSeconds = Callable[[ModelSettings | LadderSettings, TrainingSettings], float]
"""Seconds of a training step, timed or reckoned."""


def fit_to_clock(facts: DataFacts, plan: Plan, seconds: float, step_seconds: StepSeconds) -> Plan:
    """The plan with as many steps of both phases as fit into `seconds`.

    A step is timed once: were each phase timed for itself, a moment in which the machine is busy
    elsewhere would take the other phase's time away.
    """
    begun = time.time()
    step = step_seconds(plan.model, plan.train)
    left = seconds - (time.time() - begun)
    finetune = plan.finetune
    share = 0.0
    if finetune is not None:
        share = recipes.CLASSIC_FINETUNE_SHARE
        tuning_step = step * finetune.total_batch_size / plan.train.total_batch_size
        held_out = held_out_tokens(facts, "finetune")
        fitting = planner.with_steps(finetune, left * share, tuning_step, held_out)
        finetune = fitting
        if isinstance(plan.model, ModelSettings):
            total = round(fitting.steps / share)
            steps = planner.finetune_steps(total, plan, facts)
            share = steps / total
            evaluations = round(steps / fitting.eval_every)
            evaluations = max(1, min(planner.MAX_EVALUATIONS, evaluations))
            finetune = planner.with_cadence(fitting, steps, evaluations)
    train = planner.with_steps(
        plan.train, left * (1 - share), step, held_out_tokens(facts, "train")
    )
    return planner.with_dialogs(Plan(model=plan.model, train=train, finetune=finetune), facts)


def held_out_tokens(facts: DataFacts, phase: Phase) -> int:
    """Tokens that a phase is measured on: dialogs, too, where no writing is held out."""
    if phase == "finetune" or facts.val_tokens < 2:
        return facts.held_out_dialog_tokens
    return facts.val_tokens


def memory_bytes(weights: int) -> float:
    """Main memory that training so many weights takes, torch included."""
    return _STATE_BYTES * weights + _PROCESS_BYTES


def disk_bytes(weights: int, text_tokens: int) -> int:
    """What a run leaves on the disk, roughly and at most: the best checkpoints and the newest
    whole, the others as weights, and its text as ids."""
    whole = KEEP_LATEST + 2  # the best of either phase
    return 4 * weights * (3 * whole + MAX_SNAPSHOTS) + 4 * text_tokens


@dataclass(frozen=True)
class Promise:
    """What a run of the recipe `modern` is expected to be. `expected_nats` is of held-out
    writing, a character."""

    readings: float
    """How many times the base phase reads the text."""
    expected_nats: float


def promise(train: TrainingSettings, facts: DataFacts, weights: int) -> Promise:
    """What a plan promises before its first step."""
    seen = train.steps * train.total_batch_size
    return Promise(
        readings=seen / max(1, facts.train_tokens),
        expected_nats=planner.expected_nats(facts.bzip2_nats, seen, weights),
    )


@dataclass(frozen=True)
class Forecast:
    """A training of `minutes` that was not begun."""

    minutes: float
    plan: Plan
    weights: int
    promise: Promise


def forecast(
    minutes: float, seconds: float, facts: DataFacts, vocab_size: int, gflops: float
) -> Forecast:
    """What `inkling train --minutes` would make of the text that `facts` are of.

    `seconds` are those of the minutes that are left to learn in; `gflops` is the machine's speed.
    """
    tunes = facts.dialogs > 0 and facts.held_out_dialogs > 0

    def step_seconds(model: ModelSettings | LadderSettings, settings: TrainingSettings) -> float:
        assert isinstance(model, ModelSettings)
        return planner.estimated_step_seconds(model, settings, gflops)

    plan = planner.make_plan(vocab_size, seconds, gflops, tunes)
    plan = fit_to_clock(facts, plan, seconds, step_seconds)
    assert isinstance(plan.model, ModelSettings)
    weights = planner.parameter_estimate(plan.model)
    return Forecast(minutes, plan, weights, promise(plan.train, facts, weights))
