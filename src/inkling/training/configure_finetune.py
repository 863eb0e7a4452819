"""What a fine-tuning of a finished base begins with.

Knows: what it takes over from its parent, and which dialogs it learns from. Does not know: the
loop, the terminal. Data: parent run + dialogs -> a new run with its `RunConfig`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence

import torch

from inkling import __version__
from inkling.atomic_files import atomic_folder
from inkling.config import (
    DataFacts,
    RunConfig,
    TrainingSettings,
    TrainRequest,
)
from inkling.errors import RunError, TrainingError
from inkling.preparation import (
    new_run_path,
    nothing_half_begun,
    prepare,
    read_split,
    starter_questions,
)
from inkling.run_files import METRICS_FILE
from inkling.run_names import next_name
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.tokenizer import Tokenizer
from inkling.training import cadence, planner, recipes
from inkling.training.assembly import most_steps
from inkling.training.configure import now
from inkling.training.phase_budget import deadline
from inkling.training.probe import timed_costs
from inkling.training.reading import character_limit
from inkling.training.session import Session
from inkling.workspace import Workspace


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
    path = new_run_path(workspace, next_name(workspace, f"{parent.name}-tuned"))
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
                    "created": now(),
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
    costs = timed_costs(session, seconds, parent.model, settings)
    left = max(0.0, seconds - (time.monotonic() - begun))
    settings = cadence.with_steps(settings, left, costs, held_out)
    most = most_steps("finetune", settings, facts)
    return cadence.at_most(settings, most), minutes
