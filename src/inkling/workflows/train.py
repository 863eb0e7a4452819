"""Training as library calls: a new run, a stopped one continued, one repeated, one fine-tuned.

Knows: in which order text is read, settings are decided and a run is trained, under the
workspace's one training lock. Does not know who calls: nothing here prints or asks.
Data: Workspace + what was asked for -> `TrainRequest` -> prepared data -> Run -> `TrainingResult`.

Importing this module is cheap: torch is imported when the text has been read. Of several processes
that torchrun started only the first calls these; the others follow (workflows.follow).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inkling.config import Recipe, Selection, TrainRequest
from inkling.errors import RunError
from inkling.ranks import ALONE, Ranks
from inkling.settings import train_request
from inkling.unfinished import sweep_run
from inkling.workflows.callbacks import TrainingCallbacks
from inkling.workflows.follow import announce_run
from inkling.workflows.result import TrainingResult
from inkling.workflows.signals import StopRequest
from inkling.workflows.status import StatusWriter, training_status
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.runs import Run
    from inkling.runtime import Runtime


def train(
    workspace: Workspace,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    recipe: Recipe | None = None,
    seed: int | None = None,
    name: str | None = None,
    eval_every: int | None = None,
    save_every: int | None = None,
    finetune: bool | None = None,
    selection: Selection | None = None,
    figures: bool = True,
    overrides: Iterable[str] = (),
    callbacks: TrainingCallbacks | None = None,
    started: float | None = None,
) -> TrainingResult:
    """Train a model from scratch on the workspace's text, then on its dialogs.

    What is not given is as the table `[train]` of inkling.toml says, else as the planner decides.
    `minutes` bounds everything from `started` (a `time.time()`, by default now) to the return.
    `selection` says which of the text is learned, `overrides` are `KEY=VALUE` texts such as
    "model.n_layer=3".

    Ctrl-C, SIGTERM and SIGHUP save and end the training, which the result then says; before the
    first step they raise KeyboardInterrupt, and nothing is left. Raises UsageError, CorpusError,
    RunError, TrainingError and WorkspaceError, each with a sentence for a person.
    """
    asked = {
        "minutes": minutes, "steps": steps, "recipe": recipe, "seed": seed, "name": name,
        "eval_every": eval_every, "save_every": save_every, "finetune": finetune,
        "figures": figures, "selection": selection,
    }  # fmt: skip
    request = train_request(workspace, asked, overrides)
    return train_as_requested(workspace, request, callbacks=callbacks, started=started)


def train_as_requested(
    workspace: Workspace,
    request: TrainRequest,
    *,
    callbacks: TrainingCallbacks | None = None,
    started: float | None = None,
) -> TrainingResult:
    """`train`, of a request that is already put together."""
    from inkling.preparation import nothing_half_begun
    from inkling.run_names import next_name
    from inkling.training.assembly import check_overrides
    from inkling.training.reading import prepare_requested

    check_overrides(request)
    began = time.time() if started is None else started
    ranks = Ranks.of_environment()
    with training_session(workspace, ranks) as (status, stop):
        name = request.name or next_name(workspace, request.recipe)
        status.preparing(name)
        (callbacks or TrainingCallbacks()).on_preparing(name)
        with nothing_half_begun(workspace.run_path(name)):
            prepared = prepare_requested(workspace, name, request, began)

            import_torch()
            from inkling.runtime import Runtime
            from inkling.training.configure import start_run

            runtime = Runtime.detect(started=began, ranks=ranks)
            run = start_run(prepared, request, runtime)
        return _train(run, runtime, callbacks, status, stop, figures=request.figures)


def repeat(
    workspace: Workspace,
    run: str,
    *,
    name: str | None = None,
    figures: bool = True,
    callbacks: TrainingCallbacks | None = None,
    started: float | None = None,
) -> TrainingResult:
    """Train a run once more from its config alone. The same text gives the same weights.

    Raises RunError where the workspace's text is another, or the run was fine-tuned from another.
    """
    from inkling.preparation import nothing_half_begun
    from inkling.run_names import next_name
    from inkling.runs import Run
    from inkling.training.reading import prepare_again

    began = time.time() if started is None else started
    ranks = Ranks.of_environment()
    with training_session(workspace, ranks) as (status, stop):
        config = Run.open(workspace, run).config()
        again = name or next_name(workspace, f"{run}-again")
        status.preparing(again)
        (callbacks or TrainingCallbacks()).on_preparing(again)
        with nothing_half_begun(workspace.run_path(again)):
            prepared = prepare_again(workspace, again, config)

            import_torch()
            from inkling.runtime import Runtime
            from inkling.training.configure import start_repeat

            runtime = Runtime.detect(started=began, ranks=ranks)
            made = start_repeat(prepared, config)
        return _train(made, runtime, callbacks, status, stop, resume=True, figures=figures)


def resume(
    workspace: Workspace,
    run: str | None = None,
    *,
    figures: bool = True,
    callbacks: TrainingCallbacks | None = None,
    started: float | None = None,
) -> TrainingResult:
    """Continue a stopped run (by default the newest unfinished one), to the bit as if it had
    never stopped. Of one that is complete the result says so.

    Raises RunError where there is none, where the last training ended before its run was begun,
    where the run's text has since been forgotten, or where a complete one's checkpoints are gone.
    """
    from inkling.run_notes import STALE

    began = time.time() if started is None else started
    ranks = Ranks.of_environment()
    with training_session(workspace, ranks) as (status, stop):
        found = _begun(workspace, run) if run else _newest_unfinished(workspace, status)
        found.refuse_gone_checkpoints()
        if found.config().complete:
            announce_run(ranks, None)
            status.end("done")
            return TrainingResult(found, found.checkpoints.last_step() or 0, already_complete=True)
        if found.stale():
            raise RunError(f"The run {found.name!r} is not trained on: it was {STALE}")
        if ranks.first:
            sweep_run(workspace, found.name)
        status.preparing(found.name)

        import_torch()
        from inkling.runtime import Runtime

        runtime = Runtime.detect(started=began, ranks=ranks)
        return _train(found, runtime, callbacks, status, stop, resume=True, figures=figures)


def finetune(
    workspace: Workspace,
    run: str | None = None,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    figures: bool = True,
    callbacks: TrainingCallbacks | None = None,
    started: float | None = None,
) -> TrainingResult:
    """Fine-tune a trained run (by default the newest) on the dialogs that the workspace holds
    now, as a new run; the old one stays as it is.

    The minutes and steps of inkling.toml are for whole trainings and do not count here.
    """
    request = train_request(workspace, {"minutes": minutes, "steps": steps, "figures": figures})
    if minutes is None and steps is None:
        request = request.model_copy(update={"minutes": None, "steps": None})
    began = time.time() if started is None else started
    ranks = Ranks.of_environment()
    with training_session(workspace, ranks) as (status, stop):
        import_torch()
        from inkling.runtime import Runtime
        from inkling.training.configure_finetune import start_finetune

        runtime = Runtime.detect(started=began, ranks=ranks)
        tuned = start_finetune(workspace, run, request, runtime)
        return _train(tuned, runtime, callbacks, status, stop, figures=figures)


def import_torch() -> None:
    """Import torch on another thread and wait for it: torch swallows a Ctrl-C that reaches its
    import, and here it ends the waiting."""

    def load() -> None:
        # Where it cannot be loaded, who needs it says so.
        with contextlib.suppress(ImportError, OSError):
            import torch  # noqa: F401

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join()


@contextmanager
def training_session(
    workspace: Workspace, ranks: Ranks = ALONE
) -> Iterator[tuple[StatusWriter, StopRequest]]:
    """The workspace's one training, from the first file read to the last one written. Begins when
    all of several processes are there, so that the end of one is noticed by the others."""
    stop = StopRequest()
    with stop.at_once(), training_status(workspace) as status:
        if ranks.count > 1:
            import_torch()
        with ranks.connected():
            yield status, stop


def _train(
    run: Run,
    runtime: Runtime,
    callbacks: TrainingCallbacks | None,
    status: StatusWriter,
    stop: StopRequest,
    *,
    resume: bool = False,
    figures: bool = True,
) -> TrainingResult:
    from inkling.workflows.run_training import train_to_the_end

    watching = callbacks or TrainingCallbacks()
    status.training(run.name)
    watching.on_run(run, runtime.describe())
    announce_run(runtime.ranks, run, resume)
    result = train_to_the_end(run, runtime, watching, stop, resume=resume, figures=figures)
    status.end("stopped" if result.interrupted else "done")
    return result


def _begun(workspace: Workspace, name: str) -> Run:
    """The run of that name. Raises RunError, also where it was killed before it was begun."""
    from inkling.runs import Run

    if name not in workspace.run_names() and workspace.run_path(name).is_dir():
        raise RunError(
            f"The run {name!r} was stopped before it was begun: there is nothing to resume. Begin "
            f"again: inkling train --name {name}."
        )
    return Run.open(workspace, name)


def _newest_unfinished(workspace: Workspace, status: StatusWriter) -> Run:
    from inkling.runs import Run

    runs = [run for run in reversed(Run.readable(workspace)) if not run.is_rung()]
    if not runs:
        raise RunError("Nothing was begun yet that could be resumed. Begin: inkling train.")
    if unfinished := [run for run in runs if not run.config().complete]:
        return unfinished[0]
    last = status.before
    if last is None or last.state == "done" or last.run is None:
        return runs[0]
    if last.run in workspace.run_names():
        return runs[0]
    status.preparing(last.run)  # the same is said when this is typed once more
    raise RunError(
        f"There is nothing to resume: the last training ended before its run {last.run} was begun, "
        "or the run was deleted since. Begin again: inkling train."
    )
