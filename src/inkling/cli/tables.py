"""Tables for a terminal, and the same as plain text in a pipe.

Knows: alignment and headings. Does not know what is in a table. rich is imported only when one is
printed; it leaves out colours in a pipe and where NO_COLOR is set.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import typer

from inkling.cli.console import visible

PIPE_WIDTH = 10_000
"""Columns where there is no terminal: nothing is folded that a program may read."""


class Column(NamedTuple):
    """A column's heading; numbers stand to the right."""

    heading: str
    number: bool = False


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], indent: int = 0) -> None:
    """Print rows of cells under headings, as wide as they need to be."""
    for line in format_table(columns, rows, indent):
        typer.echo(line)


def format_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], indent: int = 0
) -> list[str]:
    """The lines of a table, with colours where standard output is a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)
    console.width = console.width - indent if sys.stdout.isatty() else PIPE_WIDTH
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.heading, justify="right" if column.number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    with console.capture() as captured:
        console.print(table)
    return [f"{' ' * indent}{line}".rstrip() for line in captured.get().splitlines()]
