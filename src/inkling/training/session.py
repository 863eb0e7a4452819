"""One run from text to best checkpoint: plan it, start it, take it up again.

Knows: the order of preparation, planning and the two phases, and what a run's config must
hold to be repeated or resumed. Does not know: the terminal, sampling.
Data: prepared data -> `start_run` -> Run with its config -> `train_run` -> checkpoints.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from inkling import __version__
from inkling.config import (
    DataFacts,
    LadderSettings,
    ModelSettings,
    Phase,
    Plan,
    Replan,
    RunConfig,
    TrainingSettings,
    TrainRequest,
)
from inkling.errors import CheckpointError, RunError, TrainingError
from inkling.evaluation.likelihood import Likelihood, measure
from inkling.model.build import build_model
from inkling.preparation import (
    Prepared,
    new_run_path,
    prepare,
    read_split,
    starter_questions,
)
from inkling.runs import Checkpoint, Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import DialogLoader, Loader, MixedLoader, WindowLoader
from inkling.tokens.tokenizer import Tokenizer
from inkling.training import planner, recipes
from inkling.training.loop import Hooks, Outcome, PhaseJob, run_phase, time_step
from inkling.training.overrides import apply_overrides
from inkling.workspace import Workspace, atomic_folder

# Seconds kept back at the end of a timed command: last checkpoint, last words, exit; and what
# drawing the figures takes, importing matplotlib included.
RESERVE_SECONDS, FIGURE_SECONDS = 0.3, 1.5


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
        self, phase: Phase, context_length: int
    ) -> Callable[[torch.nn.Module], Likelihood]:
        """Measures the whole held-out part of a phase."""
        held_out = self.held_out(phase)

        def evaluate(model: torch.nn.Module) -> Likelihood:
            return measure(
                model,
                held_out,
                self.tokenizer.characters_started,
                self.tokenizer.end_id,
                context_length,
                self.runtime.device,
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
        dialogs = DialogLoader(part, length, seed, self.tokenizer.end_id)
        if share == 0 or len(writing) <= length:
            return dialogs
        return MixedLoader(dialogs, WindowLoader(writing, length, seed), share, seed)


def start_run(prepared: Prepared, request: TrainRequest, runtime: Runtime) -> Run:
    """Fix every setting of a new run whose data is prepared; nothing is trained yet.

    With `steps`, every choice is a pure function of corpus, recipe and seed. With `minutes`,
    the machine's speed is measured first and what follows from it is written to config.json.
    """
    run = Run(prepared.path)
    try:
        run.write_config(_configure(run, prepared, request, runtime))
    except BaseException:
        shutil.rmtree(prepared.path, ignore_errors=True)
        raise
    return run


def start_repeat(prepared: Prepared, config: RunConfig) -> Run:
    """A new run with another's every setting. Raises RunError where the text is another."""
    run = Run(prepared.path)
    try:
        if config.parent is not None:
            raise RunError(
                f"The run {config.name!r} was fine-tuned from {config.parent!r}: repeat that one "
                "with --repeat, then fine-tune it."
            )
        if prepared.facts.corpus_hash != config.data.corpus_hash:
            raise RunError(
                f"The corpus is not the one that {config.name!r} was trained on, so it cannot be "
                "repeated. Train a new run: inkling train."
            )
        fresh = {
            "name": run.name,
            "complete": False,
            "group": None,
            "inkling_version": __version__,
        }
        run.write_config(config.model_copy(update=fresh))
    except BaseException:
        shutil.rmtree(prepared.path, ignore_errors=True)
        raise
    return run


def start_finetune(
    workspace: Workspace, parent_name: str | None, minutes: float | None, runtime: Runtime
) -> Run:
    """A new run that fine-tunes the base of another on the dialogs there are now.

    The parent's tokenizer and base weights are taken over; the parent stays as it is.
    """
    parent = Run.choose(workspace, parent_name)
    base_step = parent.best_step("train")
    if base_step is None:
        raise RunError(f"The run {parent.name!r} has no trained base to fine-tune.")
    parent_config = parent.config()
    path = new_run_path(workspace, Run.next_name(workspace, f"{parent.name}-tuned"))
    split, corpus_hash = read_split(workspace)
    if not split.train_dialogs or not split.held_out_dialogs:
        raise TrainingError(
            f"There are {len(split.train_dialogs) + len(split.held_out_dialogs)} dialogs here; "
            "fine-tuning needs about ten, so that some can be kept aside. "
            "Add them:/me: text with: inkling add PATH."
        )
    facts = prepare(split, corpus_hash, path, Tokenizer.load(parent.tokenizer_path))
    run = Run(path)
    try:
        source = parent.checkpoint_path(base_step)
        with atomic_folder(run.checkpoint_path(base_step)) as folder:
            shutil.copytree(source, folder, dirs_exist_ok=True)
        run.write_best({"train": parent.best()["train"]})
        for record in parent.records("metrics.jsonl"):
            if record["phase"] == "train" and record["step"] <= base_step:
                run.append("metrics.jsonl", record)
        session = Session.open(run, runtime)
        seconds = _seconds_left(minutes or planner.DEFAULT_MINUTES, runtime)
        tuning = planner.finetune_settings(parent_config.train)
        run.write_config(
            parent_config.model_copy(
                update={
                    "inkling_version": __version__,
                    "torch_version": torch.__version__,
                    "name": run.name,
                    "parent": parent.name,
                    "minutes": minutes or planner.DEFAULT_MINUTES,
                    "finetune": _fit_phase(
                        session, parent_config.model, tuning, max(1.0, seconds), "finetune"
                    ),
                    "data": facts,
                    "starters": starter_questions(split),
                    "replans": (),
                    "complete": False,
                }
            )
        )
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return run


def _configure(run: Run, prepared: Prepared, request: TrainRequest, runtime: Runtime) -> RunConfig:
    facts = prepared.facts
    session = Session.open(run, runtime)
    vocab_size = session.tokenizer.vocab_size
    tunes = request.finetune and facts.dialogs > 0 and facts.held_out_dialogs > 0
    timed = request.steps is None and (request.recipe == "modern" or request.minutes is not None)
    minutes = request.minutes or planner.DEFAULT_MINUTES
    if timed:
        seconds = _seconds_left(minutes, runtime, request.figures)
        if seconds < 1:
            spent = time.time() - runtime.started
            raise TrainingError(
                f"{minutes:g} minutes are too few for this corpus on this machine: reading it took "
                f"{spent:.0f} s. Give it more: --minutes {spent / 60 + 1:.1g}."
            )
        if request.recipe == "modern":
            gflops = planner.measure_gflops(runtime)
            plan = planner.make_plan(vocab_size, seconds, gflops, tunes)
        else:
            plan = recipes.fixed_plan(request.recipe, vocab_size, tunes)
        plan = apply_overrides(plan, request.overrides)
        plan = _fit_to_clock(session, facts, plan, seconds)
    elif request.recipe == "modern":
        assert request.steps is not None
        plan = planner.plan_for_steps(vocab_size, request.steps, tunes)
        plan = apply_overrides(plan, request.overrides)
        plan = _exact(facts, plan, request.steps, _dialog_steps(facts, plan))
    else:
        plan = recipes.fixed_plan(request.recipe, vocab_size, tunes)
        plan = apply_overrides(plan, request.overrides)
        if request.steps is not None:
            ratio = plan.finetune.steps / plan.train.steps if plan.finetune else 0.0
            plan = _exact(facts, plan, request.steps, max(1, round(ratio * request.steps)))
    overrides = {
        key: value
        for key, value in (("eval_every", request.eval_every), ("save_every", request.save_every))
        if value is not None
    }
    return RunConfig(
        inkling_version=__version__,
        torch_version=torch.__version__,
        name=run.name,
        recipe=request.recipe,
        seed=request.seed,
        merges=session.tokenizer.merges,
        group=request.group,
        minutes=minutes if timed else None,
        figures=request.figures,
        model=plan.model,
        train=plan.train.model_copy(update=overrides),
        finetune=None if plan.finetune is None else plan.finetune.model_copy(update=overrides),
        data=facts,
        starters=prepared.starters,
    )


def _dialog_steps(facts: DataFacts, plan: Plan) -> int:
    """Steps of fine-tuning that make the passes over the dialogs that pay."""
    if plan.finetune is None:
        return 0
    tokens = planner.FINETUNE_EPOCHS * facts.dialog_tokens / (1 - plan.finetune.replay_ratio)
    return max(1, round(tokens / plan.finetune.total_batch_size))


def _exact(facts: DataFacts, plan: Plan, steps: int, finetune_steps: int) -> Plan:
    """A plan for exactly so many steps of each phase, evaluated some ten times each."""
    finetune = plan.finetune
    if finetune is not None:
        finetune = planner.with_cadence(finetune, finetune_steps, 10)
    train = planner.with_cadence(plan.train, steps, 10)
    return planner.with_dialogs(Plan(model=plan.model, train=train, finetune=finetune), facts)


def _seconds_left(minutes: float, runtime: Runtime, figures: bool = True) -> float:
    return _deadline(minutes, runtime, figures) - time.time()


def _deadline(minutes: float, runtime: Runtime, figures: bool) -> float:
    """`time.time()` by which the last step must have ended."""
    return runtime.started + 60 * minutes - RESERVE_SECONDS - FIGURE_SECONDS * figures


def _fit_to_clock(session: Session, facts: DataFacts, plan: Plan, seconds: float) -> Plan:
    """The plan with as many steps of both phases as fit into `seconds`, by a short probe."""
    begun = time.time()
    finetune = plan.finetune
    share = 0.0
    if finetune is not None:
        share = recipes.CLASSIC_FINETUNE_SHARE
        if isinstance(plan.model, ModelSettings):
            share = planner.FINETUNE_SHARE
        fitting = _fit_phase(session, plan.model, finetune, seconds * share, "finetune")
        finetune = fitting
        if isinstance(plan.model, ModelSettings):
            # More passes than pay would only learn the dialogs by heart: the base gets the rest.
            enough = _dialog_steps(facts, plan)
            if enough < fitting.steps:
                share *= enough / fitting.steps
                evaluations = max(1, round(enough / fitting.eval_every))
                finetune = planner.with_cadence(fitting, enough, evaluations)
    left = (seconds - (time.time() - begun)) - seconds * share
    train = _fit_phase(session, plan.model, plan.train, left, "train")
    return planner.with_dialogs(Plan(model=plan.model, train=train, finetune=finetune), facts)


def _fit_phase(
    session: Session, model_settings: ModelSettings | LadderSettings, settings: TrainingSettings,
    seconds: float, phase: Phase,
) -> TrainingSettings:  # fmt: skip
    """Time a few steps on a throw-away model; settings with the steps that fit."""
    begun = time.time()
    torch.manual_seed(0)
    model = build_model(model_settings).to(session.runtime.device)
    # Any rows will do: what a step costs does not depend on what it reads.
    loader = WindowLoader(session.part("train"), settings.sequence_length, 0)
    step_seconds = time_step(model, loader, settings, session.runtime)
    evaluation = planner.evaluation_steps(len(session.held_out(phase)), settings.total_batch_size)
    left = seconds - (time.time() - begun)
    return planner.with_steps(settings, left, step_seconds, evaluation)


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
            evaluate=session.evaluator(phase, config.model.context_length),
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
        checkpoint = None
    run.write_config(run.config().model_copy(update={"complete": True}))
    return outcome


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
    end = _deadline(config.minutes, session.runtime, config.figures)
    if phase == "train" and config.finetune is not None:
        # Steps of the two phases cost alike.
        share = config.finetune.steps / (config.train.steps + config.finetune.steps)
        end -= share * (end - time.time())
    evaluation = planner.evaluation_steps(len(session.held_out(phase)), settings.total_batch_size)
    return planner.TimeBudget(end, settings.eval_every, evaluation)


def _record(run: Run, replan: Replan) -> None:
    config = run.config()
    run.write_config(config.model_copy(update={"replans": (*config.replans, replan)}))
