"""`inkling train` and `finetune`: run the training session and show it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import COMMAND_STARTED
from inkling.cli.defaults import train_request
from inkling.cli.explain import explain
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.config import DEFAULT_SEED, Phase, TrainRequest
from inkling.errors import TrainingError, UsageError
from inkling.training.recipes import RECIPES, uses_characters
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.config import RunConfig
    from inkling.runs import Run
    from inkling.runtime import Runtime

_MEASURED_ON: dict[Phase, str] = {"train": "writing", "finetune": "replies"}

MinutesOption = Annotated[
    float | None,
    typer.Option(
        help="Time for the whole command; everything else follows. Default 3.", show_default=False
    ),
]


def _quiet(help_text: str, *names: str) -> Any:
    """An option whose default is the workspace's, or derived."""
    return typer.Option(*names, help=help_text, show_default=False)


def train(
    minutes: MinutesOption = None,
    steps: Annotated[
        int | None, _quiet("Exactly this many base steps, instead of minutes.")
    ] = None,
    recipe: Annotated[
        str | None, _quiet(f"What to train: {', '.join(RECIPES)}. Default modern.")
    ] = None,
    seed: Annotated[
        int | None, _quiet(f"Same seed, text and steps: same model. Default {DEFAULT_SEED}.")
    ] = None,
    name: Annotated[str | None, _quiet("Name of the new run.")] = None,
    eval_every: Annotated[int | None, _quiet("Steps between evaluations.")] = None,
    save_every: Annotated[int | None, _quiet("Steps between checkpoints.")] = None,
    settings: Annotated[
        list[str] | None,
        _quiet("Any setting, e.g. model.n_layer=3 or train.matrix_lr=0.01.", "--set"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped.")
    ] = False,
    repeat: Annotated[
        str | None, _quiet("Train a run again from its own config.json, to the bit.")
    ] = None,
    no_finetune: Annotated[
        bool, typer.Option("--no-finetune", help="Leave out the phase on dialogs.")
    ] = False,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")] = False,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train a model from scratch on the workspace's text, then on its dialogs."""
    found = find_workspace(workspace)
    fresh = {
        "minutes": minutes, "steps": steps, "recipe": recipe, "seed": seed,
        "eval_every": eval_every, "save_every": save_every,
        "finetune": False if no_finetune else None,
    }  # fmt: skip
    if resume or repeat is not None:
        given = [key for key, value in fresh.items() if value is not None] + ["set"] * bool(
            settings
        )
        given += ["name"] * (resume and name is not None)
        if given:
            shown = ", ".join("--" + key.replace("_", "-") for key in given)
            raise UsageError(
                f"--{'resume' if resume else 'repeat'} goes by the plan that the run was started "
                f"with; leave out {shown}."
            )
    if run is not None and not resume:
        raise UsageError(
            f"--run names a run to --resume. To call a new run {run!r}, use --name {run}."
        )
    if resume:
        resume_training(found, run, plots=not no_plots)
    elif repeat is not None:
        repeat_training(found, repeat, name, plots=not no_plots)
    else:
        fresh |= {"name": name, "figures": not no_plots}
        train_new(found, train_request(found, fresh, settings or ()))


def preload_torch() -> None:
    """Import torch on another thread: it takes a second or two that reading text can use."""

    def load() -> None:
        # Where it cannot be loaded, who needs it says so.
        with contextlib.suppress(ImportError, OSError):
            import torch  # noqa: F401

    threading.Thread(target=load, daemon=True).start()


@contextmanager
def _nothing_half_begun(workspace: Workspace, name: str) -> Iterator[None]:
    """Remove the folder of a run that was stopped before it had a config: nothing can be done
    with it, and no command would find it."""
    try:
        yield
    except BaseException:
        path = workspace.run_path(name)
        if not (path / "config.json").exists():
            shutil.rmtree(path, ignore_errors=True)
        raise


def train_new(workspace: Workspace, request: TrainRequest) -> Run:
    """Start a run, show the plan, train it to its end. The finished run."""
    from inkling.preparation import prepare_run
    from inkling.runs import Run
    from inkling.training.planner import merges_for

    with workspace.training_lock():
        preload_torch()
        name = request.name or Run.next_name(workspace, request.recipe)
        no_merges = uses_characters(request.recipe)
        with _nothing_half_begun(workspace, name):
            prepared = prepare_run(workspace, name, (lambda _: 0) if no_merges else merges_for)

            from inkling.cli.progress import print_plan
            from inkling.runtime import Runtime
            from inkling.training.start import start_run

            runtime = Runtime.detect(started=COMMAND_STARTED.get())
            run = start_run(prepared, request, runtime)
        with _explaining_closed_output(run):
            print_plan(run.config(), runtime.describe())
            _finish(run, runtime, resume=False, plots=request.figures)
    return run


def repeat_training(
    workspace: Workspace, original: str, name: str | None, plots: bool = True
) -> Run:
    """Train a run once more from its config alone. The same text gives the same weights."""
    from inkling.preparation import prepare_run
    from inkling.runs import Run

    with workspace.training_lock():
        config = Run.open(workspace, original).config()
        preload_torch()
        path_name = name or Run.next_name(workspace, f"{original}-again")
        with _nothing_half_begun(workspace, path_name):
            prepared = prepare_run(workspace, path_name, lambda _: config.merges)

            from inkling.cli.progress import print_plan
            from inkling.runtime import Runtime
            from inkling.training.start import start_repeat

            runtime = Runtime.detect(started=COMMAND_STARTED.get())
            run = start_repeat(prepared, config)
        with _explaining_closed_output(run):
            print_plan(run.config(), runtime.describe())
            _finish(run, runtime, resume=True, plots=plots)
    return run


def resume_training(workspace: Workspace, name: str | None, plots: bool = True) -> Run:
    """Go on with a stopped run, to the bit as if it had never stopped."""
    from inkling.errors import RunError
    from inkling.runs import STALE, Run
    from inkling.runtime import Runtime

    with workspace.training_lock():
        run = Run.open(workspace, name) if name else _newest_unfinished(workspace)
        if run.config().complete:
            typer.echo(f"Run {run.name} is complete; there is nothing left to train.")
            return run
        if run.stale():
            raise RunError(f"The run {run.name!r} is not trained on: it was {STALE}")
        last = run.last_step()
        typer.echo(
            f"Going on with run {run.name} from step {last:,}."
            if last is not None
            else f"Run {run.name} was stopped before its first checkpoint; beginning it again."
        )
        with _explaining_closed_output(run):
            runtime = Runtime.detect(started=COMMAND_STARTED.get())
            _finish(run, runtime, resume=True, plots=plots)
    return run


def _newest_unfinished(workspace: Workspace) -> Run:
    from inkling.errors import RunError
    from inkling.runs import Run

    names = workspace.run_names()
    if not names:
        raise RunError("There is no run to resume yet. Start one: inkling train.")
    runs = [run for run in reversed(Run.readable(workspace)) if not run.is_rung()]
    if not runs:
        raise RunError("There is no run to resume yet. Start one: inkling train.")
    return next((run for run in runs if not run.config().complete), runs[0])


def _finish(run: Run, runtime: Runtime, resume: bool, plots: bool) -> None:
    from inkling.cli.hooks import hooks, progress_writer
    from inkling.training.metrics import bits, diverged, looks_like
    from inkling.training.session import train_run

    progress = progress_writer(run, runtime, resume)
    try:
        with stop_on_signals() as stopped:
            outcome = train_run(run, runtime, partial(hooks, stopped, progress), resume)
    except BrokenPipeError:
        progress.finish("stopped")
        raise
    except Exception as error:
        # What failed before it saved anything would fail again: it is not worth a resume.
        # (A resume never deletes: its run may hold a checkpoint that can still be mended.)
        if not resume and run.last_step() is None:
            shutil.rmtree(run.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # the disk may be what failed
                progress.finish("failed", sentence=explain(error)[0])
        raise
    progress.finish("stopped" if outcome.interrupted else "done", outcome.step)
    if outcome.interrupted:
        typer.echo(
            f"Stopped at step {outcome.step:,}; everything is saved. "
            f"Go on with: inkling train --resume --run {run.name}"
        )
        raise typer.Exit(130 if stopped() == signal.SIGINT else 128 + int(stopped() or 1))
    best = run.best()
    if outcome.stopped_early:
        typer.echo("Stopped early: it was no longer getting better.")
    for phase, words in _MEASURED_ON.items():
        if phase in best:
            per_char = best[phase]["val_nats_per_char"]
            line = f"Held-out {words}: {per_char:.3f} nats a character ({bits(per_char):.2f} bits)"
            if phase == "train":
                line += f": {looks_like(per_char, run.config().data.bzip2_nats)}"
            typer.echo(line + _sample_note(run.config(), phase))
        failure = diverged(run.records("metrics.jsonl"), phase, run.config().model.vocab_size)
        if failure is not None:
            typer.echo(f"Careful: {failure}")
    if plots:
        from inkling.plots import draw_run

        typer.echo(f"Figures: {draw_run(run)[0].parent}")
    tuned = "finetune" in best
    typer.echo(
        f"Run {run.name} is done. Next: "
        + ("inkling chat, or inkling serve" if tuned else 'inkling generate --prompt "…"')
    )


def _sample_note(config: RunConfig, phase: Phase) -> str:
    """That a number was measured on a sample, where it was."""
    settings = config.train if phase == "train" else config.finetune
    if settings is None or not settings.final_tokens:
        return ""
    return f" (measured on {settings.final_tokens:,} of its tokens, spread evenly)"


@contextmanager
def _explaining_closed_output(run: Run) -> Iterator[None]:
    """A training whose reader went away (`| head`) says so where it still can."""
    try:
        yield
    except BrokenPipeError:
        raise TrainingError(
            "The output was closed, so the training stopped. What was saved is kept; go on with: "
            f"inkling train --resume --run {run.name}"
        ) from None


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], int | None]]:
    """Within the block SIGINT, SIGTERM and SIGHUP only set a flag, which the yielded
    function returns; a second SIGINT interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and signal.SIGINT in received:
            raise KeyboardInterrupt
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in watched}
    try:
        yield lambda: received[0] if received else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def finetune(
    run: Annotated[
        str | None, typer.Argument(help="The run to start from; by default the newest.")
    ] = None,
    minutes: MinutesOption = None,
    steps: Annotated[int | None, _quiet("Exactly this many steps, instead of minutes.")] = None,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fine-tune a trained run on the dialogs that the workspace holds now, as a new run."""
    from inkling.runtime import Runtime
    from inkling.training.start import start_finetune

    found = find_workspace(workspace)
    typed = {"minutes": minutes, "steps": steps, "figures": not no_plots}
    request = train_request(found, typed, ())
    if minutes is None and steps is None:  # what inkling.toml says is for whole trainings
        request = request.model_copy(update={"minutes": None, "steps": None})
    preload_torch()
    with found.training_lock():
        runtime = Runtime.detect(started=COMMAND_STARTED.get())
        tuned = start_finetune(found, run, request, runtime)
        with _explaining_closed_output(tuned):
            typer.echo(f"Fine-tuning {tuned.config().parent} as run {tuned.name}.")
            _finish(tuned, runtime, resume=False, plots=not no_plots)
