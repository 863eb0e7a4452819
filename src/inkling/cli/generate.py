"""`inkling generate`: text in, streamed text out; and how a command loads a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli.console import echo, forgiving, visible
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.sampling import with_sampling
from inkling.settings import sampling_settings
from inkling.workflows.chat import load_model

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run
    from inkling.workspace import Workspace


def load_model_or_warn(workspace: Workspace, run_name: str | None) -> ChatModel:
    """The model of the named run, else of the newest, with a warning where it is stale."""
    from inkling.runs import Run

    run = Run.choose(workspace, run_name)
    warn_if_stale(run)
    return load_model(workspace, run.name)


def warn_if_stale(run: Run) -> None:
    """Print that the person has since forgotten text that this run was trained on."""
    from inkling.run_notes import STALE

    if run.stale():
        echo(f"The run {run.name!r} was {STALE}", err=True)


@with_sampling
def generate(
    sampling: dict[str, Any],
    prompt: Annotated[str, typer.Option(help="Text to continue.")] = "",
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Generate text that continues a prompt, streamed as it comes."""
    found = find_workspace(workspace)
    settings = sampling_settings(found, sampling)
    model = load_model_or_warn(found, run)
    stream(_chain(prompt, model.complete(prompt, settings)))


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def stream(chunks: Iterator[str]) -> None:
    """Print chunks as they come, and a line break."""
    forgiving(sys.stdout)
    for chunk in chunks:
        # In a file or a pipe text stays as it is; a terminal would obey its escape sequences.
        sys.stdout.write(visible(chunk) if sys.stdout.isatty() else chunk)
        sys.stdout.flush()
    sys.stdout.write("\n")
