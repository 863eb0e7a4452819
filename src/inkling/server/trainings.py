"""The one training of a workspace, as a process of its own: start, find again, stop.

Knows: the training lock (who trains), the log of a training begun from here, the command line
of `inkling train`. Does not know HTTP, nor how a model is trained.
Data: request -> process -> lock, runs/NAME/progress.json and .training.log -> `Status`.

A training runs in a session of its own: it goes on when the server ends, and a server that
starts later finds it by the lock. Stopping is SIGINT, after which it saves and ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from inkling.errors import ServerError
from inkling.runs import Run
from inkling.server.runs_schemas import RunState, TrainingRequest, TrainingState
from inkling.training.progress import PROGRESS_FILE, Progress, read_progress
from inkling.workspace import Workspace, explain_os_error

_FAILURE_PREFIX = "inkling: "  # how the command line opens the sentence of a failure
_LOG_TAIL_BYTES = 8_192

KILLED = (
    "The training ended without a word: it was killed, the machine was switched off, or memory "
    "ran out. What it had saved is kept."
)


class BusyError(ServerError):
    """A training is under way, or none is, where the opposite is needed."""


@dataclass(frozen=True)
class Status:
    """What the workspace's training does now."""

    state: TrainingState
    pid: int | None = None
    run: str | None = None
    """None while a training that was begun elsewhere still prepares its run."""
    progress: Progress | None = None
    error: str | None = None
    """Why the last one that was begun from here failed, where nothing has happened since."""


class Trainings:
    """Starts and stops trainings of a workspace; safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._run_name: str | None = None
        self._stopping: int | None = None

    @property
    def workspace(self) -> Workspace:
        return self._workspace

    # -- starting and stopping --------------------------------------------------------------

    def start(self, request: TrainingRequest) -> str:
        """Begin a training; the name of its run. Raises BusyError where one is under way."""
        with self._lock:
            self._refuse_second()
            name = Run.next_name(self._workspace, request.recipe)
            options = ["--name", name, "--recipe", request.recipe]
            if request.minutes is not None:
                options += ["--minutes", repr(request.minutes)]
            if request.steps is not None:
                options += ["--steps", str(request.steps)]
            if not request.finetune:
                options.append("--no-finetune")
            self._spawn(name, options)
            return name

    def resume(self, name: str) -> None:
        """Go on with a stopped run. Raises BusyError, or RunError where there is nothing to do."""
        with self._lock:
            self._refuse_second()
            if Run.open(self._workspace, name).config().complete:
                raise BusyError(f"Run {name} is complete; there is nothing left to train.")
            self._spawn(name, ["--resume", "--run", name])

    def stop(self, name: str | None = None) -> None:
        """Let the training save and end; asking twice does no harm. With `name`, only if it is
        that run's. Raises BusyError where it is not being trained."""
        with self._lock:
            status = self._status()
            if status.pid is None or (name is not None and name != status.run):
                which = f"Run {name} is" if name is not None else "Nothing is"
                raise BusyError(f"{which} {'not ' if name else ''}being trained now.")
            # A second SIGINT would cut the saving short.
            if self._stopping == status.pid:
                return
            try:
                os.kill(status.pid, signal.SIGINT)
            except ProcessLookupError:
                return
            except PermissionError:
                raise BusyError(
                    f"The training (process {status.pid}) belongs to another user of this "
                    "machine; only they can stop it."
                ) from None
            self._stopping = status.pid

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the training begun from here to end; its exit status, None where there was
        none or it goes on."""
        process = self._process
        if process is None:
            return None
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def _refuse_second(self) -> None:
        status = self._status()
        if status.state != "idle":
            what = f"Run {status.run}" if status.run else "Another training"
            raise BusyError(
                f"{what} is being trained (process {status.pid}). Stop it first, or wait for it "
                "to end."
            )

    def _spawn(self, name: str, options: list[str]) -> None:
        path = self._workspace.training_log_path
        # -P: a folder that holds a random.py must not become part of Python.
        command = [sys.executable, "-P", "-m", "inkling", "train", *options]
        command += ["--workspace", str(self._workspace.path)]
        try:
            with open(path, "wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._workspace.path,
                    start_new_session=True,
                )
        except OSError as error:
            raise BusyError(
                explain_os_error(error, path, "start a training that logs to")
            ) from None
        self._run_name, self._stopping = name, None

    # -- looking ------------------------------------------------------------------------------

    def status(self) -> Status:
        """What is being trained now, whoever began it."""
        with self._lock:
            return self._status()

    def _status(self) -> Status:
        ours = self._process.pid if self._process and self._process.poll() is None else None
        pid = self._workspace.training_process() or ours
        if pid is None:
            return Status("idle", error=self._failure())
        for run in self._last_trained():
            progress = read_progress(run)
            if progress is not None and progress.pid == pid:
                state: TrainingState = "training"
                if progress.state != "training":
                    state = "finishing"
                elif self._stopping == pid:
                    state = "stopping"
                return Status(state, pid, run.name, progress)
        name = self._run_name if pid == ours else None
        return Status("stopping" if self._stopping == pid else "preparing", pid, name)

    def _last_trained(self) -> Iterator[Run]:
        """Runs by when their progress was written, newest first: no config is read for it."""
        times = {}
        for path in self._workspace.runs_path.glob(f"*/{PROGRESS_FILE}"):
            with contextlib.suppress(OSError):
                times[path.parent] = path.stat().st_mtime
        yield from (Run(path) for path in sorted(times, key=times.__getitem__, reverse=True))

    def _failure(self) -> str | None:
        """The sentence that ended the last training begun from here."""
        path = self._workspace.training_log_path
        try:
            # A training begun by hand since then makes the old sentence moot.
            if path.stat().st_mtime < self._workspace.training_changed():
                return None
            with open(path, "rb") as file:
                file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return None
        last = next((line for line in reversed(lines) if line.strip()), "")
        sentence = last.removeprefix(_FAILURE_PREFIX)
        # "Stopped." is what a training says that was stopped before its first step.
        return sentence if last.startswith(_FAILURE_PREFIX) and sentence != "Stopped." else None


def run_state(run: Run, complete: bool, status: Status) -> tuple[RunState, str | None]:
    """What became of a run, and the sentence that explains a failure."""
    progress = read_progress(run)
    if status.run == run.name and status.state in ("training", "stopping", "preparing"):
        return "training", None
    if complete:
        return "done", None
    if progress is None or progress.state == "stopped":
        return "stopped", None
    if progress.state == "failed":
        return "failed", progress.sentence
    # Its last word was that it trains, and it does not.
    return "failed", KILLED
