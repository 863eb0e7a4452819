"""`inkling init` and `corpus`: the workspace and the text in it. What adds text is in cli.add, what
removes it in cli.forget."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inkling.cli.console import echo
from inkling.cli.forget import forget, show
from inkling.cli.options import (
    JsonOption,
    WorkspaceOption,
    create_workspace,
    find_workspace,
    print_json,
)
from inkling.cli.review import review
from inkling.cli.stats import stats
from inkling.cli.who import who
from inkling.corpus.store import CorpusStore
from inkling.wording import plural
from inkling.workspace import Workspace


def init(
    path: Annotated[Path, typer.Argument(help="The folder to make a workspace.")] = Path("."),
) -> None:
    """Create a workspace; an existing one is kept as it is."""
    there = Workspace(path.resolve()).config_path.is_file()
    workspace = create_workspace(path)
    if there:
        echo(f"{workspace.path} is a workspace already, and stays as it is.")
        echo("See what it holds: inkling corpus. Add to it: inkling add PATH.")
        return
    with CorpusStore(workspace.corpus_path):
        pass
    echo(f"Workspace ready: {workspace.path}")
    echo("Next: inkling add PATH (a folder or files of your writing).")


corpus = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
corpus.command("show", short_help="List documents, dialogs and people.")(show)
corpus.command("forget", short_help="Remove a person, document, source or text.")(forget)
corpus.command("review", short_help="Show what is masked and left out, and decide on it.")(review)
corpus.command("stats", short_help="Show it in numbers, and what a training buys.")(stats)
corpus.command("who", short_help="Show or set the names that are yours in chats.")(who)


@corpus.callback(no_args_is_help=False)
def list_sources(
    context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List sources, documents, dialogs and characters, and what was left out and why."""
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
        echo("The corpus is empty. Add your writing with: inkling add PATH.")
        return
    for source in sources:
        echo(source.source)
        echo(
            f"  {plural(source.documents, 'document')}, {plural(source.conversations, 'dialog')} "
            f"({plural(source.messages, 'message')}), {source.characters:,} characters"
        )
        for reason, count in source.dropped.items():
            echo(f"  left out {count:,}: {reason}")
    characters = sum(source.characters for source in sources)
    dialogs = sum(source.conversations for source in sources)
    documents = sum(source.documents for source in sources)
    echo(
        f"In all: {plural(documents, 'document')}, {plural(dialogs, 'dialog')}, "
        f"{characters:,} characters"
    )
    echo("One by one: inkling corpus show. To remove something: inkling corpus forget --help.")
