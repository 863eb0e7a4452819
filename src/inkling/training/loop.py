"""The training loop: one function for pretraining and fine-tuning.

Knows: the order of things in a step (re-plan, evaluate, save, stop, learn), and how to recover
from a non-finite loss. Does not know: text, sampling, the terminal; those come in as functions.
Data: loader -> (x, y) -> loss -> gradients -> optimizers; evaluations and checkpoints -> Run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from inkling.checkpoints import Checkpoint
from inkling.errors import TrainingError
from inkling.evaluation.units import bits
from inkling.run_files import METRICS_FILE
from inkling.training.budget import Pace, StepPlan
from inkling.training.callbacks import EvalReport, StepReport
from inkling.training.phase import PhaseSetup, PhaseState
from inkling.training.schedule import lr_factor
from inkling.training.step import train_step

# A roll-back halves the learning rate; more than this many in a row cannot be luck.
MAX_ROLLBACKS = 5


@dataclass(frozen=True)
class Outcome:
    """How a phase ended: at which step, whether it was interrupted or stopped early."""

    step: int
    interrupted: bool
    stopped_early: bool
    elapsed: float = 0.0
    """Seconds of training so far, earlier phases included."""


def run_phase(setup: PhaseSetup, resume: Checkpoint | None = None) -> Outcome:
    """Train one phase to its end, from the start or from a checkpoint of the same phase.

    Returns early, with everything saved, when `callbacks.stop_requested()` turns true.
    Raises TrainingError where memory or a diverging loss leaves no way on.
    """
    settings, callbacks = setup.settings, setup.callbacks
    phase = PhaseState(setup)
    phase.begin(resume)
    first = phase.step
    planned = Pace(settings.schedule.steps, settings.evaluation.eval_every)
    plan = StepPlan(setup.phase, planned, setup.replans, setup.budget)
    setup.model.train()

    while True:
        if (replan := plan.replan(phase.step)) is not None:
            setup.on_replan(replan)
        steps, progress, eval_every = plan.at(phase.step)
        factor = phase.lr_scale * lr_factor(settings.schedule, phase.step, progress)
        lr = settings.optimizer.learning_rate * factor
        ended = phase.step >= steps
        # Whatever is due at the step that a checkpoint was written was done before it was.
        due = resume is None or phase.step > first

        evaluated = due and (ended or _evaluation_due(phase, steps, eval_every))
        if evaluated and not _read_losses(phase):
            continue
        improved = evaluated and _evaluate(phase, lr)

        patience = settings.evaluation.patience
        stopped_early = 0 < patience <= phase.evaluations_since_best
        interrupted = callbacks.stop_requested()
        finished = ended or stopped_early or interrupted

        saved = improved or finished or phase.step % settings.evaluation.save_every == 0
        if due and saved:
            if not _read_losses(phase):
                continue
            phase.save()
        if finished:
            setup.run.write_loss_history()
            return Outcome(
                phase.run_step,
                interrupted=interrupted and not ended,
                stopped_early=stopped_early and not ended,
                elapsed=60 * phase.minutes(),
            )

        plan.before_step(evaluated)
        loss, targets = train_step(phase, factor)
        report = StepReport(
            setup.phase, phase.run_step + 1, setup.base_step + steps, math.nan, lr, targets,
            phase.minutes(),
        )  # fmt: skip
        phase.made(loss, report)
        if len(phase.unread) >= setup.runtime.losses_read_every:
            _read_losses(phase)


def _read_losses(phase: PhaseState) -> bool:
    """Read the losses of steps that were made, and report them; False where one was non-finite,
    which takes the phase back."""
    for report in phase.read_losses():
        if not math.isfinite(report.loss):
            _roll_back(phase, report.step - 1)
            return False
        phase.setup.callbacks.on_step(report)
    return True


def _evaluation_due(phase: PhaseState, steps: int, every: int) -> bool:
    """Every so many steps, but not shortly before the one that ends the phase."""
    if phase.step == 0:
        return phase.setup.evaluate_first
    return phase.step % every == 0 and steps - phase.step >= every // 2


def _evaluate(phase: PhaseState, lr: float) -> bool:
    """Measure held-out loss and record it; whether these weights are to be kept as the best."""
    setup = phase.setup
    likelihood = setup.evaluate(setup.model)
    train_loss = phase.take_mean_loss()
    per_char = likelihood.nats_per_char
    lowest = per_char < phase.best
    phase.evaluations_since_best = 0 if lowest else phase.evaluations_since_best + 1
    if lowest:
        phase.best, phase.rollbacks = per_char, 0
    kept = lowest or setup.settings.evaluation.keep == "last"
    if kept:
        entry = {"step": phase.run_step, "val_nats_per_char": per_char}
        phase.best_of_phases = phase.best_of_phases | {setup.phase: entry}
    setup.run.append(
        METRICS_FILE,
        {
            "step": phase.run_step,
            "phase": setup.phase,
            "train_loss": train_loss,
            "val_loss": likelihood.val_loss,
            "val_nats_per_char": per_char,
            "val_bits_per_char": bits(per_char),
            "lr": lr,
            "elapsed_min": phase.minutes(),
        },
    )
    report = EvalReport(
        setup.phase, phase.run_step, train_loss, likelihood.val_loss, per_char, lowest
    )
    setup.callbacks.on_eval(report, setup.model)
    setup.model.train()
    return kept


def _roll_back(phase: PhaseState, failed_at: int) -> None:
    """After a non-finite loss at step `failed_at`: back to the last checkpoint, at half the
    learning rate."""
    setup = phase.setup
    rollbacks, scale = phase.rollbacks + 1, phase.lr_scale / 2
    if rollbacks > MAX_ROLLBACKS:
        raise TrainingError(
            f"The loss was non-finite {rollbacks} times, each time at half the learning rate. The "
            "last checkpoint is kept; train again with a lower rate: "
            "--set train.learning_rate=0.001 --set train.matrix_lr=0.005."
        )
    ranks = setup.runtime.ranks
    step = ranks.decided(setup.run.checkpoints.last_step)
    if step is None or step < setup.base_step:
        raise TrainingError(
            "The loss was non-finite before the first checkpoint. Train again with a lower "
            "learning rate: --set train.learning_rate=0.001 --set train.matrix_lr=0.005."
        )
    phase.restore(setup.run.checkpoints.load(step))
    ranks.part_randomness()
    phase.rollbacks, phase.lr_scale = rollbacks, scale
    setup.run.truncate_after(phase.run_step)
    setup.callbacks.on_note(
        f"Non-finite loss at step {failed_at}; back to step {step} at half the learning rate."
    )
