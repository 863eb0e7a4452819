"""`inkling corpus forget` and `corpus show`: naming what is there, and taking it away.

Knows: options, the question before, the account after. Does not know how anything is found or
removed (inkling.purge, inkling.corpus.forget).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli.options import (
    JsonOption,
    WorkspaceOption,
    find_workspace,
    plural,
    print_json,
)
from inkling.corpus.select import NAMELESS, file_of, label
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError, WorkspaceError
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.corpus.forget import Plan, Selector
    from inkling.purge.forgetting import Outlook, Report
    from inkling.purge.holdings import Findings, Holding

SHOWN = 5


def show(
    context: typer.Context,
    part: Annotated[
        str, typer.Argument(help="Only what has this in its title or path.", show_default=False)
    ] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Documents, dialogs and people one by one, by the names that `forget` understands."""
    found, as_json = _settled(context, workspace, as_json)
    wanted = part.casefold()
    with CorpusStore(found.corpus_path) as store:
        documents = [d for d in store.documents() if wanted in label(d).casefold()]
        dialogs = [c for c in store.conversations() if wanted in label(c).casefold()]
        people = [] if part else [p for p in store.people() if p.author_id not in NAMELESS]
    files = Counter(file_of(dialog.raw_ref) for dialog in dialogs)
    if as_json:
        fields = ("source", "content_hash", "title", "timestamp", "raw_ref")
        print_json(
            {
                "documents": [{f: getattr(d, f) for f in fields} for d in documents],
                "dialogs": [{f: getattr(c, f) for f in fields} for c in dialogs],
                "people": [vars(person) for person in people],
            }
        )
        return
    for document in documents:
        date = (document.timestamp or "")[:10]
        size = f"{len(document.text):,}"
        typer.echo(f"{document.content_hash[:8]}  {date:<10}  {size:>9}  {label(document)}")
    for file, count in files.items():
        typer.echo(f"{plural(count, 'dialog')}  {file}")
    for person in people:
        shown = (
            person.name
            if person.name == person.author_id
            else f"{person.name} ({person.author_id})"
        )
        typer.echo(f"{plural(person.messages, 'message')} by {shown}  {person.source}")
    if not (documents or files or people):
        typer.echo("Nothing in the corpus is called that." if part else "The corpus is empty.")


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
        typer.Option(
            "--purge", help="Also delete the runs, exports, chat messages and files that hold it."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a person, a document, a source or a text, so that it never comes back."""
    selector = _selector(person=person, document=document, source=source, match=match)
    found, as_json = _settled(context, workspace, as_json)
    from inkling.purge.forgetting import forget as carry_out
    from inkling.purge.forgetting import look_for

    # A training would go on with the text while it is being forgotten.
    with found.training_lock():
        outlook = look_for(found, selector)
        if not as_json:
            _print_outlook(outlook, purge)
        if not yes:
            if not sys.stdin.isatty() or as_json:
                raise UsageError("Forgetting needs --yes where nobody can be asked.")
            typer.confirm("Forget it for good?", abort=True)
        report = carry_out(found, outlook, purge)
    if as_json:
        print_json(_as_dict(outlook, report))
    else:
        _print_report(found, outlook, report)
    if (purge and _still_there(report)) or not report.corpus_clean:
        raise WorkspaceError(
            "Something in this workspace still holds it, as listed above. Remove that and run the "
            "same command again."
        )


def _settled(
    context: typer.Context, workspace: Path | None, as_json: bool
) -> tuple[Workspace, bool]:
    """Options given behind the command's name, else those before it."""
    before: tuple[Path | None, bool] = context.obj or (None, False)
    return find_workspace(workspace or before[0]), as_json or before[1]


def _selector(**given: str | None) -> Selector:
    from inkling.corpus.forget import Selector

    chosen = [(kind, value) for kind, value in given.items() if value is not None]
    if len(chosen) != 1 or not chosen[0][1].strip():
        raise UsageError(
            "Name one thing to forget: --person NAME, --document TITLE, --source PATH or "
            "--match TEXT."
        )
    kind, value = chosen[0]
    if kind == "match" and value == "-":
        value = sys.stdin.read()
    return Selector(kind, value)  # type: ignore[arg-type]


def _what_goes(plan: Plan) -> list[str]:
    """What leaves the corpus, in plain words."""
    whole = sum(not change.text for change in plan.documents)
    cut = len(plan.documents) - whole
    silenced = [change for change in plan.conversations if not change.kept]
    thinned = [change for change in plan.conversations if change.kept]
    found = []
    if whole:
        found.append(plural(whole, "document"))
    if cut:
        found.append(f"{plural(plan.passages, 'paragraph')} of {plural(cut, 'document')}")
    if silenced:
        messages = sum(len(change.gone) for change in silenced)
        found.append(f"{plural(len(silenced), 'dialog')} ({plural(messages, 'message')})")
    if thinned:
        messages = sum(len(change.gone) for change in thinned)
        found.append(f"{plural(messages, 'message')} of {plural(len(thinned), 'dialog')}")
    if plan.labels:
        found.append(plural(plan.labels, "title"))
    return found


def _print_outlook(outlook: Outlook, purge: bool) -> None:
    from inkling.corpus.forget import words_containing

    plan = outlook.plan
    goes = _what_goes(plan)
    if goes:
        typer.echo(f"This goes from the corpus: {', '.join(goes)}.")
    elif outlook.unfinished:
        typer.echo("Finishing what was stopped earlier: the corpus itself has forgotten already.")
    else:
        typer.echo("The corpus does not hold it (any more).")
    labels = [label(change.before) for change in plan.documents]
    files = Counter(file_of(change.before.raw_ref) for change in plan.conversations)
    labels += [f"{plural(count, 'dialog')} of {file}" for file, count in files.items()]
    for line in labels[:SHOWN]:
        typer.echo(f"  {line}")
    if len(labels) > SHOWN:
        typer.echo(f"  and {len(labels) - SHOWN:,} more")
    words = words_containing(plan)
    if len(words) > 1:
        shown = ", ".join(f"{word} ({count:,})" for word, count in words.most_common(8))
        typer.echo(f"  It stands in these words: {shown}.")
    if plan.people:
        typer.echo(
            "  Your own replies stay, and so does what others wrote about the person: for that, "
            "--match NAME."
        )
    if outlook.findings.holdings:
        verb = "are deleted as well" if purge else "hold it, too, and stay unless you add --purge"
        typer.echo(f"These {verb}:")
        _print_holdings(outlook.findings)
        if not purge and plan.selector.kind != "match" and not plan.empty:
            typer.echo("  (Once the corpus has forgotten it, they can only be found with --match.)")


def _print_holdings(findings: Findings) -> None:
    for holding in findings.holdings:
        typer.echo(f"  {_described(holding)}")


def _described(holding: Holding) -> str:
    path = holding.path.as_posix()
    parts = ", ".join(dict.fromkeys(holding.parts))
    match holding.kind:
        case "run":
            return f"{path}: a run trained on it, whose weights may recite it: {parts}"
        case "debris":
            return f"{path}: left of a run that was stopped early; {parts}"
        case "export":
            return f"{path}: weights of such a run"
        case "database":
            return f"{path}: {plural(holding.rows, 'row') if holding.rows else 'deleted rows'}"
        case "original":
            return f"{path}: your own file, which Inkling never touches"
        case "settings":
            return f"{path}: your settings; edit that line yourself"
        case _:
            return path


def _still_there(report: Report) -> list[Holding]:
    """What holds it and is not the person's own."""
    return [h for h in report.left.holdings if h.kind not in ("original", "settings")]


def _print_report(workspace: Workspace, outlook: Outlook, report: Report) -> None:
    goes = _what_goes(outlook.plan)
    if goes:
        typer.echo(
            f"Forgotten: {', '.join(goes)}. Adding the same files again will not bring it back."
        )
    if report.purged:
        rows = sum(holding.rows for holding in report.purged if holding.kind == "database")
        files = [h.path.as_posix() for h in report.purged if h.kind != "database"]
        if rows:
            typer.echo(f"Deleted from the databases: {plural(rows, 'row')}.")
        if files:
            typer.echo(f"Deleted: {', '.join(files)}.")
    if report.stale:
        typer.echo(
            f"Marked stale: {', '.join(report.stale)}. Train a new one: inkling train. Delete the "
            f"old: inkling runs {' '.join(report.stale)} --delete."
        )
    checked = f"{plural(report.left.files + 1, 'file')}, {report.left.size / 1e6:,.1f} MB"
    if report.left.holdings:
        typer.echo(f"Looked through {checked}. These still hold it:")
        _print_holdings(report.left)
        if _still_there(report) and not report.purged:
            same = (
                "The same command"
                if outlook.needles.asked
                else "inkling corpus forget --match TEXT"
            )
            typer.echo(f"{same} with --purge deletes all of them but your own.")
    elif report.corpus_clean:
        typer.echo(f"Looked through {checked}: nothing in this workspace holds it any more.")
    if not report.corpus_clean:
        typer.echo(f"{workspace.corpus_path.name} still holds it, perhaps as a name or a path.")
    if report.left.unread:
        unread = ", ".join(path.as_posix() for path in report.left.unread)
        typer.echo(f"These could not be read, so nobody knows: {unread}.")
    if outlook.needles.too_short:
        typer.echo(
            "The text is short: files were searched for it as a word of its own, and files that "
            "are not text (weights, pictures) not at all, since it stands there by chance."
        )
    if outlook.sources:
        shown = ", ".join(str(path) for path in outlook.sources[:SHOWN])
        more = f" and {len(outlook.sources) - SHOWN:,} more" if len(outlook.sources) > SHOWN else ""
        typer.echo(f"The files you added still hold it; they are yours to delete: {shown}{more}.")


def _as_dict(outlook: Outlook, report: Report) -> dict[str, Any]:
    plan = outlook.plan

    def listed(holdings: list[Holding] | tuple[Holding, ...]) -> list[dict[str, Any]]:
        return [
            {"kind": h.kind, "path": h.path.as_posix(), "parts": list(h.parts), "rows": h.rows}
            for h in holdings
        ]

    return {
        "selector": plan.selector.kind,
        "documents": sum(not change.text for change in plan.documents),
        "paragraphs": plan.passages,
        "dialogs": sum(not change.kept for change in plan.conversations),
        "messages": plan.messages,
        "stale": list(report.stale),
        "purged": listed(report.purged),
        "left": listed(report.left.holdings),
        "corpus_clean": report.corpus_clean,
        "files_checked": report.left.files + 1,
        "unread": [path.as_posix() for path in report.left.unread],
        "sources": [str(path) for path in outlook.sources],
    }
