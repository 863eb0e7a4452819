"""What became of a workspace's last training, as JSON that any other process can read.

Knows: `.training.json`, and which of its states an ended training leaves. Does not know what is
trained. Data: the process that holds the training lock -> `.training.json` -> the server,
`inkling start`, whoever asks later.

Only the holder of the lock writes, but for one moment: who starts a training as another process
writes first that it was started (`announce`), without a number, because one that fails before it
holds the lock writes nothing. What a training that was killed wrote last is not its end:
`progress.json` of its run and the exit status say more.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from inkling.atomic_files import atomic_write
from inkling.error_messages import sentence_and_status
from inkling.regular_files import read_regular
from inkling.unfinished import sweep_status
from inkling.workspace import Workspace

StatusState = Literal["started", "preparing", "training", "done", "stopped", "failed"]


class TrainingStatus(BaseModel):
    """The one training of a workspace. Ended are "done", "stopped" and "failed"."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: StatusState
    pid: int | None = None
    """None until the process that was started has the training lock."""
    run: str | None = None
    sentence: str | None = None
    """What happened and what to do next, where it failed."""
    announced: bool = False
    """Whether another process started it, and nobody reads what it prints."""


class StatusWriter:
    """Tells how the training of this process is getting on."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.before = read_status(workspace)
        """What the training before this one told, or whoever announced this one."""
        self._announced = self.before is not None and self.before.state == "started"
        # A reader never loses the name between the announcement and the first word from here.
        self._run = self.before.run if self.before is not None and self._announced else None

    def begun(self) -> None:
        """Nothing is read yet; the run's name is the one that was announced, where one was."""
        self._write("preparing")

    def preparing(self, run: str) -> None:
        """Text is being read for a run."""
        self._run = run
        self._write("preparing")

    def training(self, run: str) -> None:
        """The run has a config and makes steps."""
        self._run = run
        self._write("training")

    def end(self, state: Literal["done", "stopped", "failed"], sentence: str | None = None) -> None:
        """How it ended."""
        self._write(state, sentence)

    def _write(self, state: StatusState, sentence: str | None = None) -> None:
        status = TrainingStatus(
            state=state,
            pid=os.getpid(),
            run=self._run,
            sentence=sentence,
            announced=self._announced,
        )
        _write(self._workspace, status)


@contextlib.contextmanager
def training_status(workspace: Workspace) -> Iterator[StatusWriter]:
    """Hold the workspace's training lock, and say at the end of the block how it ended.

    Raises WorkspaceError where another training holds the lock.
    """
    with workspace.training_lock():
        sweep_status(workspace)
        writer = StatusWriter(workspace)
        try:
            writer.begun()
            yield writer
        except (KeyboardInterrupt, BrokenPipeError):
            # Who watched has gone, which is no failure of the training.
            with contextlib.suppress(OSError):
                writer.end("stopped")
            raise
        except Exception as error:
            with contextlib.suppress(OSError):  # the disk may be what failed
                writer.end("failed", sentence_and_status(error)[0])
            raise


def announce(workspace: Workspace, run: str | None) -> None:
    """Write that another process is being started to train a run, or to climb a ladder."""
    _write(workspace, TrainingStatus(state="started", run=run, announced=True))


def read_status(workspace: Workspace) -> TrainingStatus | None:
    """What the last training told; None where none ever told anything readable."""
    try:
        return TrainingStatus.model_validate_json(read_regular(workspace.training_status_path))
    except (OSError, ValidationError):
        return None


def _write(workspace: Workspace, status: TrainingStatus) -> None:
    # A reader needs a whole file; that it survives a power cut is worth no wait.
    atomic_write(workspace.training_status_path, status.model_dump_json(), durable=False)
