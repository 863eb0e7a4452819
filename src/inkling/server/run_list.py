"""The runs of a workspace as the page lists them, and the training that is under way.

Knows: what of a run's files is shown. Does not know HTTP.
Data: runs/NAME and `Status` -> `RunList`.
"""

from __future__ import annotations

import math
import sys
from functools import lru_cache

from inkling.config import LadderSettings, ModelSettings, Phase
from inkling.errors import InklingError
from inkling.run_notes import STALE
from inkling.runs import Run
from inkling.server.runs_schemas import Best, DamagedRun, ProgressNow, RunList, RunRow, TrainingNow
from inkling.server.training_process import Status, TrainingProcess, run_state
from inkling.settings import train_request
from inkling.training.planner import DEFAULT_MINUTES
from inkling.training.progress import read_progress
from inkling.workspace import Workspace


def list_runs(
    training: TrainingProcess, name: str, watchers: int, served_run: str | None
) -> RunList:
    """Every run, newest first. `name` is that of who speaks here, `watchers` how many listen,
    `served_run` what the server was started with."""
    status = training.status()
    now = TrainingNow(
        state=status.state,
        run=status.run,
        error=status.error,
        progress=progress_now(status),
        watchers=watchers,
    )
    runs = reversed(Run.readable(training.workspace))
    return RunList(
        name=name,
        runs=[_row(run, status) for run in runs],
        damaged=[
            DamagedRun(name=run, sentence=sentence)
            for run, sentence in reversed(Run.damaged(training.workspace).items())
        ],
        training=now,
        served_run=served_run,
        default_minutes=_default_minutes(training.workspace),
    )


def _default_minutes(workspace: Workspace) -> float:
    """What `[train]` of inkling.toml says, else the program. A mistake in the file is reported when
    a training is asked for, not by a list."""
    try:
        return train_request(workspace, {}).minutes or DEFAULT_MINUTES
    except InklingError:
        return DEFAULT_MINUTES


def progress_now(status: Status) -> ProgressNow | None:
    """How far the training is; None while it prepares, or where none is under way."""
    if status.run is None or status.progress is None or status.state == "preparing":
        return None
    return ProgressNow(run=status.run, **status.progress.model_dump(include=_PROGRESS_FIELDS))


_PROGRESS_FIELDS = set(ProgressNow.model_fields) - {"run"}


def _row(run: Run, status: Status) -> RunRow:
    config = run.config()
    state, sentence = run_state(run, config.complete, status)
    progress = read_progress(run)
    live = sum(stop - start for start, stop in config.data.live_ranges)
    return RunRow(
        name=run.name,
        recipe=config.recipe,
        created=config.created,
        state=state,
        complete=config.complete,
        imported=config.imported,
        sentence=sentence,
        phases=["train"] if config.finetune is None else ["train", "finetune"],
        step=max(run.checkpoints.last_step() or 0, progress.step if progress else 0),
        best=best_checkpoints(run),
        title=run.title,
        checkpoints=run.checkpoints.steps(),
        vocabulary=config.model.vocab_size,
        parameters=_size(run, config.model),
        minutes=config.minutes,
        group=config.group,
        parent=config.parent,
        ln_v=math.log(max(1, live or config.model.vocab_size)),
        characters_per_token=config.data.train_characters / max(1, config.data.train_tokens),
        stale=f"{run.name} was {STALE}" if run.stale() else None,
    )


def best_checkpoints(run: Run) -> dict[Phase, Best]:
    """The checkpoint that is used of each phase, where its loss is known: of a run that was
    imported it may not be."""
    return {
        phase: Best.model_validate(kept)
        for phase, kept in run.checkpoints.best().items()
        if "val_nats_per_char" in kept
    }


def _size(run: Run, settings: ModelSettings | LadderSettings) -> int | None:
    """Parameters of a run, which it says itself once it trains. Those of one that did not are
    counted, which needs torch: not before a model was loaded, because a list must not wait."""
    progress = read_progress(run)
    if progress is not None and progress.parameters is not None:
        return progress.parameters
    return _count(settings) if "torch" in sys.modules else None


@lru_cache(maxsize=64)
def _count(settings: ModelSettings | LadderSettings) -> int:
    from inkling.model.build import count_parameters

    return count_parameters(settings)
