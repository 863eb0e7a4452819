"""One run from its config to its best checkpoint, also when it is resumed.

Knows: the order of the two phases and what goes from one to the other. Does not know: how the
config came about (training.configure), the terminal, sampling.
Data: Run with its config -> `train_run` -> checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from inkling.checkpoints import Checkpoint
from inkling.config import (
    Phase,
    Replan,
    TrainingSettings,
)
from inkling.errors import CheckpointError, RunError
from inkling.evaluation.likelihood import Likelihood, measure
from inkling.model.build import build_model
from inkling.model.gpt import GPT
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import DialogLoader, Loader, MixedLoader, WindowLoader
from inkling.tokens.question_augmentation import QuestionAugmentation
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import ME, THEM
from inkling.training.bigram_start import start_from_bigrams
from inkling.training.budget import Budget
from inkling.training.callbacks import Callbacks
from inkling.training.divided import divide, divides, load_weights
from inkling.training.loop import Outcome, run_phase
from inkling.training.parallel import (
    check_rows,
    measured_by_the_first,
    stopped_together,
)
from inkling.training.phase import PhaseSetup
from inkling.training.phase_budget import phase_budget

WORTH_SAYING = 0.2
"""Change of the number of steps, as a share, from which a person is told."""


@dataclass(frozen=True)
class Session:
    """A run and everything in memory that its training needs."""

    run: Run
    runtime: Runtime
    tokenizer: Tokenizer

    @classmethod
    def open(cls, run: Run, runtime: Runtime) -> Session:
        return cls(run, runtime, Tokenizer.load(run.tokenizer_path))

    @property
    def divided(self) -> bool:
        """Whether the processes of this training share one model."""
        config = self.run.config()
        phases = (config.train, *([config.finetune] if config.finetune is not None else []))
        return divides(self.runtime.ranks, [settings.batch for settings in phases])

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
        length = settings.batch.sequence_length
        train = self.part("train")
        writing = train.first(self.run.config().data.writing_tokens)
        if phase == "train" and settings.data.dialog_ratio == 0:
            return WindowLoader(train, length, seed)
        part = self.part("dialog_train")
        share = settings.data.replay_ratio
        if phase == "train":
            part, share = part.unmasked(), 1 - settings.data.dialog_ratio
        them_id, me_id = (self.tokenizer.special_id(token) for token in (THEM, ME))
        rewording = QuestionAugmentation(
            settings.data.question_dropout, settings.data.question_noise, them_id, me_id,
            self.tokenizer.end_id,
        )  # fmt: skip
        dialogs = DialogLoader(part, length, seed, self.tokenizer.end_id, rewording)
        if share == 0 or len(writing) <= length:
            return dialogs
        return MixedLoader(dialogs, WindowLoader(writing, length, seed), share, seed)


def train_run(
    run: Run,
    runtime: Runtime,
    callbacks_for: Callable[[Session, Phase], Callbacks],
    resume: bool = False,
) -> Outcome:
    """Train every phase of a run that is not done yet.

    With `resume`, continues from the last checkpoint, bit-exactly; the steps are those the run
    was planned with, whatever the clock says. Where several processes train it, all of them call
    this, the first with the run, the others with a `WatchedRun`.
    """
    session, ranks = Session.open(run, runtime), runtime.ranks
    config = run.config()
    checkpoint: Checkpoint | None = None
    if resume and (last := run.checkpoints.last_step()) is not None:
        checkpoint = run.checkpoints.load(last, config.model)
    phases: list[tuple[Phase, TrainingSettings]] = []
    if config.parent is None:
        phases.append(("train", config.train))
    if config.finetune is not None:
        phases.append(("finetune", config.finetune))
    divided = session.divided
    for _, settings in phases:
        check_rows(ranks, settings.batch, divided)

    torch.manual_seed(config.seed)
    model = build_model(config.model)
    if not divided:
        model = model.to(runtime.device)
    if checkpoint is None and config.parent is None and isinstance(model, GPT):
        _start_from_bigrams(session, model, config.train.schedule.bigram_iterations)
    if divided:
        divide(model, runtime)
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
                if settings.optimizer.inherit_optimizer:
                    optimizer_state = inherited
                # The phase's own randomness, whether the base was trained now or earlier.
                torch.manual_seed(config.seed + 1)
        callbacks = stopped_together(ranks, callbacks_for(session, phase))
        setup = PhaseSetup(
            run=run,
            phase=phase,
            model=model,
            loader=session.loader(phase, settings, config.seed),
            settings=settings,
            evaluate=_evaluator(session, phase, settings.evaluation.eval_tokens),
            runtime=runtime,
            base_step=base_step,
            callbacks=callbacks,
            budget=None if resume else _budget(session, phase, settings),
            replans=config.replans,
            on_replan=_Recorder(run, phase, settings.schedule.steps, callbacks.on_note),
            evaluate_first=phase == "finetune",
            elapsed=outcome.elapsed,
            optimizer_state=optimizer_state if phase == "finetune" else None,
        )
        try:
            outcome = run_phase(setup, resumed)
        except (KeyError, RuntimeError) as error:
            if resumed is None:
                raise
            raise CheckpointError(
                f"The checkpoint {resumed.path} does not fit this run "
                f"({str(error).splitlines()[0].rstrip(' :')}). Train a new run: inkling train."
            ) from error
        if outcome.interrupted:
            return outcome
        ranks.decided(lambda: None)  # the first has saved what the others read next
        if settings.evaluation.final_tokens != settings.evaluation.eval_tokens:
            _measure_again(session, phase, model, settings)
        checkpoint = None
    run.write_config(run.config().model_copy(update={"complete": True}))
    return outcome


def _start_from_bigrams(session: Session, model: GPT, iterations: int) -> None:
    ids = session.part("train").ids
    if iterations and len(ids) > 1:
        start_from_bigrams(model, ids, iterations)


def _evaluator(
    session: Session, phase: Phase, wanted: int
) -> Callable[[torch.nn.Module], Likelihood]:
    context_length = session.run.config().model.context_length
    evaluate = session.evaluator(phase, context_length, wanted)
    return measured_by_the_first(session.runtime.ranks, evaluate)


def _measure_again(
    session: Session, phase: Phase, model: torch.nn.Module, settings: TrainingSettings
) -> None:
    """Measure a phase's best weights on more than the sample that chose them, and record that
    as the phase's number."""
    run = session.run
    best = run.checkpoints.best()
    load_weights(model, run.checkpoints.load(int(best[phase]["step"])).model)
    found = _evaluator(session, phase, settings.evaluation.final_tokens)(model)
    entry = best[phase] | {"val_nats_per_char": found.nats_per_char}
    run.checkpoints.write_best(best | {phase: entry})


def _budget(session: Session, phase: Phase, settings: TrainingSettings) -> Budget | None:
    return phase_budget(
        session.run.config(), session.runtime, phase, settings, len(session.held_out(phase))
    )


def _load_base(run: Run, model: torch.nn.Module) -> tuple[int, dict[str, torch.Tensor] | None]:
    """Put the best base weights into the model; the step at which fine-tuning begins, and the
    optimizer's state at the best one."""
    best = run.checkpoints.best_step("train")
    if best is None:
        raise RunError(
            f"The run {run.name!r} has no trained base to fine-tune. "
            f"Continue it: inkling train --resume --run {run.name}."
        )
    checkpoint = run.checkpoints.load(best)
    load_weights(model, checkpoint.model)
    last = run.checkpoints.last_step()
    return max(best, last if last is not None else best), checkpoint.optimizer


class _Recorder:
    """Writes re-plans into config.json, and says those that change much."""

    def __init__(self, run: Run, phase: Phase, steps: int, note: Callable[[str], None]) -> None:
        self._run, self._note, self._steps = run, note, steps
        for replan in run.config().replans:
            if replan.phase == phase:
                self._steps = replan.steps

    def __call__(self, replan: Replan) -> None:
        config = self._run.config()
        self._run.write_config(config.model_copy(update={"replans": (*config.replans, replan)}))
        if abs(replan.steps - self._steps) > WORTH_SAYING * self._steps:
            how = "slower" if replan.steps < self._steps else "faster"
            self._note(
                f"Training is {how} than planned: {replan.steps:,} steps fit into the time, "
                f"not {self._steps:,}."
            )
            self._steps = replan.steps
