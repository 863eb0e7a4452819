"""Which model answers now: the newest checkpoint of the workspace, loaded once.

Knows: where to look, how often, and what is loaded. Does not know who asks.
Data: workspace -> newest run and its best checkpoint -> `ChatModel`.

Called from the threads of those who ask, never from the one that writes: reading a checkpoint
must not hold up a reply. While one caller loads, the others go on with the model there is. Torch
is imported when there is a model to load, not before.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from inkling.errors import CheckpointError, RunError
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

LOOK_SECONDS = 0.5
"""How long a look at the workspace holds: it reads every run's config."""

SMALL_PARAMETERS = 10_000_000
"""Models below this compute on one thread: their products are too small to share, and a thread
that waits for another one stands still whenever a training keeps the cores busy."""


class NoModelError(RunError):
    """There is nothing to answer with yet."""


class NewestModel:
    """The newest model of a workspace, or of one run of it."""

    def __init__(
        self,
        workspace: Workspace,
        run_name: str | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._workspace, self._run_name, self._look_seconds = workspace, run_name, look_seconds
        self._lock = threading.Lock()
        self._loaded: tuple[str, int] | None = None
        self._looked = 0.0
        self.current: ChatModel | None = None
        """What was loaded last."""
        self.threads = 1
        """How many threads compute with it."""

    def model(self) -> ChatModel:
        """The newest model. Raises NoModelError where there is none yet, CheckpointError where
        it is damaged."""
        current = self.current
        if not self._lock.acquire(blocking=current is None):
            assert current is not None
            return current
        try:
            # Another caller may have loaded it while this one waited.
            if self.current is None or time.monotonic() - self._looked >= self._look_seconds:
                self.current = self._newest_loaded()
                self._looked = time.monotonic()
            return self.current
        finally:
            self._lock.release()

    def _newest_loaded(self) -> ChatModel:
        run, step = self._newest()
        try:
            return self._load(run, step)
        except CheckpointError:
            # A training may have replaced the checkpoint between the look and the reading.
            if self._newest()[1] == step:
                raise
            return self._load(*self._newest())

    def _newest(self) -> tuple[Run, int]:
        run = (
            Run.open(self._workspace, self._run_name)
            if self._run_name
            else Run.newest(self._workspace)
        )
        step = run.best_step() if run is not None else None
        if run is None or step is None:
            raise NoModelError("There is no trained model yet. Train one: inkling train.")
        return run, step

    def _load(self, run: Run, step: int) -> ChatModel:
        from inkling.inference.chat import ChatModel
        from inkling.model.build import count_parameters

        if self.current is not None and self._loaded == (run.name, step):
            return self.current
        small = count_parameters(run.config().model) < SMALL_PARAMETERS
        runtime = Runtime.detect(threads=1 if small else None)
        model = ChatModel.load(run, runtime, step)
        self._loaded, self.threads = (run.name, step), runtime.threads
        return model
