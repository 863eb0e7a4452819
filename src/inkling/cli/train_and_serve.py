"""Serve the page at once and train meanwhile in a process of its own, shown here as well.

Knows: how the two live and end together. Does not know how either works.
Data: the training process's log -> this terminal, line by line; its progress, as a status -> the
line that changes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from inkling.cli.console import echo
from inkling.cli.live_line import LiveLine
from inkling.cli.serve import serve_workspace
from inkling.workflows.status import read_status
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.server.training_process import TrainingProcess
    from inkling.training.progress import Progress

FOLLOW_SECONDS = 0.2
SAVE_SECONDS = 60.0
"""How long a stopped training may take to save before the command ends without it."""


def train_while_serving(
    workspace: Workspace,
    minutes: float | None,
    unfinished: str | None,
    host: str,
    port: int,
    open_page: bool,
) -> None:
    """Serve, and train a new run (or continue `unfinished`) meanwhile. Ctrl-C ends both: the
    training saves first."""
    running: list[Follower] = []

    def begin(trainings: TrainingProcess) -> None:
        from inkling.server.runs_schemas import TrainingRequest

        if unfinished is not None:
            trainings.resume(unfinished)
        else:
            asked = {} if minutes is None else {"minutes": minutes}
            trainings.start(TrainingRequest.model_validate(asked))
        running.append(Follower(trainings))
        running[0].start()

    with _ending_on_signals():
        try:
            serve_workspace(
                workspace, host, port, open_page, begin=begin, on_stop=_stop_if_training
            )
        finally:
            if running:
                trainings = running[0].trainings
                _stop_if_training(trainings)
                if trainings.wait(0) is None:
                    running[0].print("Stopping; the training saves first.")
                trainings.wait(SAVE_SECONDS)
                running[0].stop()
                status = read_status(workspace)
                if status is not None and status.state == "stopped":
                    echo("The same command continues from there.")


def _stop_if_training(trainings: TrainingProcess) -> None:
    from inkling.server.training_process import BusyError

    try:
        trainings.stop()
    except BusyError:
        return  # nothing is being trained any more


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end the command like an exit, so that what it began
    can be ended too. Ctrl-C interrupts, also where a shell switched it off, as it does in any
    server; a SIGHUP that `nohup` switched off stays off."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    ended = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ended.append(signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in ended}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Follower:
    """Shows what the training process prints and how far it is, on a thread of its own."""

    def __init__(self, trainings: TrainingProcess) -> None:
        self.trainings = trainings
        self._path = trainings.workspace.training_log_path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="inkling-log", daemon=True)
        self._line = LiveLine()
        self._turn = threading.Lock()

    def start(self) -> None:
        """Begin to show."""
        self._thread.start()

    def stop(self) -> None:
        """Show what is left and end."""
        self._over.set()
        self._thread.join()

    def print(self, text: str) -> None:
        """A line of this process among those of the training."""
        with self._turn:
            self._line.print(text)

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
                    self._line.clear()
                    return
                status = self.trainings.status()
                if status.state == "training" and status.progress is not None:
                    self._show_position(status.progress)
                self._over.wait(FOLLOW_SECONDS)

    def _show(self, line: str) -> None:
        self._guarded(lambda: self._line.print(line))

    def _show_position(self, progress: Progress) -> None:
        self._guarded(lambda: self._line.show(progress))

    def _guarded(self, show: Callable[[], None]) -> None:
        try:
            with self._turn:
                show()
        except (BrokenPipeError, ValueError):
            self._over.set()  # nobody reads the terminal any more; the page is served all the same
