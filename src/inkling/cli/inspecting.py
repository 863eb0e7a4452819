"""What the commands of `inkling inspect` share: which checkpoint reads which text, and how its
numbers are given.

Knows: their options, tables, JSON and files. Does not know what is computed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli.options import find_workspace, print_json
from inkling.cli.tables import Column, print_table
from inkling.errors import UsageError

if TYPE_CHECKING:
    from inkling.inspection.inspected_model import InspectedModel, ReadText

TextArgument = Annotated[
    str | None,
    typer.Argument(
        help="The text; with - or none, it is read from standard input.", show_default=False
    ),
]
StepOption = Annotated[
    int | None,
    typer.Option(
        "--step", min=0, help="A checkpoint's step; by default the best.", show_default=False
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write a figure (.png) or the numbers (.json).", show_default=False),
]
LayerOption = Annotated[int, typer.Option("--layer", min=1, help="Which layer, from 1.")]
HeadOption = Annotated[int, typer.Option("--head", min=1, help="Which of its heads, from 1.")]


@dataclass
class Asked:
    """A checkpoint and the text it reads."""

    model: InspectedModel
    text: ReadText
    out: Path | None
    as_json: bool

    @property
    def title(self) -> str:
        return f"run {self.model.run.name}, step {self.model.step:,}"

    def print_of(self, index: int) -> str:
        from inkling.inspection.figures import printed
        from inkling.inspection.pieces import piece_text

        return printed(piece_text(self.model.tokenizer, index))

    def give(
        self,
        numbers: Any,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        draw: Callable[[Path], None],
    ) -> None:
        """Print a table or JSON, or write a file."""
        about = {"run": self.model.run.name, "step": self.model.step}
        if self.out is not None:
            if self.out.suffix.lower() == ".png":
                draw(self.out)
            else:
                from inkling.atomic_files import atomic_write

                found = json.dumps({**about, **numbers}, ensure_ascii=False, indent=1)
                atomic_write(self.out, found + "\n")
            typer.echo(f"Wrote {self.out}")
        elif self.as_json:
            print_json({**about, **numbers})
        else:
            if self.text.start:
                typer.echo(
                    f"The context holds {len(self.text.window):,} pieces: the first "
                    f"{self.text.start:,} of {len(self.text.ids):,} are left out.",
                    err=True,
                )
            print_table(columns, rows)


def ask(
    text: str | None,
    run: str | None,
    step: int | None,
    out: Path | None,
    as_json: bool,
    workspace: Path | None,
) -> Asked:
    """The checkpoint and the text that a command's options name."""
    if out is not None:
        if out.suffix.lower() not in (".png", ".json"):
            raise UsageError(f"--out writes .png or .json; {out.name!r} is neither.")
        if not out.absolute().parent.is_dir():
            raise UsageError(f"There is no folder {out.absolute().parent} to write {out.name} to.")
    found = find_workspace(workspace)
    from inkling.runs import Run

    chosen = Run.open(found, run) if run else Run.choose(found, None)
    read = _read(text)
    from inkling.inspection.inspected_model import InspectedModel
    from inkling.runtime import Runtime

    if step is None and chosen.checkpoints.best_step() is None:
        chosen = Run.choose(found, chosen.name)  # says that there is no checkpoint
    model = InspectedModel.load(chosen, Runtime.detect(), step)
    return Asked(model, model.encode(read), out, as_json)


def _read(text: str | None) -> str:
    if text not in (None, "-"):
        return str(text)
    if sys.stdin.isatty():
        typer.echo("Type the text, then press Ctrl-D on a line of its own.", err=True)
    return sys.stdin.read()
