"""Stopping a training from outside: which signal means what, and when.

Knows: the process's signal handlers, for as long as a training lasts. Before the first step
SIGTERM and SIGHUP are what Ctrl-C is: a KeyboardInterrupt, after which nothing half-made is left.
From then on they, and SIGINT, only ask for a stop: the step is finished, everything is saved, and
the training ends; a second SIGINT interrupts at once.

A signal that is ignored stays ignored: `nohup` does that to SIGHUP, and a shell to the SIGINT of
what a script starts in the background. SIGTERM always works.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_Handler = Callable[[int, FrameType | None], None]


class StopRequest:
    """Whether a stop was asked for by a signal, and by which."""

    def __init__(self) -> None:
        self._received: list[int] = []

    @property
    def signal(self) -> int | None:
        """The first one that came."""
        return self._received[0] if self._received else None

    @contextmanager
    def at_the_next_step(self) -> Iterator[None]:
        """Within the block a signal only asks for a stop."""

        def handle(number: int, frame: FrameType | None) -> None:
            if number == signal.SIGINT and signal.SIGINT in self._received:
                raise KeyboardInterrupt
            self._received.append(number)

        with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), handle):
            yield

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within the block SIGTERM and SIGHUP are a KeyboardInterrupt."""

        def handle(number: int, frame: FrameType | None) -> None:
            # Noted as well: what is being imported just now may swallow an exception, and then
            # the training ends before its first step.
            self._received.append(number)
            ctrl_c = signal.getsignal(signal.SIGINT)
            if callable(ctrl_c):
                ctrl_c(number, frame)
            else:
                raise KeyboardInterrupt

        with _handled((signal.SIGTERM, signal.SIGHUP), handle):
            yield


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: _Handler) -> Iterator[None]:
    """Handle signals within the block, except those that are ignored. Only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    kept = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in kept:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in kept.items():
            signal.signal(number, old)
