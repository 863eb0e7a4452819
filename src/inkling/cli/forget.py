"""`inkling corpus show` and `corpus forget`: listing what is there by name, and removing it.

Knows: options, and the question before anything is removed. Does not know how anything is found or
removed (inkling.forgetting), or how it is described (cli.forget_text).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.console import echo
from inkling.cli.options import (
    JsonOption,
    WorkspaceOption,
    find_workspace,
    print_json,
)
from inkling.corpus.places import file_of
from inkling.corpus.select import NAMELESS, label
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError, WorkspaceError
from inkling.wording import plural
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.forgetting.plan import Selector


def show(
    context: typer.Context,
    part: Annotated[
        str, typer.Argument(help="Only what has this in its title or path.", show_default=False)
    ] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List documents, dialogs and people by the names that `forget` understands."""
    found, as_json = _settled(context, workspace, as_json)
    wanted = part.casefold()
    with CorpusStore(found.corpus_path) as store:
        every = store.documents(all_versions=True)
        documents = [d for d in every if wanted in label(d).casefold()]
        dialogs = [c for c in store.conversations() if wanted in label(c).casefold()]
        people = [] if part else [p for p in store.people() if p.author_id not in NAMELESS]
    files = Counter(file_of(dialog.raw_ref) for dialog in dialogs)
    if as_json:
        fields = ("source", "content_hash", "title", "timestamp", "raw_ref")
        print_json(
            {
                "documents": [
                    {f: getattr(d, f) for f in (*fields, "replaced_at")} for d in documents
                ],
                "dialogs": [{f: getattr(c, f) for f in fields} for c in dialogs],
                "people": [vars(person) for person in people],
            }
        )
        return
    for document in documents:
        date = (document.timestamp or "")[:10]
        size = f"{len(document.text):,}"
        older = "  (an older version)" if document.replaced_at else ""
        echo(f"{document.content_hash[:8]}  {date:<10}  {size:>9}  {label(document)}{older}")
    for file, count in files.items():
        echo(f"{plural(count, 'dialog')}  {file}")
    for person in people:
        shown = (
            person.name
            if person.name == person.author_id
            else f"{person.name} ({person.author_id})"
        )
        echo(f"{plural(person.messages, 'message')} by {shown}  {person.source}")
    if not (documents or files or people):
        echo("Nothing in the corpus is called that." if part else "The corpus is empty.")


def forget(
    context: typer.Context,
    person: Annotated[
        str | None,
        typer.Option(
            help="Forget all messages by this person (a name or an id).", show_default=False
        ),
    ] = None,
    document: Annotated[
        str | None,
        typer.Option(
            help="Forget a document: title, path, or start of its hash.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Forget everything that came from one path.", show_default=False),
    ] = None,
    match: Annotated[
        str | None,
        typer.Option(
            help="Forget every paragraph and message that contains this text; - reads the text "
            "from standard input, so that no shell history keeps it.",
            show_default=False,
        ),
    ] = None,
    purge: Annotated[
        bool,
        typer.Option("--purge", help="Also delete the runs, chat messages and files that hold it."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a person, a document, a source or a text, so that it never comes back."""
    selector = _selector(person=person, document=document, source=source, match=match)
    found, as_json = _settled(context, workspace, as_json)
    from inkling.cli import forget_text
    from inkling.forgetting.forget import forget as carry_out
    from inkling.forgetting.preview import make_preview

    # A training would keep learning from the text while it is being forgotten.
    with found.training_lock():
        preview = make_preview(found, selector)
        if not as_json:
            forget_text.print_preview(preview, purge)
        if not yes:
            if not sys.stdin.isatty() or as_json:
                raise UsageError(
                    "Nobody can be asked here (no terminal, or --json), so add --yes to confirm."
                )
            typer.confirm("Forget it for good?", abort=True)
        report = carry_out(found, preview, purge)
    if as_json:
        print_json(forget_text.as_dict(preview, report))
    else:
        forget_text.print_report(found, preview, report)
    if (purge and report.removable) or not report.corpus_clean:
        raise WorkspaceError(
            "Something in this workspace still contains it, as listed above. Remove that and run "
            "the same command again."
        )


def _settled(
    context: typer.Context, workspace: Path | None, as_json: bool
) -> tuple[Workspace, bool]:
    """Options given behind the command's name, else those before it."""
    before: tuple[Path | None, bool] = context.obj or (None, False)
    return find_workspace(workspace or before[0]), as_json or before[1]


def _selector(**given: str | None) -> Selector:
    from inkling.forgetting.plan import Selector

    chosen = [(kind, value) for kind, value in given.items() if value is not None]
    if len(chosen) != 1 or not chosen[0][1].strip():
        raise UsageError(
            "Name one thing to forget: --person NAME, --document TITLE, --source PATH or "
            "--match TEXT."
        )
    kind, value = chosen[0]
    if kind == "match" and value == "-":
        value = sys.stdin.read()
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--{kind} is not valid text in this terminal's encoding.") from None
    return Selector(kind, value)  # type: ignore[arg-type]
