"""What a run begins with: sizes, steps and rates, fixed before the first step.

Knows: how a request, a corpus and a machine become a `RunConfig`; how a run is repeated or
taken over for fine-tuning. Does not know: the loop, the terminal.
Data: prepared data + request -> recipe or planner -> overrides -> steps that fit -> config.json.
"""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from functools import partial

import torch

from inkling import __version__
from inkling.config import (
    DataFacts,
    LadderSettings,
    ModelSettings,
    Phase,
    Plan,
    RunConfig,
    TrainingSettings,
    TrainRequest,
)
from inkling.errors import RunError, TrainingError
from inkling.machine import memory
from inkling.model.build import build_model, count_parameters
from inkling.preparation import (
    Prepared,
    new_run_path,
    prepare,
    read_split,
    starter_questions,
)
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.loader import WindowLoader
from inkling.tokens.tokenizer import Tokenizer
from inkling.training import planner, recipes
from inkling.training.forecast import fit_to_clock
from inkling.training.loop import time_step
from inkling.training.overrides import apply_overrides
from inkling.training.session import Session, deadline
from inkling.workspace import Workspace, atomic_folder


def start_run(prepared: Prepared, request: TrainRequest, runtime: Runtime) -> Run:
    """Fix every setting of a new run whose data is prepared; nothing is trained yet.

    With `steps`, every choice is a pure function of corpus, recipe and seed. With `minutes`,
    the machine's speed is measured first and what follows from it is written to config.json.
    """
    run = Run(prepared.path)
    try:
        run.write_config(_configure(run, prepared, request, runtime))
    except BaseException:
        shutil.rmtree(prepared.path, ignore_errors=True)
        raise
    return run


def start_repeat(prepared: Prepared, config: RunConfig) -> Run:
    """A new run with another's every setting. Raises RunError where the text is another."""
    run = Run(prepared.path)
    try:
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
        fresh = {
            "name": run.name,
            "complete": False,
            "group": None,
            "created": _now(),
            "inkling_version": __version__,
        }
        run.write_config(config.model_copy(update=fresh))
    except BaseException:
        shutil.rmtree(prepared.path, ignore_errors=True)
        raise
    return run


def start_finetune(
    workspace: Workspace, parent_name: str | None, request: TrainRequest, runtime: Runtime
) -> Run:
    """A new run that fine-tunes the base of another on the dialogs there are now.

    The parent's tokenizer and base weights are taken over; the parent stays as it is. Of the
    request only steps (of fine-tuning), minutes and figures count.
    """
    parent = Run.choose(workspace, parent_name)
    base_step = parent.best_step("train")
    if base_step is None:
        raise RunError(f"The run {parent.name!r} has no trained base to fine-tune.")
    parent_config = parent.config()
    path = new_run_path(workspace, Run.next_name(workspace, f"{parent.name}-tuned"))
    split, corpus_hash = read_split(workspace)
    if not split.train_dialogs or not split.held_out_dialogs:
        raise TrainingError(
            f"There are {len(split.train_dialogs) + len(split.held_out_dialogs)} dialogs here; "
            "fine-tuning needs about ten, so that some can be kept aside. "
            "Add them:/me: text with: inkling add PATH."
        )
    facts = prepare(split, corpus_hash, path, Tokenizer.load(parent.tokenizer_path))
    run = Run(path)
    try:
        source = parent.checkpoint_path(base_step)
        with atomic_folder(run.checkpoint_path(base_step)) as folder:
            shutil.copytree(source, folder, dirs_exist_ok=True)
        run.write_best({"train": parent.best()["train"]})
        for record in parent.records("metrics.jsonl"):
            if record["phase"] == "train" and record["step"] <= base_step:
                run.append("metrics.jsonl", record)
        for entry in parent.stale():
            # The weights begin as the parent's, and so does what they were trained on.
            run.mark_stale(entry["what"], entry.get("documents", 0), entry.get("conversations", 0))
        session = Session.open(run, runtime)
        tuning, minutes = _tuning(session, parent_config, request)
        run.write_config(
            parent_config.model_copy(
                update={
                    "inkling_version": __version__,
                    "torch_version": torch.__version__,
                    "name": run.name,
                    "parent": parent.name,
                    "minutes": minutes,
                    "created": _now(),
                    "figures": request.figures,
                    "finetune": tuning,
                    "data": facts,
                    "starters": starter_questions(split),
                    "replans": (),
                    "complete": False,
                }
            )
        )
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return run


def _tuning(
    session: Session, parent: RunConfig, request: TrainRequest
) -> tuple[TrainingSettings, float | None]:
    """The settings of a fine-tuning alone, and its minutes where it is timed. A classic recipe
    makes its own number of steps unless told otherwise."""
    if parent.recipe == "modern" or recipes.is_rung(parent.recipe):
        settings = planner.finetune_settings(parent.train)
    else:
        fixed = recipes.fixed_plan(parent.recipe, parent.model.vocab_size, dialogs=True).finetune
        assert fixed is not None
        kept = ("total_batch_size", "device_batch_size", "sequence_length")
        settings = fixed.model_copy(update={key: getattr(parent.train, key) for key in kept})
        if request.steps is None and request.minutes is None:
            return _sampled(session, settings, "finetune"), None
    if request.steps is not None:
        exact = planner.with_cadence(settings, request.steps, 10)
        return _sampled(session, exact, "finetune"), None
    minutes = request.minutes or planner.DEFAULT_MINUTES
    step_seconds = _step_seconds(session, parent.model, settings)
    seconds = max(1.0, deadline(minutes, session.runtime, request.figures) - time.time())
    held_out = len(session.held_out("finetune"))
    return planner.with_steps(settings, seconds, step_seconds, held_out), minutes


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _check_memory(plan: Plan) -> None:
    """Raise TrainingError where weights, gradients and moments cannot fit this machine."""
    weights = count_parameters(plan.model)
    needed = 16 * weights
    available = memory().total
    if needed > available:
        raise TrainingError(
            f"A model of {weights:,} weights needs {needed / 1e9:,.0f} GB to train; this machine "
            f"has {available / 1e9:,.0f}. Choose a smaller n_embd or n_layer."
        )


def _configure(run: Run, prepared: Prepared, request: TrainRequest, runtime: Runtime) -> RunConfig:
    facts = prepared.facts
    session = Session.open(run, runtime)
    vocab_size = session.tokenizer.vocab_size
    tunes = request.finetune and facts.dialogs > 0 and facts.held_out_dialogs > 0
    timed = request.steps is None and (request.recipe == "modern" or request.minutes is not None)
    minutes = request.minutes or planner.DEFAULT_MINUTES
    if timed:
        seconds = deadline(minutes, runtime, request.figures) - time.time()
        if seconds < 1:
            spent = time.time() - runtime.started
            raise TrainingError(
                f"{minutes:g} minutes are too few for this corpus on this machine: reading it took "
                f"{spent:.0f} s. Give it more: --minutes {spent / 60 + 1:.1g}."
            )
        if request.recipe == "modern":
            gflops = planner.measure_gflops(runtime)
            plan = planner.make_plan(vocab_size, seconds, gflops, tunes)
        else:
            plan = recipes.fixed_plan(request.recipe, vocab_size, tunes)
        plan = apply_overrides(plan, request.overrides)
        _check_memory(plan)
        plan = fit_to_clock(facts, plan, seconds, partial(_step_seconds, session))
    elif request.recipe == "modern":
        assert request.steps is not None
        plan = planner.plan_for_steps(vocab_size, request.steps, tunes)
        plan = apply_overrides(plan, request.overrides)
        tuned = 0
        if plan.finetune is not None:
            # As many as a timed training would give it at the most beside so many base steps.
            most = planner.most_finetune_steps(plan.finetune, facts)
            tuned = max(1, min(round(1.5 * request.steps), most))
        plan = _exact(facts, plan, request.steps, tuned)
    else:
        plan = recipes.fixed_plan(request.recipe, vocab_size, tunes)
        plan = apply_overrides(plan, request.overrides)
        if request.steps is not None:
            ratio = plan.finetune.steps / plan.train.steps if plan.finetune else 0.0
            plan = _exact(facts, plan, request.steps, max(1, round(ratio * request.steps)))
    _check_memory(plan)
    base, finetune = plan.train, plan.finetune
    if not timed:
        base = _sampled(session, base, "train")
        finetune = finetune and _sampled(session, finetune, "finetune")
    overrides = {
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
        created=_now(),
        minutes=minutes if timed else None,
        figures=request.figures,
        model=plan.model,
        train=base.model_copy(update=overrides),
        finetune=finetune and finetune.model_copy(update=overrides),
        data=facts,
        starters=prepared.starters,
    )


def _exact(facts: DataFacts, plan: Plan, steps: int, finetune_steps: int) -> Plan:
    """A plan for exactly so many steps of each phase, evaluated some ten times each."""
    finetune = plan.finetune
    if finetune is not None:
        finetune = planner.with_cadence(finetune, finetune_steps, 10)
    train = planner.with_cadence(plan.train, steps, 10)
    return planner.with_dialogs(Plan(model=plan.model, train=train, finetune=finetune), facts)


def _step_seconds(
    session: Session, model_settings: ModelSettings | LadderSettings, settings: TrainingSettings
) -> float:
    """Time a few steps on a throw-away model."""
    torch.manual_seed(0)
    model = build_model(model_settings).to(session.runtime.device)
    # Any rows will do: what a step costs does not depend on what it reads.
    loader = WindowLoader(session.part("train"), settings.sequence_length, 0)
    return time_step(model, loader, settings, session.runtime)


def _sampled(session: Session, settings: TrainingSettings, phase: Phase) -> TrainingSettings:
    """Settings of an exact number of steps, measured on a sample where all would take too long."""
    return planner.with_sample(settings, len(session.held_out(phase)), settings.steps)
