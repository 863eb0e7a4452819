"""Checkpoints that are being looked into, with what was computed of them: the last few of each.

Knows: what is loaded, counted and read already. Does not know HTTP, or what is shown.
Data: run, step and text -> `InspectedModel`, `ForwardStates`, `PairCounts`, `FiringPlaces`.

Called from the threads that answer requests. One look at a time is computed, with as many threads
as torch has for the chat, so that looking takes one core from a reply and never waits for it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from inkling.errors import CheckpointError, RunError
from inkling.inference.model_provider import NoModelError
from inkling.runs import Run
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inspection.forward import ForwardStates
    from inkling.inspection.inspected_model import InspectedModel, ReadText
    from inkling.inspection.neurons import FiringPlaces
    from inkling.inspection.pairs import PairCounts
    from inkling.inspection.passages import TrainingText
    from inkling.runtime import Runtime

Value = TypeVar("Value")


class _Recent(Generic[Value]):
    """The values that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]


class InspectedModels:
    """What was loaded and computed to look inside the runs of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._one_at_a_time = threading.Lock()
        self._finding = threading.Lock()
        self._models: _Recent[InspectedModel] = _Recent(4)
        self._states: _Recent[ForwardStates] = _Recent(6)
        self._texts: _Recent[TrainingText] = _Recent(2)
        self._pairs: _Recent[PairCounts] = _Recent(2)
        self._firing: _Recent[FiringPlaces] = _Recent(2)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Hold the place of the one look that is computed now."""
        with self._one_at_a_time:
            yield

    def run(self, name: str | None) -> Run:
        """The named run, else the newest. Raises NoModelError where there is none."""
        if name is not None:
            return Run.open(self.workspace, name)
        newest = Run.newest(self.workspace)
        if newest is None:
            raise NoModelError("There is no trained model yet. Train one: inkling train.")
        return newest

    def model(self, name: str | None, step: int | None) -> InspectedModel:
        """A checkpoint. Raises RunError or CheckpointError where it is not there."""
        from inkling.inspection.inspected_model import InspectedModel

        run = self.run(name)
        chosen = run.checkpoints.best_step() if step is None else step
        steps = run.checkpoints.steps()
        if chosen is None and steps:
            chosen = steps[-1]
        if chosen not in steps:  # said by load, in words
            return InspectedModel.load(run, _runtime(), chosen)
        key = (run.name, run.config().created, chosen)
        return self._models.get(key, lambda: InspectedModel.load(run, _runtime(), chosen))

    def states(self, model: InspectedModel, text: ReadText) -> ForwardStates:
        """The forward pass over the window of a text."""
        return self._states.get((*_key(model), text.window), lambda: model.states(text))

    def training_text(self, run: Run) -> TrainingText | None:
        """What a run was trained on; None where that is gone."""
        from inkling.inspection.passages import TrainingText

        try:
            return self._texts.get((run.name, run.config().created), lambda: TrainingText(run))
        except CheckpointError:
            raise
        except RunError:
            return None

    def pairs(self, model: InspectedModel) -> PairCounts | None:
        """The counted pairs of a run; None where its training text is gone."""
        from inkling.inspection.pairs import PairCounts

        text = self.training_text(model.run)
        if text is None:
            return None
        size = model.tokenizer.vocab_size
        return self._pairs.get(_key(model)[:2], lambda: PairCounts.of(text.ids, size))

    def firing(self, model: InspectedModel, text: TrainingText) -> FiringPlaces:
        """Where the training text fires each neuron. Takes a second the first time: not to be
        called while looking, which it does not hold up."""
        from inkling.inspection.neurons import FiringPlaces

        with self._finding:
            return self._firing.get(_key(model), lambda: FiringPlaces.find(model.model, text.ids))

    def bigram_rung(self, model: InspectedModel) -> InspectedModel | None:
        """The newest trained bigram that reads the same pieces; None where there is none."""
        if model.config.recipe == "bigram":
            return model
        pieces = model.run.tokenizer_path.read_bytes()
        for run in reversed(Run.readable(self.workspace)):
            if run.config().recipe != "bigram" or run.checkpoints.best_step() is None:
                continue
            if run.tokenizer_path.read_bytes() == pieces:
                return self.model(run.name, None)
        return None


def _key(model: InspectedModel) -> tuple[str, str, int]:
    return model.run.name, model.config.created, model.step


def _runtime() -> Runtime:
    """Where looks are computed. Torch's threads stay as the chat has set them."""
    import torch

    from inkling.runtime import Runtime

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Runtime(device, torch.float32, torch.get_num_threads(), time.time())
