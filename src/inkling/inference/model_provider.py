"""Which model answers: the one that was chosen, or the newest of the workspace, loaded once.

Knows: where to look, how often, and what is loaded. Does not know who asks.
Data: workspace + `ModelChoice` -> a run and a checkpoint of it -> `ChatModel`.

Called from the threads of those who ask, never from the one that generates: reading a checkpoint
must not hold up a reply. While one caller loads, the others continue with the model there is.
Torch is imported when there is a model to load, not before.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.errors import CheckpointError, RunError
from inkling.inference.requests import NEWEST, ModelChoice
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

LOOK_SECONDS = 0.5
"""Seconds between two looks at the workspace, each of which reads every run's config."""

MAX_CHOICES = 3
"""Choices whose models are held in memory: going back and forth between two loads nothing."""


class NoModelError(RunError):
    """There is nothing to answer with yet."""


class NoSuchModelError(RunError):
    """The run or the checkpoint that was chosen is not there."""


@dataclass
class _Loaded:
    """What a choice meant when it was last looked up."""

    key: tuple[str, str, int]
    """Name, beginning and step: a deleted run's name may be given again."""
    model: ChatModel
    stamp: tuple[tuple[int, int], ...]
    """State of the corpus that the model's memory was made from."""
    threads: int
    looked: float


class ModelProvider:
    """The models of a workspace. What names no run means `run_name`, where that is given."""

    def __init__(
        self,
        workspace: Workspace,
        run_name: str | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._workspace, self._look_seconds = workspace, look_seconds
        self.run_name = run_name
        self._lock = threading.Lock()
        self._loaded: dict[ModelChoice, _Loaded] = {}
        """The choice used last is last. Replaced, never changed: others read it meanwhile."""

    def model(self, choice: ModelChoice = NEWEST) -> ChatModel:
        """The model that was chosen. Raises NoModelError where there is none yet,
        NoSuchModelError where what was chosen is not there, CheckpointError where it is damaged."""
        current = self._loaded.get(choice)
        # A changed corpus is waited for: what was forgotten is in no reply that begins now.
        must_wait = current is None or self._is_outdated(current)
        if not self._lock.acquire(blocking=must_wait):
            assert current is not None
            return current.model
        try:
            # Another caller may have loaded it while this one waited.
            current = self._loaded.get(choice)
            if current is None or not self._is_fresh(current) or self._is_outdated(current):
                # Meanwhile it may have been deleted: then nothing is held of it either.
                others = {known: each for known, each in self._loaded.items() if known != choice}
                try:
                    current = self._look_up(choice)
                except RunError:
                    self._loaded = others
                    raise
            self._remember(choice, current)
            return current.model
        finally:
            self._lock.release()

    def latest(self, choice: ModelChoice) -> ChatModel | None:
        """What was loaded last of a choice; nothing is looked up."""
        current = self._loaded.get(choice)
        return None if current is None else current.model

    def holds(self, model: ChatModel) -> bool:
        """Whether a model is still what some choice means."""
        return any(loaded.model is model for loaded in self._loaded.values())

    def threads(self, model: ChatModel) -> int:
        """How many threads compute with it."""
        return next((each.threads for each in self._loaded.values() if each.model is model), 1)

    def _is_fresh(self, loaded: _Loaded) -> bool:
        return time.monotonic() - loaded.looked < self._look_seconds

    def _is_outdated(self, loaded: _Loaded) -> bool:
        """Whether the corpus may have changed since the model's memory was made from it."""
        from inkling.memory.corpus_index import corpus_stamp

        return corpus_stamp(self._workspace) != loaded.stamp

    def _remember(self, choice: ModelChoice, loaded: _Loaded) -> None:
        others = [(known, each) for known, each in self._loaded.items() if known != choice]
        # A model that several choices mean is one model, with one memory.
        same = [(k, loaded if each.key == loaded.key else each) for k, each in others]
        self._loaded = {**dict(same[-(MAX_CHOICES - 1) :]), choice: loaded}

    def _look_up(self, choice: ModelChoice) -> _Loaded:
        run, step = self._find(choice)
        try:
            return self._load(run, step)
        except CheckpointError:
            # A training may have replaced the checkpoint between the look and the reading.
            if self._find(choice)[1] == step:
                raise
            return self._load(*self._find(choice))

    def _find(self, choice: ModelChoice) -> tuple[Run, int]:
        name = choice.run or self.run_name
        try:
            run = Run.open(self._workspace, name) if name else Run.newest(self._workspace)
        except RunError as error:
            raise NoSuchModelError(str(error)) from None
        best = run.checkpoints.best_step() if run is not None else None
        if run is None or (best is None and choice == NEWEST):
            raise NoModelError("There is no trained model yet. Train one: inkling train.")
        if choice.step is None and best is not None:
            return run, best
        steps = run.checkpoints.steps()
        if choice.step in steps:
            return run, choice.step
        there = ", ".join(f"{step:,}" for step in steps)
        missing = "no checkpoint" if choice.step is None else f"no checkpoint {choice.step:,}"
        raise NoSuchModelError(
            f"Run {run.name} has {missing}. "
            + (f"It has: {there}." if there else "Choose another.")
        )

    def _load(self, run: Run, step: int) -> _Loaded:
        from inkling.inference.chat import ChatModel
        from inkling.inference.decoder import SMALL_PARAMETERS
        from inkling.memory.corpus_index import corpus_stamp, run_memory
        from inkling.model.build import count_parameters

        config = run.config()
        key, stamp = (run.name, config.created, step), corpus_stamp(self._workspace)
        known = next((each for each in self._loaded.values() if each.key == key), None)
        if known is None:
            small = count_parameters(config.model) < SMALL_PARAMETERS
            runtime = Runtime.detect(threads=1 if small else None)
            model, threads = ChatModel.load(run, runtime, step), runtime.threads
        else:
            model, threads = known.model, known.threads
        if known is None or stamp != known.stamp:
            # Only then is the stamp kept: a corpus that could not be read is to be read again.
            model = model.with_memory(run_memory(self._workspace, run))
        return _Loaded(key, model, stamp, threads, time.monotonic())
