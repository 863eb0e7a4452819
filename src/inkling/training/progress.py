"""What a running training tells the outside, beside its checkpoints: how far it is, how fast.

Knows: `progress.json` (the moment, replaced about once a second) and `train_loss.jsonl` (the
training loss between two evaluations, a row a second at most). Does not know who reads them.
Data: StepReport -> Pace -> Progress -> files; a server or a page reads them back.

Nothing depends on these files: they are written without waiting for the disk, and a resume
reads only checkpoints.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from inkling.config import Phase
from inkling.workspace import atomic_write

if TYPE_CHECKING:
    from inkling.runs import Run
    from inkling.training.loop import StepReport

PROGRESS_FILE, LIVE_FILE = "progress.json", "train_loss.jsonl"
WRITE_SECONDS = 1.0
LIVE_ROWS = 1_000
"""Rows of the live curve at most, however long the training: more than a screen has pixels."""
_WINDOW = 50
_NEWEST_WEIGHT = 0.1

TrainingState = Literal["training", "done", "stopped", "failed"]


class Progress(BaseModel):
    """How far a training is. `state` stays "training" where the process was killed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    state: TrainingState = "training"
    sentence: str | None = None
    """What happened and what to do, where it failed."""
    phase: Phase | None = None
    step: int = 0
    steps: int = 0
    """Steps of the whole run, as planned now."""
    parameters: int | None = None
    loss: float | None = None
    """Nats a token, a moving average."""
    lr: float | None = None
    characters_per_second: float | None = None
    seconds_left: float | None = None
    elapsed_min: float = 0.0
    """Minutes of training, as the evaluations count them."""
    updated: float = 0.0


class Pace:
    """Speed and smoothed loss of a phase, from its last steps."""

    def __init__(self, characters_per_token: float) -> None:
        self._characters_per_token = characters_per_token
        self._marks: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW)
        self._tokens = 0
        self.loss: float | None = None

    def take(self, report: StepReport) -> None:
        """Take in a step."""
        self._tokens += report.tokens
        self._marks.append((time.monotonic(), report.step, self._tokens))
        before, weight = (0.0, 1.0) if self.loss is None else (self.loss, _NEWEST_WEIGHT)
        self.loss = before * (1 - weight) + report.loss * weight

    def steps_per_second(self) -> float | None:
        """None until two steps were seen."""
        return self._rate(1)

    def characters_per_second(self) -> float | None:
        """None until two steps were seen."""
        rate = self._rate(2)
        return None if rate is None else rate * self._characters_per_token

    def _rate(self, column: int) -> float | None:
        if len(self._marks) < 2:
            return None
        first, last = self._marks[0], self._marks[-1]
        return (last[column] - first[column]) / max(1e-9, last[0] - first[0])


class ProgressWriter:
    """Writes both files of a run while it trains."""

    def __init__(self, run: Run, parameters: int, ends_at: float | None) -> None:
        """`ends_at` is the `time.time()` that a timed training is planned to end at."""
        config = run.config()
        self._run, self._ends_at = run, ends_at
        self._tuning_steps = config.finetune.steps if config.finetune is not None else 0
        self._progress = Progress(
            pid=os.getpid(),
            step=run.last_step() or 0,
            steps=config.train.steps + self._tuning_steps,
            parameters=parameters,
        )
        self._sum, self._count = 0.0, 0
        self._written = time.monotonic()
        self._row_step = 0
        self._write()

    def step(self, report: StepReport, pace: Pace) -> None:
        """Take in a step; write when a second has passed."""
        self._sum, self._count = self._sum + report.loss, self._count + 1
        now = time.monotonic()
        if now - self._written < WRITE_SECONDS:
            return
        self._written = now
        steps = self._steps(report)
        self._progress = self._progress.model_copy(
            update={
                "phase": report.phase,
                "step": report.step,
                "steps": steps,
                "loss": pace.loss,
                "lr": report.lr,
                "characters_per_second": pace.characters_per_second(),
                "seconds_left": self.seconds_left(report, pace),
                "elapsed_min": report.elapsed_min,
            }
        )
        if abs(report.step - self._row_step) * LIVE_ROWS >= steps:
            self._row_step = report.step
            row = {
                "step": report.step,
                "phase": report.phase,
                "loss": self._sum / self._count,
                "lr": report.lr,
                "elapsed_min": report.elapsed_min,
            }
            self._run.append(LIVE_FILE, row)
            self._sum, self._count = 0.0, 0
        self._write()

    def finish(
        self, state: TrainingState, step: int | None = None, sentence: str | None = None
    ) -> None:
        """Say how the training ended, and at which step where that is known."""
        self._progress = self._progress.model_copy(
            update={
                "state": state,
                "sentence": sentence,
                "seconds_left": None,
                "step": self._progress.step if step is None else step,
            }
        )
        self._write()

    def seconds_left(self, report: StepReport, pace: Pace) -> float | None:
        """To the end of the whole training; None until that can be told."""
        # The plan is bent to the clock while it runs, so the clock knows best.
        if self._ends_at is not None:
            return max(0.0, self._ends_at - time.time())
        speed = pace.steps_per_second()
        return (self._steps(report) - report.step) / speed if speed else None

    def _steps(self, report: StepReport) -> int:
        """Of the whole run: base training is followed by fine-tuning, and a phase's own plan
        changes with the clock."""
        return report.steps + (self._tuning_steps if report.phase == "train" else 0)

    def _write(self) -> None:
        stamped = self._progress.model_copy(update={"updated": time.time()})
        # A reader needs a whole file; that it survives a power cut is worth no wait.
        atomic_write(self._run.path / PROGRESS_FILE, stamped.model_dump_json(), durable=False)


def read_progress(run: Run) -> Progress | None:
    """The last that a run's training told; None where it never told anything readable."""
    try:
        return Progress.model_validate_json((run.path / PROGRESS_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
