"""`inkling runs` and `plot`: what was trained, side by side; figures; deleting."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.cli.console import echo
from inkling.cli.options import (
    JsonOption,
    RunOption,
    WorkspaceOption,
    find_workspace,
    print_json,
)
from inkling.cli.tables import Column, print_table
from inkling.errors import UsageError
from inkling.wording import plural
from inkling.workflows.delete_runs import delete_runs
from inkling.workspace import Workspace


def runs(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Runs to compare or delete; by default all are listed."),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the named runs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, compare some, or delete them."""
    from inkling.runs import Run

    found = find_workspace(workspace)
    chosen = [Run.open(found, name) for name in names or []] or Run.readable(found)
    if delete:
        if not names:
            raise UsageError("Name the runs to delete: inkling runs NAME… --delete.")
        _delete(found, [run.path for run in chosen], yes)
        return
    process = found.training_process()
    rows = [_summary(run, process) for run in chosen]
    if as_json:
        print_json(rows)
    elif not rows:
        echo("There is no run yet. Train one: inkling train.")
    elif names:
        _print_comparison(chosen)
    else:
        _print_list(rows)
    if not names:
        for name, sentence in Run.damaged(found).items():
            echo(f"{name} is damaged: {sentence}", err=True)


def plot(run: RunOption = None, workspace: WorkspaceOption = None) -> None:
    """Draw a run's figures: loss, its fall, perplexity, and a dashboard."""
    from inkling.errors import RunError
    from inkling.plots import draw_run
    from inkling.runs import Run

    found = find_workspace(workspace)
    if run is None:
        names = found.run_names()
        if not names:
            raise RunError("There is no run to draw yet. Train one: inkling train.")
        run = names[-1]
    for path in draw_run(Run.open(found, run)):
        echo(str(path))


def _summary(run: Any, process: int | None) -> dict[str, Any]:
    """What the list shows of a run; `process` is the one that trains in this workspace."""
    from inkling.training.progress import read_progress

    config, best, progress = run.config(), run.checkpoints.best(), read_progress(run)
    return {
        "name": run.name,
        "title": run.title,
        "recipe": config.recipe,
        "seed": config.seed,
        "step": run.checkpoints.last_step()
        or (config.imported and run.checkpoints.best_step())
        or 0,
        "writing": best.get("train", {}).get("val_nats_per_char"),
        "replies": best.get("finetune", {}).get("val_nats_per_char"),
        "complete": config.complete,
        "parent": config.parent,
        "selection": config.selection.sentences(),
        "stale": bool(run.stale()),
        "training": process is not None and progress is not None and progress.pid == process,
    }


def _print_list(rows: list[dict[str, Any]]) -> None:
    from inkling.run_notes import STALE

    table = []
    for row in rows:
        note = ""
        if row["training"]:
            note = "being trained"
        elif not row["complete"]:
            note = f"not finished: inkling train --resume --run {row['name']}"
        elif row["selection"]:
            note = "; ".join(row["selection"])
        if row["stale"]:
            note = f"stale: {STALE}"
        losses = ("–" if row[key] is None else f"{row[key]:.3f}" for key in ("writing", "replies"))
        called = f"{row['name']} ({row['title']})" if row["title"] else row["name"]
        table.append((called, row["recipe"], f"{row['step']:,}", *losses, note))
    numbers = (Column(heading, number=True) for heading in ("step", "writing", "replies"))
    print_table([Column("run"), Column("recipe"), *numbers, Column("")], table)
    echo("Losses are held-out nats a character; lower is better.")


def _print_comparison(chosen: list[Any]) -> None:
    """The losses, then every setting in which the runs differ."""
    columns = [_flat(run) for run in chosen]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    always = ("held-out writing", "held-out replies")
    shown = [k for k in keys if k in always or len({str(c.get(k)) for c in columns}) > 1]
    print_table(
        [Column(""), *(Column(run.name, number=True) for run in chosen)],
        [(key, *(_cell(column.get(key)) for column in columns)) for key in shown],
    )


def _flat(run: Any) -> dict[str, Any]:
    config, best = run.config(), run.checkpoints.best()
    column: dict[str, Any] = {
        "held-out writing": best.get("train", {}).get("val_nats_per_char"),
        "held-out replies": best.get("finetune", {}).get("val_nats_per_char"),
    }
    for key, value in config.model_dump(exclude={"starters", "replans", "name"}).items():
        if key == "selection":
            column["chosen text"] = "; ".join(config.selection.sentences()) or "all"
        elif key in ("model", "train", "finetune", "data"):
            column |= {f"{key}.{name}": entry for name, entry in (value or {}).items()}
        else:
            column[key] = value
    column.pop("data.live_ranges", None)
    return column


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 12 else text[:11] + "…"


def _delete(workspace: Workspace, paths: list[Path], yes: bool) -> None:
    what = f"{plural(len(paths), 'run')} ({', '.join(path.name for path in paths)})"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"Deleting {what} needs --yes where nobody can be asked.")
        typer.confirm(f"Delete {what} for good?", abort=True)
    delete_runs(workspace, paths)
    echo(f"Deleted {what}.")
