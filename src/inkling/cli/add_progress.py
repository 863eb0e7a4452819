"""How far an import is, in one line: on a terminal redrawn, elsewhere now and then.

Knows: how it looks. Does not know what is read. rich is imported only for a terminal, and only
where the import takes long enough to wonder.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from inkling.cli.console import echo, visible
from inkling.wording import duration, plural
from inkling.workflows.import_progress import ImportProgress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

QUIET_SECONDS = 1.0
REDRAW_SECONDS = 0.2
PLAIN_SECONDS = 10.0


def is_terminal(stream: object) -> bool:
    """Whether a person sits at a stream; one that was closed before the program began is None."""
    try:
        return stream is not None and bool(getattr(stream, "isatty", lambda: False)())
    except ValueError:  # closed since
        return False


class ImportLine:
    """The line. Use as a context manager: at the end of the block it is gone. With `silent` it is
    never drawn: the output is for a program."""

    def __init__(self, silent: bool = False) -> None:
        self._silent = silent
        self._terminal = is_terminal(sys.stdout) and os.environ.get("TERM") not in (
            "dumb",
            "unknown",
        )
        self._shown = time.monotonic()
        self._told = False
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away until it is drawn next."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, progress: ImportProgress) -> None:
        """Draw when it is time."""
        now = time.monotonic()
        waited = REDRAW_SECONDS if self._terminal else PLAIN_SECONDS
        if self._silent or progress.elapsed < QUIET_SECONDS or now - self._shown < waited:
            return
        self._shown = now
        if self._terminal:
            self._draw(progress)
        else:
            echo(f"  {_words(progress)}")

    def waiting(self) -> None:
        """Say once that another command has to end first."""
        if not self._silent and not self._told:
            self.clear()
            echo("Another inkling command writes to the corpus: waiting for it to end.")
        self._told = True

    def _draw(self, progress: ImportProgress) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        if self._bar is None:
            self._bar = Progress(
                TextColumn(" reading"),
                BarColumn(bar_width=20),
                TextColumn("{task.description}"),
                console=Console(highlight=False, emoji=False, markup=False),
                auto_refresh=False,
                transient=True,
            )
            self._bar.add_task("", total=1.0)
            self._bar.start()
        task = self._bar.task_ids[0]
        self._bar.update(task, completed=progress.share, description=visible(_words(progress)))
        self._bar.refresh()


def _words(progress: ImportProgress) -> str:
    parts = [f"{100 * progress.share:.0f} %"]
    if progress.pages:
        parts = [f"{progress.done:,} of {plural(progress.size, 'page')}"]
    if progress.messages:
        parts.append(f"{progress.messages:,} messages")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return " · ".join(parts)
