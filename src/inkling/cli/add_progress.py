"""How far an import is, in one line: on a terminal redrawn, elsewhere now and then.

Knows: how it looks. Does not know what is read. rich is imported only for a terminal, and only
where the import takes long enough to wonder.
"""

from __future__ import annotations

import time

from inkling.cli.console import echo, visible
from inkling.cli.transient_line import TransientLine
from inkling.wording import duration, plural
from inkling.workflows.import_progress import ImportProgress

QUIET_SECONDS = 1.0
REDRAW_SECONDS = 0.2
PLAIN_SECONDS = 10.0


class ImportLine(TransientLine):
    """The line. With `silent` it is never drawn: the output is for a program."""

    def __init__(self, silent: bool = False) -> None:
        super().__init__(shown=time.monotonic())
        self._silent = silent
        self._told = False

    def show(self, progress: ImportProgress) -> None:
        """Draw when it is time."""
        if self._silent or progress.elapsed < QUIET_SECONDS:
            return
        if not self._is_due(REDRAW_SECONDS, PLAIN_SECONDS):
            return
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
        from rich.progress import BarColumn, TextColumn

        bar = self._bar or self._begin(
            TextColumn(" reading"), BarColumn(bar_width=20), TextColumn("{task.description}")
        )
        description = visible(_words(progress))
        bar.update(bar.task_ids[0], completed=progress.share, description=description)
        bar.refresh()


def _words(progress: ImportProgress) -> str:
    parts = [f"{100 * progress.share:.0f} %"]
    if progress.pages:
        parts = [f"{progress.done:,} of {plural(progress.size, 'page')}"]
    if progress.messages:
        parts.append(f"{progress.messages:,} messages")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return " · ".join(parts)
