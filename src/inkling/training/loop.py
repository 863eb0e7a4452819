"""The training loop: one function for pretraining and fine-tuning.

Knows: the order of things in a step (evaluate, sample, save, then learn), and how to stop,
roll back and resume exactly. Does not know: text, sampling, the terminal; those come in as
functions.
Data: loader -> (x, y) -> loss -> gradients -> optimizers; evaluations and checkpoints -> Run.

Bit-exact resume: everything a later step depends on is in the checkpoint (weights, optimizer
state, loader position, torch's RNG, best so far, learning-rate scale, rows a pass), and every
decision taken from the clock (how many steps fit the minutes) is a recorded `Replan`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.config import Phase, Replan, TrainingSettings
from inkling.errors import TrainingError
from inkling.runs import Checkpoint, Run
from inkling.runtime import is_out_of_memory
from inkling.tokens.loader import IGNORE, Loader
from inkling.training.metrics import bits
from inkling.training.optim import Optimizers
from inkling.training.schedule import lr_factor, progress, progress_knots

if TYPE_CHECKING:
    from inkling.evaluation.likelihood import Likelihood
    from inkling.runtime import Runtime

# A roll-back halves the learning rate; more than this many in a row cannot be luck.
MAX_ROLLBACKS = 5


class Budget(Protocol):
    """Decides, from the clock, whether the plan must change. None keeps it."""

    def replan(self, step: int, steps: int, first: int) -> int | None:
        """New number of steps of the phase, given the plan and the step this process began at."""
        ...


@dataclass(frozen=True)
class StepReport:
    """What the live line shows after a step. `tokens` counts targets of this step."""

    phase: Phase
    step: int
    steps: int
    loss: float
    lr: float
    tokens: int
    elapsed_min: float


@dataclass(frozen=True)
class EvalReport:
    """One evaluation. Losses in nats per token; `per_char` in nats per character."""

    phase: Phase
    step: int
    train_loss: float | None
    val_loss: float
    per_char: float
    best: bool


@dataclass
class Hooks:
    """What the loop tells the outside; each may do nothing."""

    on_step: Callable[[StepReport], None] = lambda report: None
    on_eval: Callable[[EvalReport, nn.Module], None] = lambda report, model: None
    on_note: Callable[[str], None] = lambda text: None
    stop_requested: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Outcome:
    """How a phase ended: at which step, whether it was interrupted or stopped early."""

    step: int
    interrupted: bool
    stopped_early: bool
    elapsed: float = 0.0
    """Seconds of training so far, earlier phases included."""


@dataclass
class PhaseJob:
    """One phase of one run, ready to go."""

    run: Run
    phase: Phase
    model: nn.Module
    loader: Loader
    settings: TrainingSettings
    evaluate: Callable[[nn.Module], Likelihood]
    runtime: Runtime
    base_step: int = 0
    """Step of the run at which this phase began; the run's steps go on counting."""
    hooks: Hooks = field(default_factory=Hooks)
    budget: Budget | None = None
    replans: tuple[Replan, ...] = ()
    on_replan: Callable[[Replan], None] = lambda replan: None
    evaluate_first: bool = False
    elapsed: float = 0.0
    """Seconds of training before this phase; the run's minutes go on counting."""
    optimizer_state: dict[str, Tensor] | None = None
    """State that the optimizers begin with; by default they begin anew."""


def forward_loss(model: nn.Module, x_BT: Tensor, y_BT: Tensor) -> Tensor:
    """Summed cross-entropy of the targets that count, in nats."""
    logits_BTV = model(x_BT)
    return F.cross_entropy(
        logits_BTV.flatten(0, 1), y_BT.flatten(), ignore_index=IGNORE, reduction="sum"
    )


class _Phase:
    """The mutable state of a running phase, and its saving and restoring."""

    def __init__(self, job: PhaseJob) -> None:
        self.job = job
        self.optimizers = Optimizers(job.model, job.settings)
        self.step = 0
        self.rows = job.settings.device_batch_size
        self.lr_scale = 1.0
        self.rollbacks = 0
        self.stale = 0
        self.elapsed = job.elapsed
        self.best = math.inf
        self.loss_sum = 0.0
        self.loss_count = 0
        self.best_of_phases = job.run.best()
        self._since = time.monotonic()

    @property
    def run_step(self) -> int:
        return self.job.base_step + self.step

    def minutes(self) -> float:
        return (self.elapsed + time.monotonic() - self._since) / 60

    def state(self) -> dict[str, Any]:
        self.elapsed += time.monotonic() - self._since
        self._since = time.monotonic()
        return {
            "phase": self.job.phase,
            "phase_step": self.step,
            "loader": self.job.loader.state(),
            "device_batch_size": self.rows,
            "lr_scale": self.lr_scale,
            "stale": self.stale,
            "elapsed": self.elapsed,
            "best": None if math.isinf(self.best) else self.best,
            "best_of_phases": self.best_of_phases,
            "loss_sum": self.loss_sum,
            "loss_count": self.loss_count,
        }

    def save(self) -> None:
        optimizer = self.optimizers.state_tensors() | {"rng": torch.get_rng_state()}
        if self.job.runtime.device.type == "cuda":
            optimizer["rng_cuda"] = torch.cuda.get_rng_state()
        self.job.run.save_checkpoint(
            self.run_step, self.state(), self.job.model.state_dict(), optimizer
        )
        # After the checkpoint it may name; a crash in between is mended by the next resume.
        self.job.run.write_best(self.best_of_phases)

    def restore(self, checkpoint: Checkpoint) -> None:
        assert checkpoint.optimizer is not None
        state = checkpoint.state
        self.job.model.load_state_dict(checkpoint.model)
        self.optimizers.load_state_tensors(checkpoint.optimizer)
        torch.set_rng_state(checkpoint.optimizer["rng"])
        if "rng_cuda" in checkpoint.optimizer and self.job.runtime.device.type == "cuda":
            torch.cuda.set_rng_state(checkpoint.optimizer["rng_cuda"])
        self.job.loader.load_state(state["loader"])
        self.step = state["phase_step"]
        self.rows = state["device_batch_size"]
        self.lr_scale = state["lr_scale"]
        self.stale = state["stale"]
        self.elapsed = state["elapsed"]
        self.best = math.inf if state["best"] is None else state["best"]
        self.best_of_phases = state["best_of_phases"]
        self.loss_sum, self.loss_count = state["loss_sum"], state["loss_count"]


def run_phase(job: PhaseJob, resume: Checkpoint | None = None) -> Outcome:
    """Train one phase to its end, from the start or from a checkpoint of the same phase.

    Returns early, with everything saved, when `hooks.stop_requested()` turns true.
    Raises TrainingError where memory or a diverging loss leaves no way on.
    """
    phase, settings, run = _Phase(job), job.settings, job.run
    if resume is not None:
        phase.restore(resume)
        run.write_best(phase.best_of_phases)
    elif job.optimizer_state is not None:
        phase.optimizers.load_state_tensors(job.optimizer_state)
    run.forget_after(phase.run_step)
    first = phase.step
    replans = [(r.step, r.steps) for r in job.replans if r.phase == job.phase]
    steps = replans[-1][1] if replans else settings.steps
    # Decisions recorded for steps still ahead are replayed, not taken again.
    replayed_until = max((at for at, _ in replans), default=-1)
    job.model.train()

    while True:
        if (
            job.budget is not None
            and phase.step > replayed_until
            and (new := job.budget.replan(phase.step, steps, first)) is not None
        ):
            replans.append((phase.step, new))
            steps = new
            job.on_replan(Replan(phase=job.phase, step=phase.step, steps=new))
        knots = progress_knots(settings.steps, [r for r in replans if r[0] <= phase.step])
        total = knots[-1][0]
        done = progress(knots, phase.step)
        factor = phase.lr_scale * lr_factor(settings, phase.step, done)

        # Whatever is due at the step that a checkpoint was written was done before it was.
        fresh = resume is None or phase.step > first
        ended = phase.step >= total
        evaluate = ended or _evaluation_due(phase.step, total, settings, job.evaluate_first)
        better = fresh and evaluate and _evaluate(phase, settings.learning_rate * factor)
        stop_early = settings.patience > 0 and phase.stale >= settings.patience
        interrupted = job.hooks.stop_requested()
        finished = ended or stop_early or interrupted
        if fresh and (better or finished or phase.step % settings.save_every == 0):
            phase.save()
            run.prune()
        if finished:
            run.write_loss_history()
            return Outcome(
                phase.run_step,
                interrupted=interrupted and not ended,
                stopped_early=stop_early and not ended,
                elapsed=60 * phase.minutes(),
            )

        loss, tokens = _learn(phase, factor)
        if not math.isfinite(loss):
            _roll_back(phase)
            continue
        phase.step += 1
        phase.loss_sum += loss
        phase.loss_count += 1
        job.hooks.on_step(
            StepReport(
                job.phase, phase.run_step, job.base_step + total, loss,
                settings.learning_rate * factor, tokens, phase.minutes(),
            )
        )  # fmt: skip


def _evaluation_due(step: int, total: int, settings: TrainingSettings, first: bool) -> bool:
    """Every `eval_every` steps, but not shortly before the one that ends the phase."""
    if step == 0:
        return first
    return step % settings.eval_every == 0 and total - step >= settings.eval_every // 2


def _evaluate(phase: _Phase, lr: float) -> bool:
    """Measure held-out loss and record it; whether it is the best so far."""
    job = phase.job
    likelihood = job.evaluate(job.model)
    train_loss = phase.loss_sum / phase.loss_count if phase.loss_count else None
    phase.loss_sum, phase.loss_count = 0.0, 0
    per_char = likelihood.nats_per_char
    lowest = per_char < phase.best
    phase.stale = 0 if lowest else phase.stale + 1
    if lowest:
        phase.best, phase.rollbacks = per_char, 0
    better = lowest or job.settings.keep == "last"
    if better:
        entry = {"step": phase.run_step, "val_nats_per_char": per_char}
        phase.best_of_phases = phase.best_of_phases | {job.phase: entry}
    job.run.append(
        "metrics.jsonl",
        {
            "step": phase.run_step,
            "phase": job.phase,
            "train_loss": train_loss,
            "val_loss": likelihood.val_loss,
            "val_nats_per_char": per_char,
            "val_bits_per_char": bits(per_char),
            "lr": lr,
            "elapsed_min": phase.minutes(),
        },
    )
    report = EvalReport(
        job.phase, phase.run_step, train_loss, likelihood.val_loss, per_char, lowest
    )
    job.hooks.on_eval(report, job.model)
    job.model.train()
    return better


def _learn(phase: _Phase, factor: float) -> tuple[float, int]:
    """One step: gradients over the whole batch, then the update. Mean loss and target count.

    When memory runs out the rows of one pass are halved and the same batch is tried again.
    """
    job, settings = phase.job, phase.job.settings
    rows = max(1, settings.total_batch_size // settings.sequence_length)
    x_BT, y_BT = (torch.from_numpy(array) for array in job.loader.next_batch(rows))
    x_BT, y_BT = x_BT.to(job.runtime.device), y_BT.to(job.runtime.device)
    tokens = max(1, int((y_BT != IGNORE).sum()))
    while True:
        try:
            total = 0.0
            for x, y in zip(x_BT.split(phase.rows), y_BT.split(phase.rows), strict=True):
                loss = forward_loss(job.model, x, y) / tokens
                loss.backward()
                total += loss.item()
            break
        except (RuntimeError, MemoryError) as error:
            phase.optimizers.zero_grad()
            if not is_out_of_memory(error):
                raise
            if phase.rows == 1:
                raise TrainingError(
                    "There is not enough memory for a single row of this model. Close other "
                    "programs, or train a smaller one: inkling train --minutes 1."
                ) from None
            phase.rows = (phase.rows + 1) // 2
            job.hooks.on_note(f"Memory is short: going on with {phase.rows} rows at a time.")
    if math.isfinite(total):
        phase.optimizers.step(factor)
    phase.optimizers.zero_grad()
    return total, tokens


def _roll_back(phase: _Phase) -> None:
    """After a loss that is no number: back to the last checkpoint at half the rate."""
    job = phase.job
    rollbacks, scale = phase.rollbacks + 1, phase.lr_scale / 2
    if rollbacks > MAX_ROLLBACKS:
        raise TrainingError(
            f"The loss stopped being a number {rollbacks} times, each time at half the learning "
            "rate. The last checkpoint is kept; train again with a lower rate: "
            "--set train.learning_rate=0.001 --set train.matrix_lr=0.005."
        )
    step = job.run.last_step()
    if step is None or step < job.base_step:
        raise TrainingError(
            "The loss stopped being a number before the first checkpoint. "
            "Train again with a lower learning rate."
        )
    failed_at = phase.run_step
    phase.restore(job.run.load_checkpoint(step))
    phase.rollbacks, phase.lr_scale = rollbacks, scale
    job.run.forget_after(phase.run_step)
    job.hooks.on_note(
        f"The loss was not a number at step {failed_at}; back to step {step} at half the rate."
    )


def time_step(
    model: nn.Module, loader: Loader, settings: TrainingSettings, runtime: Runtime
) -> float:
    """Seconds of one optimizer step, the median of a few after a warm-up. Spoils the model."""
    optimizers = Optimizers(model, settings)
    rows = max(1, settings.total_batch_size // settings.sequence_length)
    times: list[float] = []
    begun = time.perf_counter()
    while len(times) < 3 or (len(times) < 9 and time.perf_counter() - begun < 0.5):
        start = time.perf_counter()
        x_BT, y_BT = (torch.from_numpy(a).to(runtime.device) for a in loader.next_batch(rows))
        for x, y in zip(
            x_BT.split(settings.device_batch_size),
            y_BT.split(settings.device_batch_size),
            strict=True,
        ):
            (forward_loss(model, x, y) / y_BT.numel()).backward()
        optimizers.step(0.0)
        optimizers.zero_grad()
        if runtime.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[(len(times) - 1) // 2]
