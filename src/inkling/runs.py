"""A run folder: config, tokenizer, data, metrics, samples, checkpoints, best and last.

Knows: what lies in `runs/NAME/` and how to write it so that a crash never shows half a
checkpoint. Does not know how training or sampling work.
Data: the loop hands tensors and plain JSON in; the same comes back for a resume.

A checkpoint is `checkpoints/step-000500/{model,optimizer}.safetensors` and `state.json`. The
state holds SHA-256 sums of the tensor files and of itself, so that damage is noticed before
a damaged model speaks. A weights-only snapshot lacks the optimizer file.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from inkling.config import Phase, RunConfig, Rung
from inkling.errors import CheckpointError, RunError
from inkling.workspace import Workspace, atomic_folder, atomic_write

if TYPE_CHECKING:
    from torch import Tensor

MODEL_FILE, OPTIMIZER_FILE, STATE_FILE = (
    "model.safetensors",
    "optimizer.safetensors",
    "state.json",
)
FORMAT_VERSION = 1
MAX_SNAPSHOTS = 12
KEEP_LATEST = 2

STALE = "trained on text that has since been forgotten; train a new one: inkling train."

LOSS_HISTORY_COLUMNS = (
    "step",
    "train_loss",
    "val_loss",
    "lr",
    "elapsed_min",
    "phase",
    "val_bits_per_char",
)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds. `optimizer` is None in a weights-only snapshot."""

    path: Path
    step: int
    state: dict[str, Any]
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor] | None


class Run:
    """One training, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # -- finding and making -----------------------------------------------------------------

    @classmethod
    def create(cls, workspace: Workspace, config: RunConfig) -> Run:
        """Make the folder of a new run. Raises RunError where the name is taken."""
        path = workspace.run_path(config.name)
        if (path / "config.json").exists():
            raise RunError(
                f"There is already a run called {config.name!r}. Choose another --name, "
                "or go on with it: inkling train --resume."
            )
        run = cls(path)
        run.write_config(config)
        return run

    @classmethod
    def open(cls, workspace: Workspace, name: str) -> Run:
        """A run by name. Raises RunError naming those there are."""
        path = workspace.run_path(name)
        if not (path / "config.json").is_file():
            names = workspace.run_names()
            there = f"There are: {', '.join(names)}." if names else "Train one: inkling train."
            raise RunError(f"There is no run called {name!r}. {there}")
        return cls(path)

    @classmethod
    def readable(cls, workspace: Workspace) -> list[Run]:
        """The runs whose config can be read, oldest first: a damaged one hides no other."""
        found = []
        for name in workspace.run_names():
            run = cls(workspace.runs_path / name)
            with contextlib.suppress(RunError):
                run.config()
                found.append(run)
        return found

    @classmethod
    def newest(cls, workspace: Workspace) -> Run | None:
        """The newest fine-tuned run with a usable checkpoint, else the newest such run; never a
        rung of the ladder, which is a lesson and not a voice."""
        runs = list(reversed(cls.readable(workspace)))
        usable = [run for run in runs if run.best_step() is not None and not run.is_rung()]
        tuned = [run for run in usable if "finetune" in run.best()]
        return next(iter(tuned or usable), None)

    @classmethod
    def choose(cls, workspace: Workspace, name: str | None) -> Run:
        """The named run, else the newest. Raises RunError where there is none to use."""
        run = cls.open(workspace, name) if name else cls.newest(workspace)
        if run is None:
            rungs = [other.name for other in cls.readable(workspace) if other.is_rung()]
            if rungs:
                raise RunError(
                    f"There are only rungs of the ladder here. Name one, e.g. --run {rungs[-1]}, "
                    "or train a model: inkling train."
                )
            if workspace.training_process() is not None:
                raise RunError(
                    "The first model is being trained and has no checkpoint yet. Try again in a "
                    "moment."
                )
            raise RunError("There is no trained model here yet. Train one: inkling train.")
        if run.best_step() is None:
            raise RunError(
                f"The run {run.name!r} has no checkpoint yet. Go on with it: inkling train --resume"
                f" --run {run.name}."
            )
        return run

    @staticmethod
    def next_name(workspace: Workspace, stem: str) -> str:
        """`stem-N` with the first number not yet used."""
        taken = set(workspace.run_names())
        return next(name for n in range(1, 1_000_000) if (name := f"{stem}-{n}") not in taken)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def data_path(self) -> Path:
        return self.path / "data"

    @property
    def tokenizer_path(self) -> Path:
        return self.path / "tokenizer.json"

    @property
    def answers_path(self) -> Path:
        return self.path / "answers.md"

    @property
    def spans_path(self) -> Path:
        """The index of the text that the run was trained on; made when first needed."""
        return self.path / "spans"

    @property
    def figures_path(self) -> Path:
        return self.path / "figures"

    @property
    def report_path(self) -> Path:
        return self.path / "report.json"

    @property
    def report_page_path(self) -> Path:
        return self.path / "report.html"

    # -- config -----------------------------------------------------------------------------

    def write_config(self, config: RunConfig) -> None:
        atomic_write(self.path / "config.json", config.model_dump_json(indent=1) + "\n")

    def config(self) -> RunConfig:
        """The run's settings. Raises RunError where the file is damaged or newer than us."""
        path = self.path / "config.json"
        try:
            return RunConfig.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole file"
            raise RunError(
                f"{path} cannot be used: {where}: {first['msg'].lower()}. It is damaged or was "
                "written by another version of Inkling; train a new run: inkling train."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{path} cannot be read ({error}).") from None

    def is_rung(self) -> bool:
        """Whether this run belongs to the ladder."""
        config = self.config()
        return config.group is not None or config.recipe in get_args(Rung)

    # -- forgotten text ---------------------------------------------------------------------

    def mark_stale(self, what: str, documents: int, conversations: int) -> None:
        """Note that text this run was trained on has been forgotten: how much, never what."""
        entry = {"what": what, "documents": documents, "conversations": conversations}
        known = self.stale()
        if not any(entry.items() <= other.items() for other in known):
            now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            content = json.dumps({"forgotten": [*known, {"when": now, **entry}]}, indent=1)
            atomic_write(self.path / "stale.json", content + "\n")

    def stale(self) -> list[dict[str, Any]]:
        """What was forgotten since this run was trained; empty where nothing was."""
        path = self.path / "stale.json"
        if not path.exists():
            return []
        try:
            found = json.loads(path.read_bytes())["forgotten"]
        except (OSError, ValueError, KeyError, TypeError):
            return [{"what": "unknown"}]  # a damaged note is still a note
        return [entry for entry in found if isinstance(entry, dict)] or [{"what": "unknown"}]

    # -- metrics and samples ----------------------------------------------------------------

    def append(self, file_name: str, record: Mapping[str, Any]) -> None:
        """Add one JSON line to metrics.jsonl or samples.jsonl."""
        with open(self.path / file_name, "a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def records(self, file_name: str) -> Iterator[dict[str, Any]]:
        """The JSON lines of a file; a last line cut by a crash is left out."""
        path = self.path / file_name
        if not path.exists():
            return
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except json.JSONDecodeError:
                    continue
                if isinstance(record, dict):
                    yield record

    def forget_after(self, step: int) -> None:
        """Drop metrics and samples past a step: a resume writes them again, the same."""
        for name in ("metrics.jsonl", "samples.jsonl", "train_loss.jsonl"):
            kept = [record for record in self.records(name) if record.get("step", 0) <= step]
            lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in kept)
            if (self.path / name).exists():
                atomic_write(self.path / name, "".join(lines))

    def write_loss_history(self) -> None:
        """Write loss_history.csv from the evaluations in metrics.jsonl."""
        table = io.StringIO()
        writer = csv.DictWriter(
            table, LOSS_HISTORY_COLUMNS, extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(r for r in self.records("metrics.jsonl") if "val_loss" in r)
        atomic_write(self.path / "loss_history.csv", table.getvalue())

    # -- checkpoints ------------------------------------------------------------------------

    def checkpoint_path(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:06d}"

    def checkpoint_steps(self, resumable: bool = False) -> list[int]:
        """Steps of the checkpoints there are, ascending."""
        folders = (self.path / "checkpoints").glob("step-*")
        needed = OPTIMIZER_FILE if resumable else MODEL_FILE
        return sorted(
            int(folder.name.removeprefix("step-"))
            for folder in folders
            if (folder / needed).is_file() and (folder / STATE_FILE).is_file()
        )

    def save_checkpoint(
        self,
        step: int,
        state: dict[str, Any],
        model: dict[str, Tensor],
        optimizer: dict[str, Tensor],
    ) -> None:
        """Write a checkpoint and make it the last one."""
        from safetensors.torch import save

        with atomic_folder(self.checkpoint_path(step)) as folder:
            sums = {}
            for name, tensors in ((MODEL_FILE, model), (OPTIMIZER_FILE, optimizer)):
                content = save({key: value.contiguous() for key, value in tensors.items()})
                (folder / name).write_bytes(content)
                sums[name] = hashlib.sha256(content).hexdigest()
            sealed = {"version": FORMAT_VERSION, "step": step, "sha256": sums, **state}
            sealed["seal"] = _seal(sealed)
            (folder / STATE_FILE).write_text(json.dumps(sealed))
        atomic_write(self.path / "last.json", json.dumps({"step": step}))

    def load_checkpoint(self, step: int) -> Checkpoint:
        """Read and verify a checkpoint. Raises CheckpointError saying what is wrong with it."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        folder = self.checkpoint_path(step)
        tensors: dict[str, dict[str, Tensor]] = {}
        try:
            state = json.loads((folder / STATE_FILE).read_text())
            if state.get("version", 0) > FORMAT_VERSION:
                raise CheckpointError(
                    f"The checkpoint {folder} was written by a newer version of Inkling. "
                    "Upgrade: pip install --upgrade inkling-gpt."
                )
            if state.pop("seal", None) != _seal(state):
                raise ValueError(f"{STATE_FILE} does not match its checksum")
            for name in (MODEL_FILE, OPTIMIZER_FILE):
                if name == OPTIMIZER_FILE and not (folder / name).exists():
                    continue
                content = (folder / name).read_bytes()
                if hashlib.sha256(content).hexdigest() != state["sha256"][name]:
                    raise ValueError(f"{name} does not match its checksum")
                tensors[name] = load(content)
        except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
            raise CheckpointError(
                f"The checkpoint {folder} is damaged ({error}). {self._way_out(step)}"
            ) from None
        return Checkpoint(folder, step, state, tensors[MODEL_FILE], tensors.get(OPTIMIZER_FILE))

    def _way_out(self, step: int) -> str:
        others = [other for other in self.checkpoint_steps() if other != step]
        if not others:
            return "No other one is left; train a new run: inkling train."
        return (
            f"Delete that folder to go back to the one of step {others[-1]}, "
            "or train a new run: inkling train."
        )

    def last_step(self) -> int | None:
        """Step of the newest checkpoint that training can go on from."""
        steps = self.checkpoint_steps(resumable=True)
        return steps[-1] if steps else None

    def write_best(self, best: dict[Phase, dict[str, float]]) -> None:
        """Record step and loss of the best checkpoint of each phase."""
        atomic_write(self.path / "best.json", json.dumps(best))

    def best(self) -> dict[Phase, dict[str, float]]:
        """Best step and loss of each phase that has one."""
        try:
            best: dict[Phase, dict[str, float]] = json.loads((self.path / "best.json").read_text())
            there = set(self.checkpoint_steps())
            return {phase: entry for phase, entry in best.items() if entry["step"] in there}
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            return {}  # nothing there, or nothing that we wrote

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

        steps = self.checkpoint_steps()
        best = {int(entry["step"]) for entry in self.best().values()}
        whole = set(self.checkpoint_steps(resumable=True)[-KEEP_LATEST:]) | best
        snapshots = set(log_spaced([s for s in steps if s not in whole], MAX_SNAPSHOTS))
        for step in steps:
            if step in snapshots:
                (self.checkpoint_path(step) / OPTIMIZER_FILE).unlink(missing_ok=True)
            elif step not in whole:
                doomed = self.checkpoint_path(step)
                # Renamed first: a crash while deleting must not leave half a checkpoint.
                hidden = doomed.with_name(f".{doomed.name}.old")
                os.rename(doomed, hidden)
                shutil.rmtree(hidden)


def log_spaced(steps: list[int], count: int) -> list[int]:
    """At most `count` of the steps, near equal ratios between the first and the last."""
    if len(steps) <= count:
        return steps
    low, high = max(1, steps[0]), steps[-1]
    wanted = [low * (high / low) ** (index / (count - 1)) for index in range(count)]
    return sorted({min(steps, key=lambda step: abs(step - target)) for target in wanted})


def _seal(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
