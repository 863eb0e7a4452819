"""`inkling eval`: one honest report on a run, as a page here, as JSON and as HTML beside it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from inkling.cli.console import echo, escaped_json
from inkling.cli.options import JsonOption, RunOption, WorkspaceOption, find_workspace
from inkling.workflows.evaluate import evaluate


def eval(
    run: RunOption = None,
    replies: Annotated[
        int | None,
        typer.Option(
            help="Replies to generate. Default 100, or 20 for a model that decodes without a "
            "cache.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same report.")] = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a run: held-out loss, baselines, leaks, calibration, loops, and your voice.

    Writes report.json and report.html into the run's folder.
    """
    found = find_workspace(workspace)
    try:
        report = evaluate(found, run, replies=replies, seed=seed, on_part=_show_part)
    finally:
        _show_part("")
    if as_json:
        typer.echo(escaped_json(report.model_dump_json(indent=1)))
        return
    from inkling.cli.report_text import page
    from inkling.runs import Run

    echo(page(report))
    if not found.is_writable():
        echo("This workspace can only be read, so the report was not kept in it.")
        return
    echo(f"The same as a page: {Run.open(found, report.run).report_page_path}")


def _show_part(what: str) -> None:
    """One line on a terminal that the next replaces; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{f'measuring: {what} …' if what else ''}")
        sys.stderr.flush()
