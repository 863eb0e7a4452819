"""Where a training is, in one line that changes: on a terminal redrawn, elsewhere now and then.

Knows: how progress looks. Does not know where it comes from: a training of this process, or one
of another process that wrote it down. rich is imported only for a terminal.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import typer

from inkling.cli.console import visible
from inkling.wording import duration

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

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


class LiveLine:
    """A line that is drawn again as the training goes, under the lines that stay. Use as a
    context manager: at the end of the block it is gone."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        self._shown = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def show(self, position: LiveProgress) -> None:
        """Draw when it is time."""
        now = time.monotonic()
        if now - self._shown < (REDRAW_SECONDS if self._terminal else PLAIN_SECONDS):
            return
        self._shown = now
        if self._terminal:
            self._draw(position)
        else:
            typer.echo(f"  step {position.step:,} of {position.steps:,} · {_words(position)}")

    def print(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        typer.echo(visible(text) if self._terminal else text)

    def clear(self) -> None:
        """Take the line away until it is drawn next."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, position: LiveProgress) -> None:
        if self._bar is None:
            self._begin()
        assert self._bar is not None
        assert self._task is not None
        self._bar.update(
            self._task,
            completed=position.step,
            total=position.steps,
            steps=f"step {position.step:,} of {position.steps:,}",
            words=_words(position),
        )
        self._bar.refresh()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        # Redrawn by whoever calls: a thread that draws would take turns with the training's.
        self._bar = Progress(
            TextColumn(" {task.fields[steps]}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[words]}"),
            console=Console(highlight=False, emoji=False),
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", steps="", words="")
        self._bar.start()


def _words(position: LiveProgress) -> str:
    parts = [] if position.loss is None else [f"loss {position.loss:.2f}"]
    if position.characters_per_second:
        parts.append(f"{position.characters_per_second:,.0f} characters/s")
    if position.seconds_left is not None:
        parts.append(f"{duration(position.seconds_left)} left")
    return " · ".join(parts)
