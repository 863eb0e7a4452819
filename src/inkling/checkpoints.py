"""The checkpoints of a run: what one holds, which are kept, which is the best and which the last.

Knows: the folders `checkpoints/step-000500/`, best.json and last.json, and how to write them so
that a crash never shows half a checkpoint. Does not know: the rest of a run's folder, how training
or sampling work. Data: the loop hands tensors and plain JSON in; the same comes back for a resume.

Nothing that is read is believed: files may be damaged, or be something else. Shapes are compared
with the model's before a tensor is read or a model is built, and weights are numbers.

A checkpoint is `{model,optimizer}.safetensors` and `state.json`. The state holds SHA-256 sums of
the tensor files and of itself (inkling.checkpoint_files), so that damage is noticed before such a
model is used. A weights-only snapshot lacks the optimizer file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from inkling.atomic_files import atomic_folder, atomic_write
from inkling.checkpoint_files import FORMAT_VERSION, read_best, read_state, seal
from inkling.config import LadderSettings, ModelSettings, Phase
from inkling.errors import CheckpointError
from inkling.regular_files import open_regular, read_json
from inkling.run_files import (
    BEST_FILE,
    CHECKPOINTS_FOLDER,
    LAST_FILE,
    MODEL_FILE,
    OPTIMIZER_FILE,
    STATE_FILE,
)
from inkling.tensor_files import difference, read_shapes

if TYPE_CHECKING:
    from torch import Tensor

MAX_SNAPSHOTS = 12
KEEP_LATEST = 2

_CHECKPOINT_NAME = re.compile(r"step-[0-9]{6,}")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds. `optimizer` is None in a weights-only snapshot."""

    path: Path
    step: int
    state: dict[str, Any]
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor] | None


class Checkpoints:
    """All checkpoints of the run in a folder."""

    def __init__(self, run_path: Path) -> None:
        self._run = run_path
        self._folder = run_path / CHECKPOINTS_FOLDER

    def path(self, step: int) -> Path:
        """The folder of the checkpoint of a step."""
        return self._folder / f"step-{step:06d}"

    def steps(self, resumable: bool = False) -> list[int]:
        """Steps of the checkpoints there are, ascending. With `resumable`, only of those that
        training can continue from. Folders by other names ("step-000500 copy") do not count."""
        needed = OPTIMIZER_FILE if resumable else MODEL_FILE
        return sorted(
            int(folder.name.removeprefix("step-"))
            for folder in self._folder.glob("step-*")
            if _CHECKPOINT_NAME.fullmatch(folder.name)
            and (folder / needed).is_file()
            and (folder / STATE_FILE).is_file()
        )

    def save(
        self,
        step: int,
        state: dict[str, Any],
        model: dict[str, Tensor],
        optimizer: dict[str, Tensor],
    ) -> None:
        """Write a checkpoint and make it the last one."""
        from safetensors.torch import save

        with atomic_folder(self.path(step)) as folder:
            sums = {}
            for name, tensors in ((MODEL_FILE, model), (OPTIMIZER_FILE, optimizer)):
                content = save(_apart(tensors))
                (folder / name).write_bytes(content)
                sums[name] = hashlib.sha256(content).hexdigest()
            sealed = {"version": FORMAT_VERSION, "step": step, "sha256": sums, **state}
            sealed["seal"] = seal(sealed)
            (folder / STATE_FILE).write_text(json.dumps(sealed))
        atomic_write(self._run / LAST_FILE, json.dumps({"step": step}))

    def load(self, step: int, model: ModelSettings | LadderSettings | None = None) -> Checkpoint:
        """Read and verify a checkpoint, whose weights are to fit `model` where that is given.
        Raises CheckpointError saying what is wrong with it."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        folder = self.path(step)
        if model is not None:
            self._refuse_other_model(folder, model, step)
        tensors: dict[str, dict[str, Tensor]] = {}
        try:
            state = read_state(folder)
            for name in (MODEL_FILE, OPTIMIZER_FILE):
                if name == OPTIMIZER_FILE and not (folder / name).exists():
                    continue
                read_shapes(folder / name)  # as large as it says, before it is in memory
                with open_regular(folder / name) as file:
                    content = file.read()
                if hashlib.sha256(content).hexdigest() != state["sha256"].get(name):
                    raise ValueError(f"{name} does not match its checksum")
                tensors[name] = load(content)
            _refuse_non_finite(tensors[MODEL_FILE])
        except (OSError, ValueError, SafetensorError) as error:
            raise self._damaged(folder, error, step) from None
        return Checkpoint(folder, step, state, tensors[MODEL_FILE], tensors.get(OPTIMIZER_FILE))

    def _refuse_other_model(
        self, folder: Path, model: ModelSettings | LadderSettings, step: int
    ) -> None:
        from inkling.model.build import parameter_shapes

        try:
            found = read_shapes(folder / MODEL_FILE)
        except (OSError, ValueError) as error:
            raise self._damaged(folder, error, step) from None
        reason = difference(found, parameter_shapes(model))
        if reason is not None:
            raise CheckpointError(
                f"The checkpoint {folder} is of another model than {self._run} describes "
                f"({reason}). Train a new run: inkling train."
            )

    def _damaged(self, folder: Path, error: Exception, step: int) -> CheckpointError:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return CheckpointError(
            f"The checkpoint {folder} is damaged ({reason}). {self._way_out(step)}"
        )

    def _way_out(self, step: int) -> str:
        others = [other for other in self.steps() if other != step]
        if not others:
            return "No other one is left; train a new run: inkling train."
        return (
            f"Delete that folder to go back to the one of step {others[-1]}, "
            "or train a new run: inkling train."
        )

    def last_step(self) -> int | None:
        """Step of the newest checkpoint that training can continue from."""
        steps = self.steps(resumable=True)
        return steps[-1] if steps else None

    def phase(self, step: int) -> Phase | None:
        """In which phase a checkpoint was written; None where that cannot be read."""
        try:
            state = read_json(self.path(step) / STATE_FILE)
            return state["phase"] if state["phase"] in get_args(Phase) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_best(self, best: dict[Phase, dict[str, float]]) -> None:
        """Record step and loss of the best checkpoint of each phase."""
        atomic_write(self._run / BEST_FILE, json.dumps(best))

    def best(self) -> dict[Phase, dict[str, float]]:
        """Best step and loss of each phase that has one; none where best.json is damaged
        (`check_best` says so)."""
        try:
            best = read_best(self._run)
        except CheckpointError:
            return {}
        there = set(self.steps())
        return {phase: entry for phase, entry in best.items() if entry["step"] in there}

    def check_best(self) -> None:
        """Raises CheckpointError where best.json is there and cannot be read."""
        read_best(self._run)

    def best_step(self, phase: Phase | None = None) -> int | None:
        """Step of the best checkpoint of a phase; by default of the last phase that has one."""
        best = self.best()
        for candidate in (phase,) if phase else ("finetune", "train"):
            if candidate in best:
                return int(best[candidate]["step"])
        return None

    def prune(self) -> None:
        """Keep best and latest whole, up to 12 log-spaced others as weights, drop the rest."""
        import shutil

        steps = self.steps()
        best = {int(entry["step"]) for entry in self.best().values()}
        whole = set(self.steps(resumable=True)[-KEEP_LATEST:]) | best
        snapshots = set(log_spaced([s for s in steps if s not in whole], MAX_SNAPSHOTS))
        for step in steps:
            if step in snapshots:
                (self.path(step) / OPTIMIZER_FILE).unlink(missing_ok=True)
            elif step not in whole:
                doomed = self.path(step)
                # Renamed first: a crash while deleting must not leave half a checkpoint.
                hidden = doomed.with_name(f".{doomed.name}.old")
                os.rename(doomed, hidden)
                shutil.rmtree(hidden)


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, none of which shares memory with another, as a tied head does with the
    embedding: safetensors writes only such."""
    seen: set[int] = set()
    found = {}
    for name, tensor in tensors.items():
        found[name] = tensor.clone() if tensor.data_ptr() in seen else tensor.contiguous()
        seen.add(found[name].data_ptr())
    return found


def log_spaced(steps: list[int], count: int) -> list[int]:
    """At most `count` of the steps, near equal ratios between the first and the last."""
    if len(steps) <= count:
        return steps
    low, high = max(1, steps[0]), steps[-1]
    wanted = [low * (high / low) ** (index / (count - 1)) for index in range(count)]
    return sorted({min(steps, key=lambda step: abs(step - target)) for target in wanted})


def _refuse_non_finite(tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} holds numbers that are not finite")
