"""One run from its config to its best checkpoint, also when it is taken up again.

Knows: the order of the two phases and what goes from one to the other. Does not know: how the
config came about (training.start), the terminal, sampling.
Data: Run with its config -> `train_run` -> checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from inkling.config import (
    Phase,
    Replan,
    TrainingSettings,
)
from inkling.errors import CheckpointError, RunError
from inkling.evaluation.likelihood import Likelihood, measure
from inkling.model.build import build_model
from inkling.runs import Checkpoint, Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import DialogLoader, Loader, MixedLoader, WindowLoader
from inkling.tokens.rewording import Rewording
from inkling.tokens.tokenizer import ME, THEM, Tokenizer
from inkling.training import planner
from inkling.training.forecast import usable_seconds
from inkling.training.loop import Hooks, Outcome, PhaseJob, run_phase


@dataclass(frozen=True)
class Session:
    """A run and everything in memory that its training needs."""

    run: Run
    runtime: Runtime
    tokenizer: Tokenizer

    @classmethod
    def open(cls, run: Run, runtime: Runtime) -> Session:
        return cls(run, runtime, Tokenizer.load(run.tokenizer_path))

    def part(self, name: str) -> PackedIds:
        return PackedIds.open(self.run.data_path, name)

    def held_out(self, phase: Phase) -> PackedIds:
        """What a phase is measured on. Where there is no held-out writing the base phase is
        measured on held-out dialogs."""
        val = self.part("val")
        return self.part("dialog_val") if phase == "finetune" or len(val) < 2 else val

    def evaluator(
        self, phase: Phase, context_length: int, wanted: int
    ) -> Callable[[torch.nn.Module], Likelihood]:
        """Measures `wanted` tokens of a phase's held-out part, evenly spread (0: all)."""
        held_out = self.held_out(phase)

        def evaluate(model: torch.nn.Module) -> Likelihood:
            return measure(
                model,
                held_out,
                self.tokenizer.characters_started,
                self.tokenizer.end_id,
                context_length,
                self.runtime.device,
                wanted,
            )

        return evaluate

    def loader(self, phase: Phase, settings: TrainingSettings, seed: int) -> Loader:
        """Where a phase's batches come from: writing, dialogs, or rows of both."""
        length = settings.sequence_length
        train = self.part("train")
        writing = train.first(self.run.config().data.writing_tokens)
        if phase == "train" and settings.dialog_ratio == 0:
            return WindowLoader(train, length, seed)
        part = self.part("dialog_train")
        share = settings.replay_ratio
        if phase == "train":
            part, share = part.unmasked(), 1 - settings.dialog_ratio
        them_id, me_id = (self.tokenizer.special_id(token) for token in (THEM, ME))
        rewording = Rewording(
            settings.question_dropout, settings.question_noise, them_id, me_id,
            self.tokenizer.end_id,
        )  # fmt: skip
        dialogs = DialogLoader(part, length, seed, self.tokenizer.end_id, rewording)
        if share == 0 or len(writing) <= length:
            return dialogs
        return MixedLoader(dialogs, WindowLoader(writing, length, seed), share, seed)


def deadline(minutes: float, runtime: Runtime, figures: bool) -> float:
    """`time.time()` by which the last step of a timed command must have ended."""
    return runtime.started + usable_seconds(minutes, figures)


def train_run(
    run: Run,
    runtime: Runtime,
    hooks_for: Callable[[Session, Phase], Hooks],
    resume: bool = False,
) -> Outcome:
    """Train every phase of a run that is not done yet.

    With `resume`, goes on from the last checkpoint, bit-exactly; the steps are those the run
    was planned with, whatever the clock says.
    """
    session = Session.open(run, runtime)
    config = run.config()
    checkpoint: Checkpoint | None = None
    if resume and (last := run.last_step()) is not None:
        checkpoint = run.load_checkpoint(last)
    phases: list[tuple[Phase, TrainingSettings]] = []
    if config.parent is None:
        phases.append(("train", config.train))
    if config.finetune is not None:
        phases.append(("finetune", config.finetune))

    torch.manual_seed(config.seed)
    model = build_model(config.model).to(runtime.device)
    outcome = Outcome(0, interrupted=False, stopped_early=False)
    base_step = 0
    optimizer_state = None
    for phase, settings in phases:
        if checkpoint is not None and phase == "train" and checkpoint.state["phase"] == "finetune":
            continue
        resumed = checkpoint if checkpoint and checkpoint.state["phase"] == phase else None
        if phase == "finetune":
            if resumed is not None:
                base_step = resumed.step - int(resumed.state["phase_step"])
            else:
                base_step, inherited = _load_base(run, model)
                if settings.inherit_optimizer:
                    optimizer_state = inherited
                # The phase's own randomness, whether the base was trained now or earlier.
                torch.manual_seed(config.seed + 1)
        job = PhaseJob(
            run=run,
            phase=phase,
            model=model,
            loader=session.loader(phase, settings, config.seed),
            settings=settings,
            evaluate=session.evaluator(phase, config.model.context_length, settings.eval_tokens),
            runtime=runtime,
            base_step=base_step,
            hooks=hooks_for(session, phase),
            budget=None if resume else _budget(session, phase, settings),
            replans=config.replans,
            on_replan=lambda replan: _record(run, replan),
            evaluate_first=phase == "finetune",
            elapsed=outcome.elapsed,
            optimizer_state=optimizer_state if phase == "finetune" else None,
        )
        try:
            outcome = run_phase(job, resumed)
        except (KeyError, RuntimeError) as error:
            if resumed is None:
                raise
            raise CheckpointError(
                f"The checkpoint {resumed.path} does not fit this run "
                f"({str(error).splitlines()[0].rstrip(' :')}). Train a new run: inkling train."
            ) from error
        if outcome.interrupted:
            return outcome
        if settings.final_tokens != settings.eval_tokens:
            _measure_again(session, phase, model, config.model.context_length, settings)
        checkpoint = None
    run.write_config(run.config().model_copy(update={"complete": True}))
    return outcome


def _measure_again(
    session: Session, phase: Phase, model: torch.nn.Module, context_length: int,
    settings: TrainingSettings,
) -> None:  # fmt: skip
    """Measure a phase's best weights on more than the sample that chose them, and record that
    as the phase's number."""
    run = session.run
    best = run.best()
    model.load_state_dict(run.load_checkpoint(int(best[phase]["step"])).model)
    found = session.evaluator(phase, context_length, settings.final_tokens)(model)
    entry = best[phase] | {"val_nats_per_char": found.nats_per_char}
    run.write_best(best | {phase: entry})


def _load_base(run: Run, model: torch.nn.Module) -> tuple[int, dict[str, torch.Tensor] | None]:
    """Put the best base weights into the model; the step at which fine-tuning begins, and the
    optimizer's state at the best one."""
    best = run.best_step("train")
    if best is None:
        raise RunError(
            f"The run {run.name!r} has no trained base to fine-tune. "
            f"Go on with it: inkling train --resume --run {run.name}."
        )
    checkpoint = run.load_checkpoint(best)
    model.load_state_dict(checkpoint.model)
    last = run.last_step()
    return max(best, last if last is not None else best), checkpoint.optimizer


def _budget(
    session: Session, phase: Phase, settings: TrainingSettings
) -> planner.TimeBudget | None:
    config = session.run.config()
    if config.minutes is None:
        return None
    end = deadline(config.minutes, session.runtime, config.figures)
    if phase == "train" and config.finetune is not None:
        # What the two phases cost is as the tokens that they read.
        base, tuning = (
            each.steps * each.total_batch_size for each in (config.train, config.finetune)
        )
        end -= tuning / (base + tuning) * (end - time.time())
    evaluation, final = planner.evaluation_cost(settings, len(session.held_out(phase)))
    return planner.TimeBudget(end, settings.eval_every, evaluation, final)


def _record(run: Run, replan: Replan) -> None:
    config = run.config()
    run.write_config(config.model_copy(update={"replans": (*config.replans, replan)}))
