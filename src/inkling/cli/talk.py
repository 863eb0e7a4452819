"""`inkling generate`: text in, streamed text out; and how a command loads a run's voice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli.console import forgiving, visible
from inkling.cli.defaults import sampling_settings
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.sampling import with_sampling

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run
    from inkling.workspace import Workspace


def load_voice(workspace: Workspace, run_name: str | None) -> ChatModel:
    """The model of the named run, else of the newest."""
    from inkling.runs import Run

    run = Run.choose(workspace, run_name)
    warn_if_stale(run)
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime

    return ChatModel.load(run, Runtime.detect())


def warn_if_stale(run: Run) -> None:
    """Say once that the person has since forgotten text that this run was trained on."""
    from inkling.runs import STALE

    if run.stale():
        typer.echo(f"The run {run.name!r} was {STALE}", err=True)


@with_sampling
def generate(
    sampling: dict[str, Any],
    prompt: Annotated[str, typer.Option(help="Text to go on from.")] = "",
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Go on from a text, streamed as it is written."""
    found = find_workspace(workspace)
    settings = sampling_settings(found, sampling)
    voice = load_voice(found, run)
    stream(_chain(prompt, voice.complete(prompt, settings)))


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def stream(pieces: Iterator[str]) -> None:
    """Write pieces as they come, and a line break."""
    forgiving(sys.stdout)
    for piece in pieces:
        # In a file or a pipe text stays as it is; a terminal would obey its escape sequences.
        sys.stdout.write(visible(piece) if sys.stdout.isatty() else piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
