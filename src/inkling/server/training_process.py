"""The one training of a workspace, as a process of its own: start, find again, stop.

Knows: the training lock (who trains), what a training tells of itself (workflows.status and its
run's progress.json), the command line of `inkling train`. Does not know HTTP, nor how a model is
trained. Data: request -> process -> lock, .training.json and progress.json -> `Status`. What the
process prints goes to .training.log, for people alone.

A training runs in a session of its own: it continues when the server ends, and a server that
starts later finds it by the lock. Stopping is SIGTERM, after which it saves and ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass

from inkling.errors import ServerError, explain_os_error
from inkling.permissions import private_opener
from inkling.run_names import next_name
from inkling.runs import Run
from inkling.server.runs_schemas import ProcessState, RunState, TrainingRequest
from inkling.settings import selection_as_typed, train_request
from inkling.training.progress import Progress, read_progress
from inkling.workflows.delete_runs import delete_runs
from inkling.workflows.status import TrainingStatus, announce, read_status
from inkling.workspace import Workspace

KILLED = (
    "The training ended without a word: it was killed, the machine was switched off, or memory "
    "ran out. What it had saved is kept."
)

# The signals that a person stops a training with, and the statuses of commands they ended.
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPED = {status for number in _STOPS for status in (-number, 128 + number)}


class BusyError(ServerError):
    """A training is under way, or none is, where the opposite is needed."""


@dataclass(frozen=True)
class Status:
    """What the workspace's training does now."""

    state: ProcessState
    pid: int | None = None
    run: str | None = None
    """None while a training that was begun elsewhere still prepares its run. Of an idle
    workspace, the run that failed, where one did."""
    progress: Progress | None = None
    error: str | None = None
    """Why the last one that was begun from here failed, where nothing has happened since."""


class TrainingProcess:
    """Starts and stops trainings of a workspace; safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping: int | None = None

    @property
    def workspace(self) -> Workspace:
        return self._workspace

    # -- starting and stopping --------------------------------------------------------------

    def start(self, request: TrainingRequest) -> str:
        """Begin a training; the name of its run. What the request leaves out is as inkling.toml
        says. Raises BusyError where one is under way, WorkspaceError where the file is wrong."""
        with self._lock:
            self._refuse_second()
            asked = request.model_dump(exclude_unset=True, exclude={"selection"})
            name = next_name(self._workspace, train_request(self._workspace, asked).recipe)
            options = ["train", "--no-progress", "--name", name]
            if asked.get("recipe") is not None:
                options += ["--recipe", asked["recipe"]]
            if asked.get("minutes") is not None:
                options += ["--minutes", repr(asked["minutes"])]
            if asked.get("steps") is not None:
                options += ["--steps", str(asked["steps"])]
            if asked.get("finetune") is False:
                options.append("--no-finetune")
            if request.selection is not None:
                options += selection_as_typed(request.selection)
            self._spawn(name, options)
            return name

    def resume(self, name: str) -> None:
        """Continue a stopped run. Raises BusyError, or RunError where there is nothing to do."""
        with self._lock:
            self._refuse_second()
            run = Run.open(self._workspace, name)
            run.refuse_gone_checkpoints()
            if run.config().complete:
                raise BusyError(f"Run {name} is complete; there is nothing left to train.")
            self._spawn(name, ["train", "--no-progress", "--resume", "--run", name])

    def climb(self, minutes: float) -> str:
        """Begin a ladder, every rung in its share of the minutes; the name of its group. Raises
        BusyError where a training is under way."""
        from inkling.workflows.ladder import next_group

        with self._lock:
            self._refuse_second()
            group = next_group(self._workspace)
            self._spawn(None, ["ladder", "--minutes", repr(minutes), "--name", group])
            return group

    def stop(self, name: str | None = None) -> None:
        """Let the training save and end; asking twice does no harm. With `name`, only if it is
        that run's. Raises BusyError where it is not being trained."""
        with self._lock:
            status = self._status()
            if status.pid is None or (name is not None and name != status.run):
                which = f"Run {name} is" if name is not None else "Nothing is"
                raise BusyError(f"{which} {'not ' if name else ''}being trained now.")
            if self._stopping == status.pid:
                return
            try:
                # Not SIGINT: what a script started in the background ignores that one.
                os.kill(status.pid, signal.SIGTERM)
            except ProcessLookupError:
                return
            except PermissionError:
                raise BusyError(
                    f"The training (process {status.pid}) belongs to another user of this "
                    "machine; only they can stop it."
                ) from None
            self._stopping = status.pid

    def delete(self, name: str) -> None:
        """Delete a run for good. Raises RunError where it is not there, BusyError while one is
        trained: it may read or write it."""
        with self._lock:
            run = Run.open(self._workspace, name)
            status = self._status()
            if status.state != "idle":
                if status.run == name:
                    raise BusyError(f"Run {name} is being trained. Stop it first, then delete it.")
                what = f"Run {status.run}" if status.run else "Another run"
                raise BusyError(
                    f"{what} is being trained, and may need {name}. Delete it once that has ended."
                )
            delete_runs(self._workspace, [run.path])

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the training begun from here to end; its exit status, None where there was
        none or it is still running."""
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

    def _spawn(self, name: str | None, options: list[str]) -> None:
        path = self._workspace.training_log_path
        # -P: a folder that holds a random.py must not become part of Python.
        command = [sys.executable, "-P", "-m", "inkling", *options]
        command += ["--workspace", str(self._workspace.path)]
        try:
            announce(self._workspace, name)
            with open(path, "wb", opener=private_opener) as log:
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
        self._stopping = None

    # -- looking ------------------------------------------------------------------------------

    def status(self) -> Status:
        """What is being trained now, whoever began it."""
        with self._lock:
            return self._status()

    def _status(self) -> Status:
        ours = self._process.pid if self._process and self._process.poll() is None else None
        pid = self._workspace.training_process() or ours
        told = read_status(self._workspace)
        if pid is None:
            failure = self._failure(told)
            return Status("idle", run=told.run if told and failure else None, error=failure)
        begun_here = pid == ours and told is not None and told.state == "started"
        name = told.run if told is not None and (told.pid == pid or begun_here) else None
        progress = read_progress(Run(self._workspace.runs_path / name)) if name else None
        if progress is not None and progress.pid == pid:
            state: ProcessState = "training"
            if progress.state != "training":
                state = "finishing"
            elif self._stopping == pid:
                state = "stopping"
            return Status(state, pid, name, progress)
        return Status("stopping" if self._stopping == pid else "preparing", pid, name)

    def _failure(self, told: TrainingStatus | None) -> str | None:
        """Why the last training failed; None where it did not, or somebody else saw it fail."""
        process = self._process
        if told is None:
            # On a full disk not even the file that would tell it can be written.
            ended = None if process is None else process.returncode
            return _ending(ended, self._workspace) if ended else None
        ours = told.announced or (process is not None and told.pid == process.pid)
        if not ours or told.state in ("done", "stopped"):
            return None
        if told.state == "failed":
            return told.sentence
        if process is None or told.pid not in (None, process.pid):
            return KILLED  # it was begun by an earlier server, and did not write its end
        return _ending(process.returncode, self._workspace)


def _ending(status: int, workspace: Workspace) -> str | None:
    """What an exit status says of a training that did not write how it ended; None where it was
    stopped."""
    if status in _STOPPED:
        return None
    if status < 0:
        return f"{KILLED} (It was ended by {signal.Signals(-status).name}.)"
    return (
        f"The training ended with exit status {status} and could not write why; perhaps the disk "
        f"is full. What it printed is in {workspace.training_log_path}."
    )


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
