"""`inkling trace`: which words of a text were copied, and from where."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.options import (
    JsonOption,
    RunOption,
    WorkspaceOption,
    find_workspace,
    plural,
    print_json,
)
from inkling.errors import UsageError
from inkling.spans import MIN_CHARACTERS

if TYPE_CHECKING:
    from inkling.insight.trace import CopiedSpan, Passage, Trace
    from inkling.runs import Run
    from inkling.workspace import Workspace

MAX_SPANS = 10
MAX_PLACES = 3
# Of a longer span the middle is left out.
_SHOWN_CHARACTERS = 400
# Above this, making the index takes longer than anyone expects of a question.
_SLOW_CHARACTERS = 5_000_000
_OPENS, _CLOSES = "»", "«"


def trace(
    text: Annotated[
        str | None,
        typer.Argument(
            help="The text; with - or nothing, it is read from standard input.",
            show_default=False,
        ),
    ] = None,
    min_characters: Annotated[
        int, typer.Option(min=1, help="The shortest stretch that counts as copied.")
    ] = MIN_CHARACTERS,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which words of a text a run copied from what it was trained on, and from where."""
    found = find_workspace(workspace)
    chosen = _run(found, run)
    traced_text = _read(text)
    from inkling.insight.trace import trace as trace_text

    if not chosen.spans_path.exists() and chosen.config().data.train_characters > _SLOW_CHARACTERS:
        typer.echo("Indexing what the run was trained on; this is done once…", err=True)
    traced = trace_text(chosen, traced_text, found, min_characters)
    if as_json:
        print_json(traced.to_dict())
    else:
        _print(traced)


def _run(workspace: Workspace, name: str | None) -> Run:
    from inkling.runs import Run

    # A named run needs no checkpoint: what it was trained on is there before its first step.
    return Run.open(workspace, name) if name else Run.choose(workspace, None)


def _read(argument: str | None) -> str:
    """The text to trace, read as `inkling add` reads a file."""
    from inkling.corpus.clean import decode, tidy

    if argument in (None, "-"):
        if sys.stdin.isatty():
            typer.echo("Paste the text, then press Ctrl-D on a line of its own.", err=True)
        data = sys.stdin.buffer.read()
    else:
        data = os.fsencode(str(argument))
    text = decode(data)
    if text is None:
        raise UsageError("What came in is not text, so it cannot be traced.")
    text = tidy(text)
    if not text.strip():
        raise UsageError('There is no text to trace. Type it: inkling trace "TEXT".')
    return text


def _print(traced: Trace) -> None:
    typer.echo(_wrapped(_headline(traced)))
    longest_first = sorted(traced.spans, key=lambda span: (-len(span.text), span.start))
    for span in longest_first[:MAX_SPANS]:
        typer.echo("")
        _print_span(span)
    if len(longest_first) > MAX_SPANS:
        rest = plural(len(longest_first) - MAX_SPANS, "shorter span")
        typer.echo(f"\nThere {'is' if rest.startswith('1 ') else 'are'} {rest}; --json has all.")


def _headline(traced: Trace) -> str:
    if not traced.spans:
        short = (
            f" It has only {plural(traced.characters, 'character')}; look for shorter stretches "
            "with --min-characters."
            if traced.characters < traced.min_characters
            else ""
        )
        return (
            f"Nothing of this text, in stretches of {plural(traced.min_characters, 'character')} "
            f"or more, stands verbatim in what the run {traced.run} was trained on.{short}"
        )
    return (
        f"{_percent(traced.share)} of this text stands verbatim in what the run {traced.run} was "
        f"trained on; longest {plural(traced.longest, 'character')}."
    )


def _percent(share: float) -> str:
    """Whole percents, but never 0 % of something or 100 % of less than all."""
    if share < 0.01:
        return "Less than 1 %"
    return f"{100 if share == 1 else min(99, round(100 * share))} %"


def _print_span(span: CopiedSpan) -> None:
    times = "" if span.count == 1 else f", in {span.count:,} places"
    typer.echo(f"{plural(len(span.text), 'character')}{times}")
    for passage in span.passages[:MAX_PLACES]:
        typer.echo(_wrapped(_source(passage), "  "))
        if passage.question:
            typer.echo(_wrapped(f"them: {_shortened(passage.question)}", "    ", "          "))
        speaker = "" if passage.kind == "writing" else f"{passage.kind}: "
        indented = "    " + " " * len(speaker)
        typer.echo(_wrapped(speaker + _marked(span.text, passage), "    ", indented))
    more = span.count - min(len(span.passages), MAX_PLACES)
    if more:
        typer.echo(f"  and in {plural(more, 'more place')}")


def _source(passage: Passage) -> str:
    """One line for a person: what it is called, where it came from, when."""
    if not passage.in_corpus:
        kind = "writing" if passage.kind == "writing" else "a dialog"
        return f"{kind} that is no longer in the corpus"
    reference = passage.reference or passage.source or ""
    if "://" not in reference:
        reference = os.path.basename(reference)
    named = f"“{passage.title}”, {reference}" if passage.title else reference
    return f"{named}, {passage.date}" if passage.date else named


def _marked(text: str, passage: Passage) -> str:
    """The span between marks, with whole words before and after it."""
    from inkling.insight.trace import CONTEXT_CHARACTERS

    before, after = passage.before, passage.after
    if len(before) == CONTEXT_CHARACTERS:
        before = "… " + before.partition(" ")[2]
    if len(after) == CONTEXT_CHARACTERS:
        after = after.rpartition(" ")[0] + " …"
    # Spaces at the edges of the span stand outside its marks, where they part words.
    opens = " " * text[:1].isspace() + _OPENS
    closes = _CLOSES + " " * text[-1:].isspace()
    return " ".join(f"{before}{opens}{_shortened(text)}{closes}{after}".split())


def _shortened(text: str) -> str:
    """On one line, and without its middle where it is long."""
    if len(text) > _SHOWN_CHARACTERS:
        half = _SHOWN_CHARACTERS // 2
        text = f"{text[:half]} […] {text[-half:]}"
    return " ".join(text.split())


def _wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    width = min(80, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=first if rest is None else rest
    )
