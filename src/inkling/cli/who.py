"""`inkling corpus who`, and the question of who "me" is in a chat.

Knows: showing, setting and asking for names. Does not know where names stand in an export.
"""

from __future__ import annotations

from typing import Annotated

import typer

from inkling.cli.console import echo, visible
from inkling.cli.options import JsonOption, WorkspaceOption, find_workspace, print_json
from inkling.corpus.importing.importer import same_name
from inkling.corpus.importing.preview import SourcePreview
from inkling.corpus.importing.registry import importer_called
from inkling.corpus.own_names import EVERYWHERE
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError
from inkling.wording import plural
from inkling.workflows.names import labels

CHOICES = 30


def who(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Your names in chats.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="The source in which they hold, e.g. whatsapp; by default all.",
            show_default=False,
        ),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the names.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or set the names that are yours in chats."""
    if isinstance(context.obj, tuple):  # options may stand before the command's name
        workspace, as_json = workspace or context.obj[0], as_json or context.obj[1]
    importer = importer_called(source).name if source is not None else EVERYWHERE
    if any(not name.strip() for name in names or ()):
        raise UsageError("A name must not be empty, e.g. inkling corpus who Wilma.")
    with CorpusStore(find_workspace(workspace).corpus_path) as store:
        if names or clear:
            store.remember_names(importer, names or ())
        held = store.own_names().by_importer
    if as_json:
        print_json({key: list(value) for key, value in held.items()})
        return
    if not held:
        echo("No names are kept. Set yours with: inkling corpus who NAME …")
    for key, value in held.items():
        where = "everywhere" if key == EVERYWHERE else key
        echo(visible(f"{where}: {', '.join(value)}"))
    if names:
        echo("Chats that were added before are corrected when the same export is added again.")


def ask_who(source: str, found: SourcePreview) -> tuple[str, ...]:
    """The names that the person at the terminal picks from those in chats."""
    listed = [name for name, _ in labels(found).most_common(CHOICES)]
    counts = labels(found)
    place = f"{source.rpartition('/')[2]} ({found.importer.title})"
    echo(visible(f"Which of these names in {place} is yours?"))
    for number, name in enumerate(listed, start=1):
        echo(visible(f"  {number:>2}  {name}  {plural(counts[name], 'message')}"))
    if len(counts) > len(listed):
        echo(f"      and {len(counts) - len(listed):,} more")
    known = {same_name(name): name for name in [*found.people, *found.names.values()]}
    while True:
        typed = typer.prompt("Number or name; several with commas between them")
        chosen, unknown = [], []
        for part in filter(None, map(str.strip, typed.split(","))):
            if part.isdecimal() and 0 < int(part) <= len(listed):
                chosen.append(listed[int(part) - 1])
            elif same_name(part) in known:
                chosen.append(known[same_name(part)])
            else:
                unknown.append(part)
        if chosen and not unknown:
            return tuple(dict.fromkeys(chosen))
        echo(visible(f"Nobody is called {', '.join(unknown) or 'that'}."))
