"""`inkling ladder`: every rung on the same corpus, characters and minutes, in one table."""

from __future__ import annotations

import json
import math
import time
from functools import partial
from itertools import pairwise
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import COMMAND_STARTED
from inkling.cli.options import WorkspaceOption, find_workspace
from inkling.config import DEFAULT_SEED, TrainRequest
from inkling.errors import UsageError
from inkling.training.recipes import LADDER

if TYPE_CHECKING:
    from inkling.preparation import Prepared
    from inkling.runs import Run
    from inkling.workspace import Workspace

SAMPLE_TOKENS = 30
RUNG_SECONDS = 3
"""The least that a rung gets, though the climb then takes longer than it was given."""
DEFAULT_MINUTES = 7.0


def ladder(
    minutes: Annotated[
        float, typer.Option(help="Time for the whole climb, shared evenly.")
    ] = DEFAULT_MINUTES,
    seeds: Annotated[int, typer.Option(help="Runs of each rung, one seed after another.")] = 1,
    name: Annotated[
        str | None, typer.Option(help="Name of the group of runs.", show_default=False)
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Climb from a bigram to `modern` on your own text, and see what each idea buys."""
    if not 0 < minutes < 1e6:
        raise UsageError(f"--minutes must be more than 0; you gave {minutes:g}.")
    if not 1 <= seeds <= 100:
        raise UsageError(f"--seeds must be between 1 and 100; you gave {seeds}.")
    rungs = len(LADDER) * seeds
    if 60 * minutes < RUNG_SECONDS * rungs:
        raise UsageError(
            f"{rungs} rungs need {RUNG_SECONDS * rungs} seconds at least: "
            f"--minutes {math.ceil(RUNG_SECONDS * rungs / 6) / 10:g}."
        )
    found = find_workspace(workspace)
    with found.training_lock():
        _climb(found, minutes, seeds, name)


def _climb(workspace: Workspace, minutes: float, seeds: int, name: str | None) -> None:
    from inkling.cli.train import preload_torch, stop_on_signals
    from inkling.preparation import prepare_run, read_split

    preload_torch()
    group = name or _next_group(workspace)
    split, _ = read_split(workspace)
    if not split.held_out:
        raise UsageError(
            "The ladder is measured on held-out writing, and this corpus has only dialogs. "
            "Add some writing: inkling add PATH."
        )
    prepared = prepare_run(workspace, f"{group}-bigram-1", _characters)
    baselines = _baselines(prepared)

    from inkling.cli.hooks import progress_writer, quiet_hooks
    from inkling.model.build import count_parameters
    from inkling.runtime import Runtime
    from inkling.training.session import train_run
    from inkling.training.start import start_run

    end = COMMAND_STARTED.get() + 60 * minutes
    left = len(LADDER) * seeds
    climbed: dict[str, list[Run]] = {rung: [] for rung in LADDER}
    typer.echo(f"{len(LADDER)} rungs, {60 * minutes:.0f} seconds in all:")
    with stop_on_signals() as stopped:
        for rung in LADDER:
            for number in range(1, seeds + 1):
                run_name = f"{group}-{rung}-{number}"
                if (rung, number) != (LADDER[0], 1):
                    prepared = prepare_run(workspace, run_name, _characters)
                share = (end - time.time()) / left / 60
                request = TrainRequest(
                    minutes=max(share, RUNG_SECONDS / 60),
                    recipe=rung,
                    seed=DEFAULT_SEED + number - 1,
                    name=run_name,
                    finetune=False,
                    group=group,
                    figures=False,
                )
                runtime = Runtime.detect()
                run = start_run(prepared, request, runtime)
                progress = progress_writer(run, runtime)
                outcome = train_run(run, runtime, partial(quiet_hooks, stopped, progress))
                progress.finish("stopped" if outcome.interrupted else "done", outcome.step)
                if outcome.interrupted:
                    typer.echo(f"Stopped in {run_name}; what was trained before is kept.")
                    raise typer.Exit(130)
                climbed[rung].append(run)
                left -= 1
                loss = run.best()["train"]["val_nats_per_char"]
                size = count_parameters(run.config().model)
                typer.echo(f"  {rung} {number}: {size:,} weights, {loss:.3f} nats a character")
    _report(workspace, group, climbed, baselines)


def _characters(characters: int) -> int:
    """No merges: every rung reads characters, as in the lesson. Over learned tokens a table of
    pairs is so strong that minutes of attention do not beat it (docs/decisions.md)."""
    return 0


def _next_group(workspace: Workspace) -> str:
    # Runs count too: a climb that was stopped has written nothing else yet.
    taken = [path.name for path in workspace.ladders_path.glob("*")] + workspace.run_names()
    names = (f"ladder-{n}" for n in range(1, 10_000))
    return next(
        name for name in names if not any(t == name or t.startswith(f"{name}-") for t in taken)
    )


def _baselines(prepared: Prepared) -> dict[str, float]:
    """What uniform guessing and a table of exact counts reach on the same tokens."""
    from inkling.evaluation.baselines import bigram, uniform
    from inkling.tokens.dataset import PackedIds
    from inkling.tokens.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(prepared.path / "tokenizer.json")
    train, val = (PackedIds.open(prepared.path / "data", name) for name in ("train", "val"))
    live = sum(stop - start for start, stop in prepared.facts.live_ranges)
    started, end = tokenizer.characters_started, tokenizer.end_id
    return {
        "uniform": uniform(val, live, started, end),
        "counted bigram": bigram(train, val, tokenizer.vocab_size, started, end),
    }


def _report(
    workspace: Workspace, group: str, climbed: dict[str, list[Run]], baselines: dict[str, float]
) -> None:
    """Print the table, save it with the figure."""
    from inkling.model.build import count_parameters
    from inkling.plots import curves, draw_ladder
    from inkling.training.metrics import bits
    from inkling.workspace import atomic_write

    rows: list[dict[str, Any]] = []
    for rung, runs in climbed.items():
        losses = [run.best()["train"]["val_nats_per_char"] for run in runs]
        config = runs[0].config()
        rows.append(
            {
                "rung": rung,
                "runs": [run.name for run in runs],
                "parameters": count_parameters(config.model),
                "nats": losses,
                "characters_seen": _characters_seen(runs[0]),
                "still_falling": _still_falling(runs[0]),
                "sample": _sample(runs[0]),
            }
        )
    typer.echo(f"\n{'rung':<16}{'weights':>10}{'nats/char':>11}{'spread':>8}{'bits/char':>11}")
    for row in rows:
        middle, spread = mean(row["nats"]), max(row["nats"]) - min(row["nats"])
        shown = f"{spread:.3f}" if len(row["nats"]) > 1 else "–"
        typer.echo(
            f"{row['rung']:<16}{row['parameters']:>10,}{middle:>11.3f}{shown:>8}{bits(middle):>11.2f}"
        )
    for baseline, value in baselines.items():
        typer.echo(f"{baseline:<16}{'':>10}{value:>11.3f}{'':>8}{bits(value):>11.2f}")
    typer.echo("")
    for row in rows:
        typer.echo(f"{row['rung']}: {row['sample']}")
    for sentence in _surprises(rows):
        typer.echo(sentence)
    folder = workspace.ladders_path / group
    folder.mkdir(parents=True, exist_ok=True)
    report = {"group": group, "rungs": rows, "baselines": baselines}
    atomic_write(folder / "ladder.json", json.dumps(report, ensure_ascii=False, indent=1))
    figure = folder / "ladder.png"
    first = {rung: runs[0] for rung, runs in climbed.items()}
    draw_ladder(
        figure,
        {
            rung: curves(run.records("metrics.jsonl"), run.config())[0]
            for rung, run in first.items()
        },
        {key: value for key, value in baselines.items() if key != "uniform"},
    )
    typer.echo(f"Figure: {figure}")


def _characters_seen(run: Run) -> float:
    config = run.config()
    tokens = (run.last_step() or 0) * config.train.total_batch_size
    return tokens * config.data.train_characters / max(1, config.data.train_tokens)


def _still_falling(run: Run) -> bool:
    """Whether the last quarter of the evaluations still took more than one per cent off."""
    losses = [r["val_nats_per_char"] for r in run.records("metrics.jsonl")]
    before = losses[-1 - max(1, len(losses) // 4)] if len(losses) > 1 else losses[0]
    return bool(losses[-1] < 0.99 * before)


def _surprises(rows: list[dict[str, Any]]) -> list[str]:
    """A sentence for each rung that is no better than the one below it, and why."""
    sentences = []
    for below, row in pairwise(rows):
        gain = mean(below["nats"]) - mean(row["nats"])
        noise = max(max(r["nats"]) - min(r["nats"]) for r in (below, row))
        if gain > noise:
            continue
        if row["characters_seen"] < 0.6 * below["characters_seen"]:
            why = (
                f"in the same minutes it read {row['characters_seen'] / 1e6:.1f} million "
                f"characters and the rung below {below['characters_seen'] / 1e6:.1f}: "
                "it needs more minutes"
            )
        elif gain > 0:
            why = f"the gain of {gain:.3f} is within the spread of {noise:.3f} between seeds"
        elif row["still_falling"]:
            why = "its loss was still falling when the time was up: it needs more minutes"
        else:
            why = "its loss had stopped falling: more minutes would not help, more text might"
        sentences.append(f"{row['rung']} does not beat {below['rung']} here: {why}.")
    return sentences


def _sample(run: Run) -> str:
    from inkling.config import SamplingSettings
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime

    voice = ChatModel.load(run, Runtime.detect())
    settings = SamplingSettings(seed=0, temperature=0.8, max_tokens=SAMPLE_TOKENS)
    return " ".join("".join(voice.complete("", settings)).split())
