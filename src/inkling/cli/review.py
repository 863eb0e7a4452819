"""`inkling corpus review`: what is masked and left out where text is learned, and deciding on it.

Knows: options and how the review looks. Does not know how it came about (workflows.review).
"""

from __future__ import annotations

from typing import Annotated

import typer

from inkling.cli.console import echo, visible
from inkling.cli.options import JsonOption, WorkspaceOption, find_workspace, print_json
from inkling.corpus.masking.kinds import MEANING
from inkling.wording import plural
from inkling.workflows.review import CorpusReview, MaskedExample, drop, keep
from inkling.workflows.review import review as look_at


def review(
    context: typer.Context,
    kept: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            help="A kind (mail, phone, …) or a value that is not masked; what was dropped, learned "
            "again. May be repeated.",
            show_default=False,
        ),
    ] = None,
    dropped: Annotated[
        list[str] | None,
        typer.Option(
            "--drop",
            help="A kind or a value to mask again, a person, a title or a path to leave out of "
            "training, or any text to mask. May be repeated.",
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is masked and left out of training. Nothing is deleted: all of it can be undone."""
    if isinstance(context.obj, tuple):  # options may stand before the command's name
        workspace, as_json = workspace or context.obj[0], as_json or context.obj[1]
    found = find_workspace(workspace)
    understood = [keep(found, name) for name in kept or ()]
    understood += [drop(found, name) for name in dropped or ()]
    if understood and not as_json:
        for sentence in understood:
            echo(visible(sentence))
        echo("It holds for the next training, and for the memory at once.")
        return
    looked = look_at(found)
    if as_json:
        print_json({**looked.to_dict(), "understood": understood})
        return
    _print(looked)


def _print(looked: CorpusReview) -> None:
    if not looked.masked:
        echo("Nothing is masked: no addresses, numbers, codes or keys were found.")
    else:
        echo("Masked where text is learned; the corpus keeps what was written:")
    for kind in looked.masked:
        line = f"  {kind.count:>7,}  {MEANING[kind.kind]} -> [{kind.kind}]"
        if kind.different and kind.different != kind.count:
            line += f", {kind.different:,} different"
        if kind.kept:
            line += f"; {kind.kept:,} stay as you decided"
        echo(line)
        for example in kind.examples:
            echo(visible(f"           {_shown(example)}"))
    _print_counts("Left out when text is learned:", looked.left_out)
    _print_counts("Left out when it was added:", looked.not_imported)
    for title, names in looked.decisions.items():
        if names:
            echo(visible(f"Decided, {title}: {', '.join(names)}"))
    echo("To change it: inkling corpus review --keep or --drop, with a kind or a value.")


def _shown(example: MaskedExample) -> str:
    before, after = (" ".join(text.split()) for text in (example.before, example.after))
    return f"… {before} >{example.value}< {after} …"


def _print_counts(title: str, counts: dict[str, int]) -> None:
    if counts:
        echo(f"{title} {plural(sum(counts.values()), 'thing')}")
    for reason, count in counts.items():
        echo(visible(f"  {count:>7,}  {reason}"))
