"""A line while something goes on: on a terminal redrawn, and gone at the end; elsewhere printed now
and then.

Knows: whether a person watches, when to draw next. Does not know what the line says. rich is
imported only for a terminal.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn


def is_terminal(stream: object) -> bool:
    """Whether a person sits at a stream; one that was closed before the program began is None."""
    try:
        return stream is not None and bool(getattr(stream, "isatty", lambda: False)())
    except ValueError:  # closed since
        return False


class TransientLine:
    """What such lines share. Use as a context manager: at the end of the block it is gone."""

    def __init__(self, shown: float = 0.0) -> None:
        """`shown` is when it was drawn last, as `time.monotonic()`."""
        self._terminal = is_terminal(sys.stdout) and os.environ.get("TERM") not in (
            "dumb",
            "unknown",
        )
        self._shown = shown
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away until it is drawn next."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _is_due(self, redraw_seconds: float, plain_seconds: float) -> bool:
        """Whether it is time to draw, on a terminal or elsewhere; if so it counts as drawn."""
        now = time.monotonic()
        if now - self._shown < (redraw_seconds if self._terminal else plain_seconds):
            return False
        self._shown = now
        return True

    def _begin(self, *columns: str | ProgressColumn, **fields: Any) -> Bar:
        """A bar with one task. Redrawn by whoever calls: a thread that draws would take turns with
        the work's."""
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(
            *columns,
            console=Console(highlight=False, emoji=False, markup=False),
            auto_refresh=False,
            transient=True,
        )
        self._bar.add_task("", total=1.0, **fields)
        self._bar.start()
        return self._bar
