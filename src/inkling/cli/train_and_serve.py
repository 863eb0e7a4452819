"""Serve the page at once and train meanwhile in a process of its own, shown here as well.

Knows: how the two live and end together. Does not know how either works.
Data: training process -> .training.log -> this terminal, line by line.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from inkling.cli.serve import serve_workspace
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.server.trainings import Trainings

FOLLOW_SECONDS = 0.2
SAVE_SECONDS = 60.0
"""How long a stopped training may take to save before the command ends without it."""

STOPPED = 130  # what a training returns that was told to stop

_PASSING = re.compile(r"  step [\d,]+ of ")
"""Lines that tell where training is; on a terminal the next one takes their place."""


def train_while_serving(
    workspace: Workspace,
    minutes: float | None,
    unfinished: str | None,
    host: str,
    port: int,
    open_page: bool,
) -> None:
    """Serve, and train a new run (or go on with `unfinished`) meanwhile. Ctrl-C ends both: the
    training saves first."""
    running: list[Trainings] = []
    follower = Follower(workspace.training_log_path)

    def begin(trainings: Trainings) -> None:
        from inkling.server.runs_schemas import TrainingRequest

        if unfinished is not None:
            trainings.resume(unfinished)
        else:
            trainings.start(TrainingRequest(minutes=minutes))
        running.append(trainings)
        follower.start()

    with _ending_on_signals():
        try:
            serve_workspace(
                workspace, host, port, open_page, begin=begin, on_stop=_stop_if_training
            )
        finally:
            if running:
                _stop_if_training(running[0])
                if running[0].wait(0) is None:
                    typer.echo("Stopping; the training saves first.")
                status = running[0].wait(SAVE_SECONDS)
                follower.stop()
                if status == STOPPED:
                    typer.echo("The same command goes on from there.")


def _stop_if_training(trainings: Trainings) -> None:
    from inkling.server.trainings import BusyError

    try:
        trainings.stop()
    except BusyError:
        return  # nothing is being trained any more


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end the command like an exit, so that what it began
    can be ended too; Ctrl-C interrupts, also where a shell switched it off."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Follower:
    """Prints what a growing file gains, on a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="inkling-log", daemon=True)
        self._terminal = sys.stdout.isatty()
        self._drawn = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Print what is left and end."""
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        rest = b""
        with open(self._path, "rb") as file:
            while True:
                over = self._over.is_set()
                if os.fstat(file.fileno()).st_size < file.tell():
                    file.seek(0)  # the page began another training, which writes it anew
                *lines, rest = (rest + file.read()).split(b"\n")
                for line in lines:
                    self._show(line.decode("utf-8", "replace"))
                if over:
                    return
                self._over.wait(FOLLOW_SECONDS)

    def _show(self, line: str) -> None:
        try:
            if self._drawn:
                sys.stdout.write("\r\x1b[K")
            self._drawn = self._terminal and _PASSING.match(line) is not None
            sys.stdout.write(line if self._drawn else line + "\n")
            sys.stdout.flush()
        except (BrokenPipeError, ValueError):
            self._over.set()  # nobody reads the terminal any more; the page goes on
