"""`inkling init`, `add` and `corpus`: the workspace and the text in it. What removes text is in
cli.forget."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inkling.cli.forget import forget, show
from inkling.cli.options import (
    JsonOption,
    WorkspaceOption,
    find_workspace,
    plural,
    print_json,
)
from inkling.corpus.exclusion import REMOVED
from inkling.corpus.importers import SUPPORTED, read_path
from inkling.corpus.records import AddResult
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError, UsageError
from inkling.workspace import Workspace


def init(
    path: Annotated[Path, typer.Argument(help="The folder to make a workspace of.")] = Path("."),
) -> None:
    """Make a workspace; one that is there already is kept as it is."""
    workspace = Workspace.create(path)
    with CorpusStore(workspace.corpus_path):
        pass
    typer.echo(f"Workspace ready: {workspace.path}")
    typer.echo("Next: inkling add PATH (a folder or files of your writing).")


def add(
    paths: Annotated[
        list[Path],
        typer.Argument(help=f"Folders or files: {SUPPORTED}. Dialogs as them:/me: text or JSONL."),
    ],
    me: Annotated[
        str | None,
        typer.Option(help="Your name in dialogs, where it is not `me`.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add writing and dialogs. What is there already is not added twice."""
    results = add_paths(find_workspace(workspace), paths, me)
    if as_json:
        print_json({source: _as_dict(result) for source, result in results.items()})
        return
    for source, result in results.items():
        print_result(source, result, me)


def add_paths(
    workspace: Workspace, paths: list[Path], me: str | None = None
) -> dict[str, AddResult]:
    """Import each path as a source. Raises CorpusError where nothing at all was readable."""
    if me is not None and not me.strip():
        raise UsageError("--me needs a name, e.g. --me Wilma.")
    # All paths are checked before the first is read: a typo must not leave half an import.
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise UsageError(f"There is nothing at {path}. Check the spelling of the path.")
    results: dict[str, AddResult] = {}
    with CorpusStore(workspace.corpus_path) as store:
        for path in paths:
            absolute = path.resolve()
            items = (item for item in read_path(absolute, me))
            kind = "folder" if absolute.is_dir() else absolute.suffix.lstrip(".") or "file"
            results[str(absolute)] = store.add(str(absolute), kind, items)
    if not any(r.kept or r.already_there or r.dropped[REMOVED] for r in results.values()):
        raise CorpusError(_nothing(paths, results))
    return results


def _nothing(paths: list[Path], results: dict[str, AddResult]) -> str:
    dropped: Counter[str] = Counter()
    for result in results.values():
        dropped += result.dropped
    shown = ", ".join(map(str, paths))
    if not dropped:
        return f"{shown} is empty. Name a folder or files of {SUPPORTED}."
    reasons = "; ".join(f"{count} × {reason}" for reason, count in dropped.most_common(4))
    return (
        f"Nothing in {shown} could be read ({reasons}). "
        f"Name a folder or files of {SUPPORTED}; save other documents as text first."
    )


def print_result(source: str, result: AddResult, me: str | None = None) -> None:
    """What one import did, in a few lines; in = kept + dropped, always. `me` is the name that was
    given for the dialogs."""
    kept = []
    if result.documents:
        kept.append(plural(result.documents, "document"))
    if result.conversations:
        kept.append(plural(result.conversations, "dialog"))
    added = " and ".join(kept) or "nothing new"
    line = f"{source}: {added}"
    if result.characters:
        line += f", {result.characters:,} characters"
    if result.already_there:
        line += f" ({result.already_there:,} already there)"
    typer.echo(line)
    if me is not None and result.documents and not result.conversations:
        typer.echo(
            "  no dialog was found in it: all of it counts as your own writing. In a dialog each "
            f"message begins a line with its name, e.g. {me}: …"
        )
    if result.cut:
        typer.echo(f"  cut out {plural(result.cut, 'passage')}: {REMOVED}")
    for reason, count in result.dropped.most_common():
        typer.echo(f"  left out {count:,}: {reason} (e.g. {result.examples.get(reason, source)})")


def _as_dict(result: AddResult) -> dict[str, object]:
    # Not asdict: it makes a Counter of pairs of a Counter.
    return {**vars(result), "kept": result.kept, "found": result.found}


corpus = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
corpus.command("show")(show)
corpus.command("forget")(forget)


@corpus.callback(no_args_is_help=False)
def list_sources(
    context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Sources, documents, characters, dialogs, and what was left out and why."""
    if context.invoked_subcommand is not None:
        # Options may stand before or behind the command's name.
        context.obj = (workspace, as_json)
        return
    found = find_workspace(workspace)
    with CorpusStore(found.corpus_path) as store:
        sources = store.sources()
    if as_json:
        print_json([asdict(source) for source in sources])
        return
    if not sources:
        typer.echo("The corpus is empty. Add your writing with: inkling add PATH.")
        return
    for source in sources:
        typer.echo(source.source)
        typer.echo(
            f"  {plural(source.documents, 'document')}, {plural(source.conversations, 'dialog')} "
            f"({plural(source.messages, 'message')}), {source.characters:,} characters"
        )
        for reason, count in source.dropped.items():
            typer.echo(f"  left out {count:,}: {reason}")
    characters = sum(source.characters for source in sources)
    dialogs = sum(source.conversations for source in sources)
    documents = sum(source.documents for source in sources)
    typer.echo(
        f"In all: {plural(documents, 'document')}, {plural(dialogs, 'dialog')}, "
        f"{characters:,} characters"
    )
    typer.echo(
        "One by one: inkling corpus show. To remove something: inkling corpus forget --help."
    )
    sys.stdout.flush()
