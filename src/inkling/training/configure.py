"""What a run begins with: sizes, steps and rates, fixed before the first step.

Knows: how a request, a corpus and a machine become a `RunConfig`; how a run is repeated or
taken over for fine-tuning. Does not know: the loop, the terminal.
Data: prepared data + request -> assembly -> `RunConfig` -> config.json.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import torch

from inkling import __version__
from inkling.atomic_files import atomic_folder
from inkling.config import (
    DataFacts,
    LadderSettings,
    ModelSettings,
    RunConfig,
    Selection,
    TrainingSettings,
    TrainRequest,
)
from inkling.errors import RunError, TrainingError
from inkling.machine import memory
from inkling.model.build import build_model, count_parameters
from inkling.preparation import (
    Prepared,
    new_run_path,
    nothing_half_begun,
    prepare,
    read_split,
    starter_questions,
)
from inkling.run_files import METRICS_FILE
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.loader import WindowLoader
from inkling.tokens.tokenizer import Tokenizer
from inkling.training import cadence, planner, recipes
from inkling.training.assembly import exact_plan, most_steps, recipe_plan, timed_plan
from inkling.training.cadence import FEWEST_EVALUATED_TOKENS, Costs
from inkling.training.divided import divides
from inkling.training.forecast import STATE_BYTES
from inkling.training.reading import character_limit
from inkling.training.session import Session, deadline
from inkling.training.step import time_step
from inkling.workspace import Workspace

PROBE_SHARE = 0.02
"""Of the time that is left, for timing a step."""
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
            "created": _now(),
            "inkling_version": __version__,
        }
        run.write_config(config.model_copy(update=fresh))
    return run


def start_finetune(
    workspace: Workspace, parent_name: str | None, request: TrainRequest, runtime: Runtime
) -> Run:
    """A new run that fine-tunes the base of another on the dialogs there are now.

    The parent's tokenizer and base weights are taken over; the parent stays as it is. Of the
    request only steps (of fine-tuning), minutes and figures count.
    """
    parent = Run.choose(workspace, parent_name)
    base_step = parent.checkpoints.best_step("train")
    if base_step is None:
        raise RunError(f"The run {parent.name!r} has no trained base to fine-tune.")
    parent_config = parent.config()
    path = new_run_path(workspace, Run.next_name(workspace, f"{parent.name}-tuned"))
    selection = request.selection or parent_config.selection
    limit = 0
    if request.steps is None and (request.minutes is not None or parent_config.minutes is not None):
        seconds = 60 * (request.minutes or planner.DEFAULT_MINUTES)
        limit = character_limit(workspace, seconds, runtime.started, selection)
    split, corpus_hash = read_split(workspace, limit, selection)
    if not split.train_dialogs or not split.held_out_dialogs:
        raise TrainingError(
            f"There are {len(split.train_dialogs) + len(split.held_out_dialogs)} dialogs here; "
            "fine-tuning needs about ten, so that some can be kept aside. "
            "Add them:/me: text with: inkling add PATH."
        )
    facts = prepare(split, corpus_hash, path, Tokenizer.load(parent.tokenizer_path))
    if split.share < 1:
        facts = facts.model_copy(update={"character_limit": limit})
    run = Run(path)
    with nothing_half_begun(path):
        source = parent.checkpoints.path(base_step)
        with atomic_folder(run.checkpoints.path(base_step)) as folder:
            shutil.copytree(source, folder, dirs_exist_ok=True)
        run.checkpoints.write_best({"train": parent.checkpoints.best()["train"]})
        for record in parent.records(METRICS_FILE):
            if record["phase"] == "train" and record["step"] <= base_step:
                run.append(METRICS_FILE, record)
        for entry in parent.stale():
            # The weights begin as the parent's, and so does what they were trained on.
            run.mark_stale(entry["what"], entry.get("documents", 0), entry.get("conversations", 0))
        session = Session.open(run, runtime)
        tuning, minutes = _tuning(session, parent_config, facts, request)
        # What the base knows may be drawn too.
        known = _joined(parent_config.data.live_ranges, facts.live_ranges)
        run.write_config(
            parent_config.model_copy(
                update={
                    "inkling_version": __version__,
                    "torch_version": torch.__version__,
                    "name": run.name,
                    "parent": parent.name,
                    "imported": False,
                    "minutes": minutes,
                    "created": _now(),
                    "figures": request.figures,
                    "finetune": tuning,
                    "data": facts.model_copy(update={"live_ranges": known}),
                    "selection": selection,
                    "starters": starter_questions(split),
                    "replans": (),
                    "complete": False,
                }
            )
        )
    return run


def _joined(
    some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """Half-open ranges of whatever is in either, ascending and apart."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted((*some, *others)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return tuple(found)


def _tuning(
    session: Session, parent: RunConfig, facts: DataFacts, request: TrainRequest
) -> tuple[TrainingSettings, float | None]:
    """The settings of a fine-tuning alone, and its minutes where it is timed. A classic recipe
    makes its own number of steps unless told otherwise."""
    held_out = cadence.held_out_tokens(facts, "finetune")
    timed = request.minutes is not None
    if parent.recipe == "modern" or recipes.is_rung(parent.recipe):
        settings = planner.finetune_settings(parent.train)
        timed = request.steps is None
    else:
        fixed = recipes.fixed_plan(parent.recipe, parent.model.vocab_size, dialogs=True).finetune
        assert fixed is not None
        settings = fixed.model_copy(update={"batch": parent.train.batch})
    if request.steps is not None:
        settings = cadence.with_cadence(settings, request.steps, 10)
    if not timed:
        return cadence.with_sample(settings, held_out), None
    minutes = request.minutes or planner.DEFAULT_MINUTES
    seconds = max(1.0, deadline(minutes, session.runtime, request.figures) - time.time())
    begun = time.monotonic()
    costs = _timed(session, seconds, parent.model, settings)
    left = max(0.0, seconds - (time.monotonic() - begun))
    settings = cadence.with_steps(settings, left, costs, held_out)
    most = most_steps("finetune", settings, facts)
    return cadence.at_most(settings, most), minutes


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _check_memory(model_settings: ModelSettings | LadderSettings) -> None:
    """Raise TrainingError where weights, gradients and moments cannot fit this machine."""
    weights = count_parameters(model_settings)
    needed = STATE_BYTES * weights
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
    minutes: float | None = None
    if request.steps is not None:
        plan = exact_plan(request, facts, vocab_size, request.steps)
    elif request.recipe == "modern" or request.minutes is not None:
        minutes = request.minutes or planner.DEFAULT_MINUTES
        seconds = _seconds_left(minutes, request, runtime)
        gflops = planner.measure_gflops(runtime) * runtime.ranks.count
        plan = timed_plan(
            request, facts, vocab_size, seconds, gflops, partial(_timed, session, seconds)
        )
    else:
        plan = recipe_plan(request, facts, vocab_size)
    _check_memory(plan.model)
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
        created=_now(),
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


def _timed(
    session: Session,
    seconds: float,
    model_settings: ModelSettings | LadderSettings,
    settings: TrainingSettings,
) -> Costs:
    """What a phase is made of, timed on a throw-away model in a small part of `seconds`.

    Raises TrainingError where the model does not fit the machine's memory.
    """
    _check_memory(model_settings)
    torch.manual_seed(0)
    if divides(session.runtime.ranks, [settings.batch]):
        raise TrainingError(
            "A model that several processes share cannot be timed by one of them. Say how many "
            "steps it makes: --steps 2000."
        )
    model = build_model(model_settings).to(session.runtime.device)
    # Any rows will do: what a step costs does not depend on what it reads.
    loader = WindowLoader(session.part("train"), settings.batch.sequence_length, 0)
    patience = min(0.5, PROBE_SHARE * seconds)
    step = time_step(model, loader, settings, session.runtime, patience)
    costs = Costs.of_step(step, settings.batch.total_batch_size)
    return replace(costs, token=time_token(session, model, model_settings.context_length))


def time_token(session: Session, model: torch.nn.Module, context_length: int) -> float:
    """Seconds of measuring a held-out token."""
    wanted = min(FEWEST_EVALUATED_TOKENS, max(1, len(session.held_out("train"))))
    evaluate = session.evaluator("train", context_length, wanted)
    begun = time.perf_counter()
    evaluate(model)
    return (time.perf_counter() - begun) / wanted
