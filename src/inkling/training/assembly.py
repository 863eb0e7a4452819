"""A run's plan, put together in one of three ways: timed, exact, or as its recipe has it.

Knows: how the two phases share the time, what of it dialogs get, when more would not help. Does
not know: clocks, files, how long a step takes (that comes in as a function: `inkling train` times
it, `inkling doctor` estimates it from the machine's speed).
Data: request + facts of the text -> sizes (planner, recipes) -> overrides -> steps (cadence)
-> `TrainingPlan`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from inkling.config import (
    DataFacts,
    LadderSettings,
    ModelSettings,
    Phase,
    RunConfig,
    TrainingPlan,
    TrainingSettings,
    TrainRequest,
)
from inkling.training import cadence, planner, recipes
from inkling.training.cadence import Costs
from inkling.training.overrides import apply_overrides, check_each

WRITING_EPOCHS = 7
"""Passes over the writing from which a base phase only learns it by heart: with dialogs to learn,
the rest of the time goes to them."""

BASE_EPOCHS = 30
"""Passes over the whole text of a timed base phase, at most. Where the minutes would make more, the
training ends before them: of a few pages the held-out loss has long been rising by then
(docs/decisions.md)."""

FINETUNE_EPOCHS = 40
BASE_DIALOG_EPOCHS = 15
"""Passes over the dialogs in either phase, at most. The more, the more of what is asked is
answered with the right fact, though held-out loss rises (docs/decisions.md)."""

MAX_DIALOG_RATIO = 0.5
"""Share of base rows that are dialogs, at most."""

_SOME_VOCABULARY = 1_024
"""Any: names of settings and what they can be do not depend on it."""

PhaseCosts = Callable[[ModelSettings | LadderSettings, TrainingSettings], Costs]
"""What a phase is made of, timed or estimated."""


def timed_plan(
    request: TrainRequest,
    facts: DataFacts,
    vocab_size: int,
    seconds: float,
    gflops: float,
    phase_costs: PhaseCosts,
) -> TrainingPlan:
    """The plan that fills `seconds` on a machine of that speed. Only the recipe `modern` chooses
    its sizes by them."""
    tunes = fine_tunes(request, facts)
    if request.recipe == "modern":
        plan = planner.make_plan(vocab_size, seconds, gflops, tunes, facts.train_characters)
    else:
        plan = recipes.fixed_plan(request.recipe, vocab_size, tunes)
    plan = apply_overrides(plan, request.overrides)
    return fit_to_clock(facts, plan, seconds, phase_costs)


def exact_plan(
    request: TrainRequest, facts: DataFacts, vocab_size: int, steps: int
) -> TrainingPlan:
    """The plan of exactly `steps` base steps: a pure function, whatever the machine."""
    tunes = fine_tunes(request, facts)
    if request.recipe == "modern":
        plan = apply_overrides(planner.plan_for_steps(vocab_size, steps, tunes), request.overrides)
        tuning = 0
        if plan.finetune is not None:
            # As many as a timed training would give it at the most beside so many base steps.
            tuning = min(round(1.5 * steps), most_finetune_steps(plan.finetune, facts))
    else:
        plan = apply_overrides(
            recipes.fixed_plan(request.recipe, vocab_size, tunes), request.overrides
        )
        base = plan.train.schedule.steps
        tuning = round(steps * plan.finetune.schedule.steps / base) if plan.finetune else 0
    train = cadence.with_cadence(plan.train, steps, 10)
    finetune = plan.finetune and cadence.with_cadence(plan.finetune, max(1, tuning), 10)
    plan = TrainingPlan(model=plan.model, train=train, finetune=finetune)
    return _sampled(with_dialogs(plan, facts), facts)


def recipe_plan(request: TrainRequest, facts: DataFacts, vocab_size: int) -> TrainingPlan:
    """The plan of a fixed recipe with the steps it was made for."""
    plan = recipes.fixed_plan(request.recipe, vocab_size, fine_tunes(request, facts))
    return _sampled(apply_overrides(plan, request.overrides), facts)


def check_overrides(request: TrainRequest) -> None:
    """Raises UsageError for a setting that no training of this recipe has, or a value that it can
    never have: at once, before any text is read. Whether values go together shows with the plan."""
    if request.recipe == "modern":
        plan = planner.plan_for_steps(_SOME_VOCABULARY, 1, request.finetune)
    else:
        plan = recipes.fixed_plan(request.recipe, _SOME_VOCABULARY, request.finetune)
    check_each(plan, request.overrides)


def fine_tunes(request: TrainRequest, facts: DataFacts) -> bool:
    """Whether there is a second phase: wanted, and with dialogs to learn and to measure."""
    return request.finetune and facts.dialogs > 0 and facts.held_out_dialogs > 0


def _sampled(plan: TrainingPlan, facts: DataFacts) -> TrainingPlan:
    """The plan, measured on a sample where all held-out text would take too long."""
    train, finetune = plan.train, plan.finetune
    held_out = cadence.held_out_tokens(facts, "train")
    train = cadence.with_sample(train, held_out)
    if finetune is not None:
        held_out = cadence.held_out_tokens(facts, "finetune")
        finetune = cadence.with_sample(finetune, held_out)
    return TrainingPlan(model=plan.model, train=train, finetune=finetune)


def fit_to_clock(
    facts: DataFacts, plan: TrainingPlan, seconds: float, phase_costs: PhaseCosts
) -> TrainingPlan:
    """The plan with as many steps of both phases as fit into `seconds`.

    A step is timed once: were each phase timed for itself, a moment in which the machine is busy
    elsewhere would take the other phase's time away.
    """
    begun = time.monotonic()
    costs = phase_costs(plan.model, plan.train)
    left = seconds - (time.monotonic() - begun)
    finetune = plan.finetune
    share = 0.0
    if finetune is not None:
        share = recipes.CLASSIC_FINETUNE_SHARE
        held_out = cadence.held_out_tokens(facts, "finetune")
        tuning = costs.for_batch(plan.train.batch.total_batch_size, finetune.batch.total_batch_size)
        finetune = cadence.with_steps(finetune, left * share, tuning, held_out)
        if isinstance(plan.model, ModelSettings):
            total = round(finetune.schedule.steps / share)
            share = finetune_steps(total, plan, facts) / total
            finetune = cadence.with_steps(finetune, left * share, tuning, held_out)
            finetune = cadence.at_most(finetune, most_finetune_steps(finetune, facts))
    held_out = cadence.held_out_tokens(facts, "train")
    train = cadence.with_steps(plan.train, left * (1 - share), costs, held_out)
    train = cadence.at_most(train, most_base_steps(train, facts))
    return with_dialogs(TrainingPlan(model=plan.model, train=train, finetune=finetune), facts)


def most_steps(phase: Phase, settings: TrainingSettings, facts: DataFacts) -> int:
    """Steps after which more of a phase would only be learned by heart."""
    if phase == "train":
        return most_base_steps(settings, facts)
    return most_finetune_steps(settings, facts)


def learned_by_heart(config: RunConfig) -> bool:
    """Whether a timed run ends before its minutes, because more steps would not help."""
    phases: list[tuple[Phase, TrainingSettings | None]] = [
        ("train", config.train), ("finetune", config.finetune),
    ]  # fmt: skip
    return config.minutes is not None and all(
        settings is None or settings.schedule.steps >= most_steps(phase, settings, config.data)
        for phase, settings in phases
    )


def most_base_steps(train: TrainingSettings, facts: DataFacts) -> int:
    """Steps that make the passes over the text that pay."""
    return max(1, round(BASE_EPOCHS * facts.train_tokens / train.batch.total_batch_size))


def finetune_steps(total: int, plan: TrainingPlan, facts: DataFacts) -> int:
    """How many of `total` steps the second phase gets: half, and more where so many base steps
    would read the text too often; no more than its passes over the dialogs pay for."""
    assert plan.finetune is not None
    # Where dialogs are most of the text, or all of it, the base phase learns the language on them.
    text = max(facts.writing_tokens / (1 - MAX_DIALOG_RATIO), facts.dialog_tokens)
    base = WRITING_EPOCHS * text / plan.train.batch.total_batch_size
    base = min((1 - planner.FINETUNE_SHARE) * total, base)
    return max(1, min(round(total - base), most_finetune_steps(plan.finetune, facts)))


def most_finetune_steps(finetune: TrainingSettings, facts: DataFacts) -> int:
    """Steps that make the passes over the dialogs that pay."""
    tokens = FINETUNE_EPOCHS * facts.dialog_tokens / (1 - finetune.data.replay_ratio)
    return max(1, round(tokens / finetune.batch.total_batch_size))


def with_dialogs(plan: TrainingPlan, facts: DataFacts) -> TrainingPlan:
    """The plan with the share of dialogs among base rows, now that the steps are known: at
    least as many as their share of the text, at most `BASE_DIALOG_EPOCHS` passes."""
    if plan.finetune is None or not isinstance(plan.model, ModelSettings):
        return plan
    seen = plan.train.schedule.steps * plan.train.batch.total_batch_size
    least = facts.dialog_tokens / max(1, facts.dialog_tokens + facts.writing_tokens)
    passes = BASE_DIALOG_EPOCHS * facts.dialog_tokens / max(1, seen)
    ratio = round(min(MAX_DIALOG_RATIO, max(least, passes)), 3)
    train = plan.train.replace(
        dialog_ratio=ratio,
        question_dropout=plan.finetune.data.question_dropout,
        question_noise=plan.finetune.data.question_noise,
    )
    return TrainingPlan(model=plan.model, train=train, finetune=plan.finetune)
