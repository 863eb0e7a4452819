"""What a run begins with: sizes, steps and rates, fixed before the first step.

Knows: how a request, a corpus and a machine become a `RunConfig`; how a run is repeated. Does
not know: the loop, the terminal.
Data: prepared data + request -> assembly -> `RunConfig` -> config.json.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

import torch

from inkling import __version__
from inkling.config import (
    RunConfig,
    Selection,
    TrainRequest,
)
from inkling.errors import RunError, TrainingError
from inkling.preparation import (
    Prepared,
    nothing_half_begun,
)
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.training import planner
from inkling.training.assembly import exact_plan, recipe_plan, timed_plan
from inkling.training.phase_budget import deadline
from inkling.training.probe import check_memory, timed_costs
from inkling.training.session import Session

LEAST_SECONDS = 0.3
"""To train in: of less nothing comes."""


def start_run(prepared: Prepared, request: TrainRequest, runtime: Runtime) -> Run:
    """Fix every setting of a new run whose data is prepared; nothing is trained yet.

    With `steps`, every choice is a pure function of corpus, recipe and seed. With `minutes`,
    the machine's speed is measured first and what follows from it is written to config.json.
    """
    run = Run(prepared.path)
    with nothing_half_begun(run.path):
        run.write_config(_configure(run, prepared, request, runtime))
    return run


def start_repeat(prepared: Prepared, config: RunConfig) -> Run:
    """A new run with another's every setting. Raises RunError where the text is another."""
    run = Run(prepared.path)
    with nothing_half_begun(run.path):
        if config.parent is not None:
            raise RunError(
                f"The run {config.name!r} was fine-tuned from {config.parent!r}: repeat that one "
                "with --repeat, then fine-tune it."
            )
        if prepared.facts.corpus_hash != config.data.corpus_hash:
            raise RunError(
                f"The corpus is not the one that {config.name!r} was trained on, so it cannot be "
                "repeated. Train a new run: inkling train."
            )
        if prepared.facts.masked_hash != config.data.masked_hash:
            raise RunError(
                f"Other things are masked now than when {config.name!r} was trained, so it cannot "
                "be repeated. See: inkling corpus review. Or train a new run: inkling train."
            )
        fresh = {
            "name": run.name,
            "complete": False,
            "group": None,
            "created": now(),
            "inkling_version": __version__,
        }
        run.write_config(config.model_copy(update=fresh))
    return run


def now() -> str:
    """As a run's `created` has it."""
    return datetime.now(UTC).isoformat()


def _configure(run: Run, prepared: Prepared, request: TrainRequest, runtime: Runtime) -> RunConfig:
    facts = prepared.facts
    session = Session.open(run, runtime)
    vocab_size = session.tokenizer.vocab_size
    minutes: float | None = None
    if request.steps is not None:
        plan = exact_plan(request, facts, vocab_size, request.steps)
    elif request.recipe == "modern" or request.minutes is not None:
        minutes = request.minutes or planner.DEFAULT_MINUTES
        seconds = _seconds_left(minutes, request, runtime)
        gflops = planner.measure_gflops(runtime) * runtime.ranks.count
        plan = timed_plan(
            request, facts, vocab_size, seconds, gflops, partial(timed_costs, session, seconds)
        )
    else:
        plan = recipe_plan(request, facts, vocab_size)
    check_memory(plan.model)
    typed = {
        key: value
        for key, value in (("eval_every", request.eval_every), ("save_every", request.save_every))
        if value is not None
    }
    return RunConfig(
        inkling_version=__version__,
        torch_version=torch.__version__,
        name=run.name,
        recipe=request.recipe,
        seed=request.seed,
        merges=session.tokenizer.merges,
        group=request.group,
        created=now(),
        minutes=minutes,
        figures=request.figures,
        model=plan.model,
        train=plan.train.replace(**typed),
        finetune=plan.finetune and plan.finetune.replace(**typed),
        data=facts,
        selection=request.selection or Selection(),
        starters=prepared.starters,
    )


def _seconds_left(minutes: float, request: TrainRequest, runtime: Runtime) -> float:
    """To train and measure in. Raises TrainingError where reading the text took it all."""
    seconds = deadline(minutes, runtime, request.figures) - time.time()
    if seconds < LEAST_SECONDS:
        spent = time.time() - runtime.started
        raise TrainingError(
            f"{minutes:g} minutes are too few for this corpus on this machine: reading it took "
            f"{spent:.0f} s. Give it more: --minutes {spent / 60 + 1:.1g}."
        )
    return seconds
