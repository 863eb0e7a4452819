"""What a running training tells the outside, beside its checkpoints: how far it is, how fast.

Knows: `progress.json` (the moment, replaced about once a second) and `train_loss.jsonl` (the
training loss between two evaluations, a row a second at most). Does not know who reads them.
Data: StepReport -> Throughput -> `StepProgress` -> whoever watches in this process; the same once
a second -> `Progress` -> files, which a server or a page reads back.

Nothing depends on these files: they are written without waiting for the disk, and a resume
reads only checkpoints.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from inkling.atomic_files import atomic_write
from inkling.config import DataFacts, Phase
from inkling.regular_files import read_regular
from inkling.run_files import PROGRESS_FILE, TRAIN_LOSS_FILE

if TYPE_CHECKING:
    from inkling.runs import Run
    from inkling.training.callbacks import StepReport

WRITE_SECONDS = 1.0
LIVE_ROWS = 1_000
"""Rows of the live curve at most, however long the training: more than a screen has pixels."""
_WINDOW = 50
_NEWEST_WEIGHT = 0.1

ProgressState = Literal["training", "done", "stopped", "failed"]


class Progress(BaseModel):
    """How far a training is. `state` stays "training" where the process was killed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    state: ProgressState = "training"
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


@dataclass(frozen=True)
class StepProgress:
    """A training after a step, for whoever watches it."""

    phase: Phase
    step: int
    steps: int
    """Steps at the end of this phase, as planned now."""
    loss: float
    """Nats a token, a moving average."""
    characters_per_second: float | None
    """None until two steps were seen."""
    seconds_left: float | None
    """To the end of the whole training; None until two steps were seen."""


def characters_per_token(facts: DataFacts) -> float:
    """Of the training text, on average."""
    return facts.train_characters / max(1, facts.train_tokens)


class Throughput:
    """Speed and smoothed loss of a phase, from its last steps."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW)
        self._tokens = 0
        self.loss = 0.0

    def add(self, report: StepReport) -> None:
        """Count a step."""
        before, weight = (self.loss, _NEWEST_WEIGHT) if self._marks else (0.0, 1.0)
        self._tokens += report.tokens
        # When the step was made, not when it is reported: on a GPU several are at once.
        self._marks.append((60 * report.elapsed_min, report.step, self._tokens))
        self.loss = before * (1 - weight) + report.loss * weight

    def steps_per_second(self) -> float | None:
        """None until two steps were seen."""
        return self._rate(1)

    def tokens_per_second(self) -> float | None:
        """None until two steps were seen."""
        return self._rate(2)

    def _rate(self, column: int) -> float | None:
        if len(self._marks) < 2:
            return None
        first, last = self._marks[0], self._marks[-1]
        return (last[column] - first[column]) / max(1e-9, last[0] - first[0])


class ProgressWriter:
    """Measures a run while it trains, and writes both files."""

    def __init__(self, run: Run, parameters: int, ends_at: float | None) -> None:
        """`ends_at` is the `time.time()` that a timed training is planned to end at."""
        config = run.config()
        self._run, self._ends_at = run, ends_at
        self._characters_per_token = characters_per_token(config.data)
        # A run that is resumed has the steps that its clock gave it, not those it began with.
        steps: dict[Phase, int] = {
            "train": config.train.schedule.steps,
            "finetune": config.finetune.schedule.steps if config.finetune is not None else 0,
        }
        steps.update((replan.phase, replan.steps) for replan in config.replans)
        self._tuning_steps = steps["finetune"]
        self._progress = Progress(
            pid=os.getpid(),
            step=run.checkpoints.last_step() or 0,
            steps=sum(steps.values()),
            parameters=parameters,
        )
        self._throughput = Throughput()
        self._phase: Phase | None = None
        self._sum, self._count = 0.0, 0
        self._written = time.monotonic()
        self._row_step = 0
        self._write()

    def step(self, report: StepReport) -> StepProgress:
        """Count a step, write when a second has passed; where the training is now."""
        if report.phase != self._phase:
            self._throughput, self._phase = Throughput(), report.phase
        self._throughput.add(report)
        self._sum, self._count = self._sum + report.loss, self._count + 1
        tokens = self._throughput.tokens_per_second()
        now = StepProgress(
            phase=report.phase,
            step=report.step,
            steps=report.steps,
            loss=self._throughput.loss,
            characters_per_second=None if tokens is None else tokens * self._characters_per_token,
            seconds_left=self._seconds_left(report),
        )
        if time.monotonic() - self._written >= WRITE_SECONDS:
            self._written = time.monotonic()
            self._write_step(report, now)
        return now

    def _write_step(self, report: StepReport, now: StepProgress) -> None:
        steps = self._steps(report)
        self._progress = self._progress.model_copy(
            update={
                "phase": now.phase,
                "step": now.step,
                "steps": steps,
                "loss": now.loss,
                "lr": report.lr,
                "characters_per_second": now.characters_per_second,
                "seconds_left": now.seconds_left,
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
            self._run.append(TRAIN_LOSS_FILE, row)
            self._sum, self._count = 0.0, 0
        self._write()

    def finish(
        self, state: ProgressState, step: int | None = None, sentence: str | None = None
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

    def _seconds_left(self, report: StepReport) -> float | None:
        # The plan is bent to the clock while it runs, so the clock knows best.
        if self._ends_at is not None:
            return max(0.0, self._ends_at - time.time())
        speed = self._throughput.steps_per_second()
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
    """What a run's training told last; None where it never told anything readable."""
    try:
        return Progress.model_validate_json(read_regular(run.path / PROGRESS_FILE))
    except (OSError, ValidationError):
        return None
