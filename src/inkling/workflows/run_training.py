"""A run whose every setting is decided, trained to its end while others watch.

Knows: how the loop's callbacks are put together (progress files, samples, whoever watches), what
is left of a run that fails, and what a finished one comes to. Does not know how the run came about
(workflows.train), nor the loop. Imports torch: only imported once a training begins.
Data: Run + Runtime -> `train_run` -> `TrainingResult`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import get_args

from torch import nn

from inkling.config import Phase
from inkling.error_messages import sentence_and_status
from inkling.errors import LostRankError
from inkling.model.build import count_parameters
from inkling.preparation import nothing_half_begun
from inkling.run_files import METRICS_FILE, SAMPLES_FILE
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.training.callbacks import Callbacks, EvalReport, StepReport
from inkling.training.divided import divided_in_vain
from inkling.training.loop import Outcome
from inkling.training.loss_words import diverged
from inkling.training.phase_budget import deadline
from inkling.training.progress import ProgressWriter
from inkling.training.session import Session, train_run
from inkling.workflows.callbacks import TrainingCallbacks
from inkling.workflows.result import TrainingResult
from inkling.workflows.samples import draw_samples, sample_prompts
from inkling.workflows.signals import StopRequest


def train_to_the_end(
    run: Run,
    runtime: Runtime,
    callbacks: TrainingCallbacks,
    stop: StopRequest,
    *,
    resume: bool = False,
    figures: bool = True,
    samples: bool = True,
) -> TrainingResult:
    """Train what is left of a run. With `resume`, exactly as it was planned, whatever the clock
    says; with `samples`, the fixed prompts are written at each evaluation.

    Raises what the loop and the callbacks raise, after the run's progress file says so.
    """
    progress = _progress_writer(run, runtime, resume)
    config = run.config()
    phases = [config.train, *([config.finetune] if config.finetune is not None else [])]
    if divided_in_vain(runtime.ranks, [phase.batch for phase in phases]):
        callbacks.on_note(
            "divide_weights changes nothing here: it divides the weights over the processes that "
            "torchrun starts, and this training is one process."
        )

    def callbacks_for(session: Session, phase: Phase) -> Callbacks:
        return _loop_callbacks(session, phase, progress, callbacks, stop, samples)

    with _failures_told(run, progress, resume), stop.at_the_next_step():
        outcome = train_run(run, runtime, callbacks_for, resume)
    progress.finish("stopped" if outcome.interrupted else "done", outcome.step)
    return _result(run, outcome, stop, figures)


@contextlib.contextmanager
def _failures_told(run: Run, progress: ProgressWriter, resume: bool) -> Iterator[None]:
    """A failure stands in the run's progress file. A new run that failed before its first
    checkpoint is removed: it would fail again, so it is not worth a resume. (A resume never
    removes: its run may hold a checkpoint that can still be mended.)"""

    def keep(error: BaseException) -> bool:
        no_fault_of_its_own = isinstance(error, BrokenPipeError | LostRankError)
        failed = isinstance(error, Exception) and not no_fault_of_its_own
        return resume or not failed or run.checkpoints.last_step() is not None

    try:
        with nothing_half_begun(run.path, keep):
            yield
    except BrokenPipeError:  # who watched has gone, which is no failure of the run
        progress.finish("stopped")
        raise
    except Exception as error:
        if run.path.exists():
            with contextlib.suppress(OSError):  # the disk may be what failed
                progress.finish("failed", sentence=sentence_and_status(error)[0])
        raise


def _result(run: Run, outcome: Outcome, stop: StopRequest, figures: bool) -> TrainingResult:
    records = list(run.records(METRICS_FILE))
    vocab_size = run.config().model.vocab_size
    phases: tuple[Phase, ...] = get_args(Phase)
    warnings = [
        diverged(records, phase, vocab_size) for phase in phases if phase in run.checkpoints.best()
    ]
    folder = None
    if figures and not outcome.interrupted:
        from inkling.plots import draw_run

        folder = draw_run(run)[0].parent
    return TrainingResult(
        run=run,
        step=outcome.step,
        interrupted=outcome.interrupted,
        signal=stop.signal if outcome.interrupted else None,
        stopped_early=outcome.stopped_early,
        warnings=tuple(warning for warning in warnings if warning is not None),
        figures=folder,
    )


def _progress_writer(run: Run, runtime: Runtime, resume: bool) -> ProgressWriter:
    """A resumed run keeps its steps, whatever the clock says."""
    config = run.config()
    timed = config.minutes is not None and not resume
    return ProgressWriter(
        run,
        count_parameters(config.model),
        deadline(config.minutes or 0.0, runtime, config.figures) if timed else None,
    )


def _loop_callbacks(
    session: Session,
    phase: Phase,
    progress: ProgressWriter,
    callbacks: TrainingCallbacks,
    stop: StopRequest,
    samples: bool,
) -> Callbacks:
    # A divided model computes only where all processes do, and samples are drawn by the first.
    drawn = samples and not session.divided
    prompts = sample_prompts(session, phase) if drawn else []
    callbacks.on_phase(phase)

    def on_step(report: StepReport) -> None:
        callbacks.on_step(progress.step(report))

    def on_eval(report: EvalReport, model: nn.Module) -> None:
        callbacks.on_evaluation(report)
        for sample in draw_samples(session, phase, report.step, model, prompts):
            session.run.append(SAMPLES_FILE, vars(sample))
            callbacks.on_sample(sample)

    return Callbacks(
        on_step=on_step,
        on_eval=on_eval,
        on_note=callbacks.on_note,
        stop_requested=lambda: stop.signal is not None or callbacks.stop_requested(),
    )
