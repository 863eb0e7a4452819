"""The runs that can be looked into, and the ladders that were climbed.

Knows: what of their files is shown. Does not know HTTP or models: the lists are there before torch
is.
"""

from __future__ import annotations

from pydantic import ValidationError

from inkling.config import LadderSettings
from inkling.regular_files import read_json
from inkling.runs import Run
from inkling.server.inside_runs_schemas import (
    CheckpointRow,
    InsideRun,
    InsideRuns,
    LadderRow,
    Ladders,
)
from inkling.workspace import Workspace


def list_inside_runs(workspace: Workspace) -> InsideRuns:
    """Every run with a checkpoint, newest first."""
    runs = [run for run in reversed(Run.readable(workspace)) if run.checkpoints.steps()]
    newest = Run.newest(workspace)
    return InsideRuns(
        runs=[_row(run) for run in runs], newest=None if newest is None else newest.name
    )


def _row(run: Run) -> InsideRun:
    config = run.config()
    model, best = config.model, run.checkpoints.best()
    rung = model.rung if isinstance(model, LadderSettings) else None
    # A rung's heads share its width; the rung of one head has all of it.
    heads = 0 if rung == "bigram" else 1 if rung == "head" else model.n_head
    single = {"bigram": 0, "head": 1, "multihead": 1, "feedforward": 1}
    layers = single.get(rung or "", model.n_layer)
    if isinstance(model, LadderSettings):
        head_dim = model.n_embd // heads if heads else 0
    else:
        head_dim = model.head_dim
    return InsideRun(
        name=run.name,
        recipe=config.recipe,
        group=config.group,
        checkpoints=[
            CheckpointRow(step=step, phase=run.checkpoints.phase(step))
            for step in run.checkpoints.steps()
        ],
        best=run.checkpoints.best_step(),
        answers="finetune" in best,
        n_layer=layers,
        n_head=heads,
        head_dim=head_dim,
        n_embd=model.n_embd,
        context=model.context_length,
        vocabulary=model.vocab_size,
        live=sum(stop - start for start, stop in config.data.live_ranges),
        merges=config.merges,
    )


def list_ladders(workspace: Workspace) -> Ladders:
    """Every ladder whose report can be read, the newest first."""
    found = []
    reports = [path for path in workspace.ladders_path.glob("*/ladder.json") if path.is_file()]
    for path in sorted(reports, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            found.append(LadderRow.model_validate(read_json(path)))
        except (OSError, ValueError, ValidationError):
            continue  # a damaged one hides no other
    return Ladders(ladders=found)
