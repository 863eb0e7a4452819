"""The text of `inkling corpus forget`: what will be removed, what was, and what is left.

Knows: how a `Preview` and a `PurgeReport` are put into sentences, and into JSON. Does not know how
they came about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from inkling.cli.console import echo
from inkling.corpus.places import file_of
from inkling.corpus.select import label
from inkling.forgetting.findings import Finding, Findings
from inkling.forgetting.forget import PurgeReport
from inkling.forgetting.plan import RemovalPlan, words_containing
from inkling.forgetting.preview import Preview
from inkling.wording import plural
from inkling.workspace import Workspace

SHOWN = 5


def _removed(plan: RemovalPlan) -> list[str]:
    """What is removed from the corpus, in plain words."""
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


def print_preview(preview: Preview, purge: bool) -> None:
    """What forgetting would do, before the question."""
    plan = preview.plan
    removed = _removed(plan)
    if removed:
        echo(f"This will be removed from the corpus: {', '.join(removed)}.")
    elif preview.unfinished:
        echo("Finishing what was interrupted earlier: the text is no longer in the corpus itself.")
    else:
        echo("The corpus itself does not contain it (any more).")
    labels = [label(change.before) for change in plan.documents]
    files = Counter(file_of(change.before.raw_ref) for change in plan.conversations)
    labels += [f"{plural(count, 'dialog')} of {file}" for file, count in files.items()]
    for line in labels[:SHOWN]:
        echo(f"  {line}")
    if len(labels) > SHOWN:
        echo(f"  and {len(labels) - SHOWN:,} more")
    words = words_containing(plan)
    if len(words) > 1:
        shown = ", ".join(f"{word} ({count:,})" for word, count in words.most_common(8))
        echo(f"  It is part of these words: {shown}.")
    if plan.people:
        echo(_of_others(plan))
    if preview.findings.all:
        echo(
            "These contain it as well and will be deleted:"
            if purge
            else "These contain it as well, and stay unless you add --purge:"
        )
        _print_findings(preview.findings)
        if not purge and plan.selector.kind != "match" and not plan.empty:
            echo("  (Once it is removed from the corpus, they can only be found with --match.)")


def _of_others(plan: RemovalPlan) -> str:
    """What becomes of the messages that the person did not write."""
    about = "what others wrote about the person stays: for that, --match NAME"
    gone = [m for change in plan.conversations for m in change.gone if m.is_me]
    if not gone:
        return f"  Your own replies stay, and {about}."
    return (
        f"  {plural(len(gone), 'message')} of them {'is' if len(gone) == 1 else 'are'} yours: a "
        f"dialog in which only you would be left goes whole. Your other replies stay, and {about}."
    )


def _print_findings(findings: Findings) -> None:
    for finding in findings.all:
        echo(f"  {_described(finding)}")


def _described(finding: Finding) -> str:
    path = finding.path.as_posix()
    parts = ", ".join(dict.fromkeys(finding.parts))
    match finding.kind:
        case "run":
            return f"{path}: a run trained on it, whose model may repeat it: {parts}"
        case "export":
            return f"{path}: an export for other engines, with {parts}"
        case "debris":
            return f"{path}: left by a run that was killed early; {parts}"
        case "database":
            return f"{path}: {plural(finding.rows, 'row') if finding.rows else 'deleted rows'}"
        case "original":
            return f"{path}: your own file, which Inkling never touches"
        case "settings":
            return f"{path}: your settings; edit that line yourself"
        case _:
            return path


def print_report(workspace: Workspace, preview: Preview, report: PurgeReport) -> None:
    """What was done, and what still contains the text."""
    removed = _removed(preview.plan)
    if removed:
        echo(
            f"Forgotten: {', '.join(removed)}. Adding the same files again will not bring it back."
        )
    if removed:
        weights = (
            f" The weights of {', '.join(report.stale)} may still know it, until they are deleted."
            if report.stale
            else ""
        )
        echo(f"The memory no longer holds it: no reply leans on it from now on.{weights}")
    if report.purged:
        rows = sum(finding.rows for finding in report.purged if finding.kind == "database")
        files = [f.path.as_posix() for f in report.purged if f.kind != "database"]
        if rows:
            echo(f"Deleted from the databases: {plural(rows, 'row')}.")
        if files:
            echo(f"Deleted: {', '.join(files)}.")
    if report.stale:
        echo(
            f"Marked stale: {', '.join(report.stale)}. Train a new one: inkling train. Delete the "
            f"old: inkling runs {' '.join(report.stale)} --delete."
        )
    checked = f"{plural(report.left.files + 1, 'file')}, {report.left.size / 1e6:,.1f} MB"
    if report.left.all:
        echo(f"Searched {checked}. These still contain it:")
        _print_findings(report.left)
        if report.removable and not report.purged:
            same = (
                "The same command"
                if preview.patterns.asked
                else "inkling corpus forget --match TEXT"
            )
            echo(f"{same} with --purge deletes all of them except your own files.")
    elif report.corpus_clean:
        echo(f"Searched {checked}: nothing in this workspace contains it any more.")
    if not report.corpus_clean:
        echo(f"{workspace.corpus_path.name} still contains it, perhaps as a name or a path.")
    if report.left.unread:
        unread = ", ".join(path.as_posix() for path in report.left.unread)
        echo(f"These could not be read, and may still contain it: {unread}.")
    if preview.patterns.too_short:
        echo(
            "The text is short: text files were searched for it as a whole word, and other files "
            "(weights, images) not at all, since they contain it by chance."
        )
    if preview.sources:
        shown = ", ".join(str(path) for path in preview.sources[:SHOWN])
        more = f" and {len(preview.sources) - SHOWN:,} more" if len(preview.sources) > SHOWN else ""
        echo(f"The files you added still contain it; they are yours to delete: {shown}{more}.")


def as_dict(preview: Preview, report: PurgeReport) -> dict[str, Any]:
    """The same for --json."""
    plan = preview.plan

    def listed(findings: Iterable[Finding]) -> list[dict[str, Any]]:
        return [
            {"kind": f.kind, "path": f.path.as_posix(), "parts": list(f.parts), "rows": f.rows}
            for f in findings
        ]

    return {
        "selector": plan.selector.kind,
        "documents": sum(not change.text for change in plan.documents),
        "paragraphs": plan.passages,
        "dialogs": sum(not change.kept for change in plan.conversations),
        "messages": plan.messages,
        "stale": list(report.stale),
        "purged": listed(report.purged),
        "left": listed(report.left.all),
        "corpus_clean": report.corpus_clean,
        "files_checked": report.left.files + 1,
        "unread": [path.as_posix() for path in report.left.unread],
        "sources": [str(path) for path in preview.sources],
    }
