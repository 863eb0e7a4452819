"""`inkling add`: what was found, one question, and what was added.

Knows: options, and when a person is asked. Does not know how anything is read or stored
(workflows.add), or how it is described (cli.add_text).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from inkling.cli.add_progress import ImportLine
from inkling.cli.add_text import print_preview, print_result
from inkling.cli.console import echo
from inkling.cli.options import JsonOption, WorkspaceOption, find_workspace, print_json
from inkling.cli.transient_line import is_terminal
from inkling.cli.who import ask_who
from inkling.corpus.importers.files import SUPPORTED
from inkling.corpus.records import AddResult
from inkling.corpus.store import CorpusStore
from inkling.workflows.add import AddOptions, preview
from inkling.workflows.add import add as add_to
from inkling.workflows.addresses import Crawls, source_name, target_of
from inkling.workspace import Workspace


def add(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|URL",
            help=f"Exports of chats and blogs, folders, or files: {SUPPORTED}; addresses of blogs, "
            "Substacks and GitHub profiles. docs/importers.md lists all sources.",
        ),
    ],
    me: Annotated[
        list[str] | None,
        typer.Option(help="Your name in chats and dialogs; may be repeated.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="What it is an export of, where that is not seen, e.g. whatsapp.",
            show_default=False,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of text files, where the guess is wrong.", show_default=False),
    ] = None,
    drafts: Annotated[
        bool, typer.Option("--drafts", help="Also what was never published.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Add without a preview and a question.")] = (
        False
    ),
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add writing and dialogs. Nothing is added twice."""
    found = find_workspace(workspace)
    options = AddOptions.of(me, source, encoding, drafts)
    asking = is_terminal(sys.stdin) and is_terminal(sys.stdout) and not (yes or as_json)
    crawls = Crawls(found)
    if asking and not _agreed(found, paths, options, crawls):
        return
    with ImportLine(silent=as_json) as line:
        results = add_to(
            found,
            paths,
            me=me,
            importer=source,
            encoding=encoding,
            drafts=drafts,
            progress=line.show,
            waiting=line.waiting,
            crawls=crawls,
        )
    if as_json:
        print_json({name: _as_dict(result) for name, result in results.items()})
        return
    for name, result in results.items():
        print_result(name, result, options.me[0] if options.me else None)


def _agreed(
    workspace: Workspace, paths: Sequence[str], options: AddOptions, crawls: Crawls
) -> bool:
    """Show what would be added, ask who "me" is where nobody knows, and whether to go on."""
    with ImportLine() as line:
        found = preview(workspace, paths, options, line.show, crawls)
    names: dict[str, tuple[str, ...]] = {}
    anything = False
    for target in dict.fromkeys(map(target_of, paths)):
        name = source_name(target)
        for each in found[name]:
            anything |= bool(each.documents or each.dialogs or each.messages)
            if each.who_unknown and each.people:
                if each.importer.name not in names:
                    names[each.importer.name] = ask_who(name, each)
                each.mine = each.authors_called(names[each.importer.name])
            print_preview(name, each)
    # Where nothing can be read there is nothing to ask: adding says why.
    if anything and not typer.confirm("Add this?", default=True):
        echo("Nothing was added.")
        return False
    with CorpusStore(workspace.corpus_path) as store:
        for importer, chosen in names.items():
            store.remember_names(importer, [*store.own_names().of(importer), *chosen])
    return True


def _as_dict(result: AddResult) -> dict[str, object]:
    # Not asdict: it makes a Counter of pairs of a Counter.
    return {**vars(result), "kept": result.kept, "found": result.found}
