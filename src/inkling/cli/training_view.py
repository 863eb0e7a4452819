"""What a person sees of a training: the plan, a live line, evaluations, samples, the result.

Knows: which words and numbers are printed. Does not know how training works: it is called back,
and given a result.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

import typer

from inkling.cli.console import echo
from inkling.cli.live_line import LiveLine
from inkling.config import Phase
from inkling.errors import TrainingError
from inkling.run_files import METRICS_FILE
from inkling.workflows.callbacks import TrainingCallbacks, TrainingSample

if TYPE_CHECKING:
    from inkling.config import RunConfig
    from inkling.runs import Run
    from inkling.training.callbacks import EvalReport
    from inkling.training.progress import StepProgress
    from inkling.workflows.result import TrainingResult

SAMPLE_CHARACTERS = 150
_PHASE_WORDS: dict[Phase, str] = {
    "train": "Learning to write:", "finetune": "Learning to answer:",
}  # fmt: skip


class TrainingView(TrainingCallbacks):
    """Shows a training on standard output. Use as a context manager around the training."""

    def __init__(self, progress: bool = True) -> None:
        """Without `progress` only the lines that stay are printed."""
        self._line = LiveLine()
        self._progress = progress
        self._run: Run | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BrokenPipeError):
            # `inkling train | head`: nothing can be printed there any more.
            raise TrainingError(
                "The output was closed, so the training stopped. What was saved is kept; "
                + (f"continue with: {_resume(self._run)}" if self._run else "train again.")
            ) from None
        self._line.clear()

    def on_preparing(self, name: str) -> None:
        self._line.print(f"Reading and preparing the text for run {name} …")

    def on_run(self, run: Run, machine: str) -> None:
        self._run = run
        self.print_opening(run, machine)

    def print_opening(self, run: Run, machine: str) -> None:
        """The first lines: what will be trained, and why it has the size it has."""
        from inkling.cli.plan import print_plan

        print_plan(run.config(), machine)

    def on_phase(self, phase: Phase) -> None:
        self._line.print(_PHASE_WORDS[phase])

    def on_step(self, progress: StepProgress) -> None:
        if self._progress:
            self._line.show(progress)

    def on_evaluation(self, report: EvalReport) -> None:
        from inkling.evaluation.units import bits

        best = " · best so far" if report.best else ""
        train = f", training {report.train_loss:.2f}" if report.train_loss is not None else ""
        self._line.print(
            f"  step {report.step:,}: held-out {report.per_char:.3f} nats/char "
            f"({bits(report.per_char):.2f} bits){train}{best}"
        )

    def on_sample(self, sample: TrainingSample) -> None:
        shown = " ".join(sample.text.split())
        self.on_note(f"  {sample.prompt!r} → {shown[:SAMPLE_CHARACTERS]}")

    def on_note(self, text: str) -> None:
        self._line.print(f"  {text}")


class ResumeView(TrainingView):
    """Shows a run that is continued."""

    def print_opening(self, run: Run, machine: str) -> None:
        last = run.checkpoints.last_step()
        echo(
            f"Continuing run {run.name} from step {last:,}."
            if last is not None
            else f"Run {run.name} was stopped before its first checkpoint; starting it again."
        )


class FinetuneView(TrainingView):
    """Shows a run that is fine-tuned from another."""

    def print_opening(self, run: Run, machine: str) -> None:
        echo(f"Fine-tuning {run.config().parent} as run {run.name}.")


def finish(result: TrainingResult) -> None:
    """Print what a training came to. Raises typer.Exit where a signal stopped it."""
    if result.already_complete:
        echo(f"Run {result.run.name} is complete; there is nothing left to train.")
        return
    if result.interrupted:
        echo(
            f"Stopped at step {result.step:,}; everything is saved. "
            f"Continue with: {_resume(result.run)}"
        )
        raise typer.Exit(128 + (result.signal or signal.SIGINT))
    for line in _result_lines(result):
        echo(line)


def _result_lines(result: TrainingResult) -> Iterator[str]:
    from inkling.evaluation.units import bits
    from inkling.training.loss_words import looks_like, measured_on

    config = result.run.config()
    if result.stopped_early:
        yield "Stopped early: it was no longer getting better."
    for phase, nats in result.nats_per_char.items():
        line = (
            f"Held-out {measured_on(phase, config.data)}: {nats:.3f} nats a character "
            f"({bits(nats):.2f} bits)"
        )
        if phase == "train" and (words := looks_like(nats, config.data)) is not None:
            line += f": {words}"
        yield line + _sample_note(config, phase)
        yield from _kept_note(result.run, phase)
    for warning in result.warnings:
        yield f"Warning: {warning}"
    if result.figures is not None:
        yield f"Figures: {result.figures}"
    tuned = "finetune" in result.nats_per_char
    yield (
        f"Run {result.run.name} is done. Next: "
        + ("inkling chat, or inkling serve" if tuned else 'inkling generate --prompt "…"')
    )


def _sample_note(config: RunConfig, phase: Phase) -> str:
    """That a number was measured on a sample, where it was."""
    settings = config.train if phase == "train" else config.finetune
    if settings is None or not settings.evaluation.final_tokens:
        return ""
    return f" (measured on {settings.evaluation.final_tokens:,} of its tokens, spread evenly)"


def _kept_note(run: Run, phase: Phase) -> Iterator[str]:
    """Which step's weights a phase ended with, where the last is not the best or not the kept."""
    rows = [row for row in run.records(METRICS_FILE) if row.get("phase") == phase]
    measured = [row for row in rows if row.get("val_nats_per_char") is not None]
    kept = run.checkpoints.best()[phase].get("step")
    if not measured or kept is None:
        return
    last = measured[-1]["step"]
    best = min(measured, key=lambda row: row["val_nats_per_char"])["step"]
    if kept != last:
        yield (
            f"Kept: step {kept:,}, the best on held-out text; the steps after it, up to "
            f"{last:,}, were no better."
        )
    elif best != last:
        yield (
            f"Kept: the last step, {last:,}, which knows most of the text; step {best:,} was "
            f"better on held-out text. To keep that one: --set {phase}.keep=best."
        )


def _resume(run: Run) -> str:
    return f"inkling train --resume --run {run.name}"
