"""`inkling trace`: which words of a text were copied, and from where."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.console import echo
from inkling.cli.options import (
    JsonOption,
    RunOption,
    WorkspaceOption,
    find_workspace,
    print_json,
)
from inkling.cli.trace_text import lines
from inkling.errors import UsageError
from inkling.tracing.span_index import MIN_CHARACTERS

if TYPE_CHECKING:
    from inkling.runs import Run
    from inkling.workspace import Workspace

# Above this, making the index takes longer than anyone expects of a question.
_SLOW_CHARACTERS = 5_000_000


def trace(
    text: Annotated[
        str | None,
        typer.Argument(
            help="The text; with - or none, it is read from standard input.",
            show_default=False,
        ),
    ] = None,
    min_characters: Annotated[
        int, typer.Option(min=1, help="The shortest match that counts as copied.")
    ] = MIN_CHARACTERS,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find which words of a text a run copied from its training text, and from where."""
    found = find_workspace(workspace)
    chosen = _run(found, run)
    asked = _read(text)
    from inkling.tracing.trace import trace as find_copies

    if not chosen.spans_path.exists() and chosen.config().data.train_characters > _SLOW_CHARACTERS:
        echo("Indexing what the run was trained on; this is done once…", err=True)
    traced = find_copies(chosen, asked, found, min_characters)
    if as_json:
        print_json(traced.to_dict())
    else:
        echo("\n".join(lines(traced)))


def _run(workspace: Workspace, name: str | None) -> Run:
    from inkling.runs import Run

    # A named run needs no checkpoint: what it was trained on is there before its first step.
    return Run.open(workspace, name) if name else Run.choose(workspace, None)


def _read(argument: str | None) -> str:
    """The text to trace, read as `inkling add` reads a file."""
    from inkling.corpus.clean import tidy
    from inkling.corpus.importing.charset import decode

    if argument in (None, "-"):
        if sys.stdin.isatty():
            echo("Paste the text, then press Ctrl-D on a line of its own.", err=True)
        data = sys.stdin.buffer.read()
    else:
        data = os.fsencode(str(argument))
    decoded = decode(data)
    if decoded is None:
        raise UsageError("What came in is not text, so it cannot be traced.")
    text = tidy(decoded.text)
    if not text.strip():
        raise UsageError('There is no text to trace. Type it: inkling trace "TEXT".')
    return text
