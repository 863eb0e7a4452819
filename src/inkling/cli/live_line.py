"""Where a training is, in one line that changes: on a terminal redrawn, elsewhere now and then.

Knows: how progress looks. Does not know where it comes from: a training of this process, or one
of another process that wrote it down. rich is imported only for a terminal.
"""

from __future__ import annotations

from typing import Protocol

import typer

from inkling.cli.console import visible
from inkling.cli.transient_line import TransientLine
from inkling.wording import duration

REDRAW_SECONDS = 0.1
PLAIN_SECONDS = 5.0


class LiveProgress(Protocol):
    """Where a training is: what a step reports, and what progress.json holds."""

    @property
    def step(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def loss(self) -> float | None: ...
    @property
    def characters_per_second(self) -> float | None: ...
    @property
    def seconds_left(self) -> float | None: ...


class LiveLine(TransientLine):
    """A line that is drawn again as the training goes, under the lines that stay."""

    def show(self, position: LiveProgress) -> None:
        """Draw when it is time."""
        if not self._is_due(REDRAW_SECONDS, PLAIN_SECONDS):
            return
        if self._terminal:
            self._draw(position)
        else:
            typer.echo(f"  step {position.step:,} of {position.steps:,} · {_words(position)}")

    def print(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        typer.echo(visible(text) if self._terminal else text)

    def _draw(self, position: LiveProgress) -> None:
        from rich.progress import BarColumn, TextColumn

        bar = self._bar or self._begin(
            TextColumn(" {task.fields[steps]}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[words]}"),
            steps="",
            words="",
        )
        bar.update(
            bar.task_ids[0],
            completed=position.step,
            total=position.steps,
            steps=f"step {position.step:,} of {position.steps:,}",
            words=_words(position),
        )
        bar.refresh()


def _words(position: LiveProgress) -> str:
    parts = [] if position.loss is None else [f"loss {position.loss:.2f}"]
    if position.characters_per_second:
        parts.append(f"{position.characters_per_second:,.0f} characters/s")
    if position.seconds_left is not None:
        parts.append(f"{duration(position.seconds_left)} left")
    return " · ".join(parts)
