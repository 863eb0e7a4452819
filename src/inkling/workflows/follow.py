"""A training's other processes: those that torchrun starts beside the first.

Knows: how they learn from the first which run is trained. Does not know: how text is read and
settings are decided, which the first does alone and writes into the run's folder; the others read
it there, so that all machines must see the same workspace.
Data: the run's name from the first process -> `WatchedRun` -> `train_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inkling.ranks import Ranks
from inkling.workflows.signals import StopRequest
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.config import Phase
    from inkling.runs import Run
    from inkling.training.callbacks import Callbacks
    from inkling.training.session import Session


def announce_run(ranks: Ranks, run: Run | None, resume: bool = False) -> None:
    """Tell the others which run is trained now; None sends them home."""
    ranks.decided(lambda: None if run is None else (run.name, resume))


def follows(workspace: Workspace) -> bool:
    """Whether this process is not the first of its training; if so it has taken part in it."""
    ranks = Ranks.of_environment()
    if not ranks.first:
        follow(workspace, ranks)
    return not ranks.first


def follow(workspace: Workspace, ranks: Ranks) -> None:
    """Take part in the training that the first process leads, until it ends.

    Prints and writes nothing. A signal stops all of them, each after the same step. Raises
    LostRankError where one of the others ends before.
    """
    from inkling.runtime import Runtime
    from inkling.training.callbacks import Callbacks
    from inkling.training.parallel import WatchedRun
    from inkling.training.session import train_run

    runtime, stop = Runtime.detect(ranks=ranks), StopRequest()

    def callbacks_for(session: Session, phase: Phase) -> Callbacks:
        return Callbacks(stop_requested=lambda: stop.signal is not None)

    with ranks.connected():
        told: tuple[str, bool] | None = ranks.decided(lambda: None)
        if told is None:
            return
        name, resume = told
        with stop.at_the_next_step():
            train_run(WatchedRun(workspace.run_path(name)), runtime, callbacks_for, resume)
