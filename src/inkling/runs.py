"""A run folder: config, tokenizer, data, metrics, samples, and its checkpoints.

Knows: what lies in `runs/NAME/` and which run is meant. Does not know: how training or sampling
work, what a checkpoint holds (inkling.checkpoints), how a title or what was forgotten is noted
(inkling.run_notes). Data: the loop appends records and writes the config; commands and server read
them.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from inkling.atomic_files import atomic_write
from inkling.checkpoints import Checkpoints
from inkling.config import Phase, RunConfig, Rung
from inkling.errors import RunError
from inkling.permissions import private_opener
from inkling.regular_files import json_objects, read_regular
from inkling.run_files import (
    ANSWERS_FILE,
    CONFIG_FILE,
    DATA_FOLDER,
    FIGURES_FOLDER,
    LOSS_HISTORY_FILE,
    MEMORY_FOLDER,
    METRICS_FILE,
    REPORT_FILE,
    REPORT_PAGE,
    SAMPLES_FILE,
    SPANS_FOLDER,
    TOKENIZER_FILE,
    TRAIN_LOSS_FILE,
)
from inkling.run_notes import add_stale, read_stale, read_title, write_title
from inkling.workspace import Workspace

LOSS_HISTORY_COLUMNS = (
    "step",
    "train_loss",
    "val_loss",
    "lr",
    "elapsed_min",
    "phase",
    "val_bits_per_char",
)


def is_record(record: Mapping[str, Any]) -> bool:
    """Whether an object is a line of what a training writes."""
    return type(record.get("step")) is int and record.get("phase") in get_args(Phase)


class Run:
    """One training, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # -- finding and making -----------------------------------------------------------------

    @classmethod
    def create(cls, workspace: Workspace, config: RunConfig) -> Run:
        """Make the folder of a new run. Raises RunError where the name is taken."""
        path = workspace.run_path(config.name)
        if (path / CONFIG_FILE).exists():
            raise RunError(
                f"There is already a run called {config.name!r}. Choose another --name, "
                "or continue it: inkling train --resume."
            )
        run = cls(path)
        run.write_config(config)
        return run

    @classmethod
    def open(cls, workspace: Workspace, name: str) -> Run:
        """A run by name. Raises RunError naming those there are."""
        path = workspace.run_path(name)
        if not os.path.lexists(path / CONFIG_FILE):
            names = workspace.run_names()
            there = f"There are: {', '.join(names)}." if names else "Train one: inkling train."
            raise RunError(f"There is no run called {name!r}. {there}")
        return cls(path)

    @classmethod
    def readable(cls, workspace: Workspace) -> list[Run]:
        """The runs that can be read, oldest first: a damaged one hides no other."""
        found = []
        for name in workspace.run_names():
            run = cls(workspace.runs_path / name)
            with contextlib.suppress(RunError):
                run.check()
                found.append(run)
        return found

    @classmethod
    def damaged(cls, workspace: Workspace) -> dict[str, str]:
        """What is wrong with each run that cannot be read, oldest first."""
        found = {}
        for name in workspace.run_names():
            try:
                cls(workspace.runs_path / name).check()
            except RunError as error:
                found[name] = str(error)
        return found

    @classmethod
    def newest(cls, workspace: Workspace) -> Run | None:
        """The newest fine-tuned run with a usable checkpoint, else the newest such run; never a
        rung of the ladder, which is a lesson and not made to chat with."""
        runs = list(reversed(cls.readable(workspace)))
        usable = [
            run for run in runs if run.checkpoints.best_step() is not None and not run.is_rung()
        ]
        tuned = [run for run in usable if "finetune" in run.checkpoints.best()]
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
        run.check()
        run.best_step()
        return run

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path)

    @property
    def data_path(self) -> Path:
        return self.path / DATA_FOLDER

    @property
    def tokenizer_path(self) -> Path:
        return self.path / TOKENIZER_FILE

    @property
    def answers_path(self) -> Path:
        return self.path / ANSWERS_FILE

    @property
    def spans_path(self) -> Path:
        """The index of the text that the run was trained on; made when first needed."""
        return self.path / SPANS_FOLDER

    @property
    def memory_path(self) -> Path:
        """The index of what was said before; made again when the corpus has changed."""
        return self.path / MEMORY_FOLDER

    @property
    def figures_path(self) -> Path:
        return self.path / FIGURES_FOLDER

    @property
    def report_path(self) -> Path:
        return self.path / REPORT_FILE

    @property
    def report_page_path(self) -> Path:
        return self.path / REPORT_PAGE

    # -- config -----------------------------------------------------------------------------

    def write_config(self, config: RunConfig) -> None:
        atomic_write(self.path / CONFIG_FILE, config.model_dump_json(indent=1) + "\n")

    def check(self) -> None:
        """Raises RunError where what says how the run is to be used cannot be read."""
        self.config()
        self.checkpoints.check_best()

    def best_step(self) -> int:
        """Step of the checkpoint it speaks with. Raises RunError where there is none."""
        self.refuse_gone_checkpoints()
        step = self.checkpoints.best_step()
        if step is None:
            raise RunError(
                f"The run {self.name!r} has no checkpoint yet. Continue it: inkling train --resume"
                f" --run {self.name}."
            )
        return step

    def refuse_gone_checkpoints(self) -> None:
        """Raises RunError where nothing is left to train and the checkpoints were deleted."""
        there = (self.checkpoints.best_step(), self.checkpoints.last_step()) != (None, None)
        if self.config().complete and not there:
            raise RunError(
                f"The run {self.name!r} is complete, but its checkpoints are gone. Delete it: "
                f"inkling runs {self.name} --delete."
            )

    def config(self) -> RunConfig:
        """The run's settings, under its folder's name. Raises RunError where the file is damaged or
        newer than us."""
        path = self.path / CONFIG_FILE
        try:
            found = RunConfig.model_validate_json(read_regular(path))
            # Of a run that was renamed or brought here its own is another, or no name at all.
            return found.model_copy(update={"name": self.name})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole file"
            raise RunError(
                f"{path} cannot be used: {where}: {first['msg'].lower()}. It is damaged or was "
                "written by another version of Inkling; train a new run: inkling train."
            ) from None
        except OSError as error:
            raise RunError(
                f"{path} cannot be read ({(error.strerror or str(error)).lower()}). Restore it, or "
                f"delete the run: inkling runs {self.name} --delete."
            ) from None

    @property
    def title(self) -> str:
        """What a person calls it; empty where nobody named it."""
        return read_title(self.path)

    def rename(self, title: str) -> None:
        """Call it something; an empty title takes the name away. Chats, other runs and addresses
        know it by its folder, which stays. Raises WorkspaceError where it cannot be written."""
        write_title(self.path, title)

    def is_rung(self) -> bool:
        """Whether this run belongs to the ladder."""
        config = self.config()
        return config.group is not None or config.recipe in get_args(Rung)

    def require_text(self, doing: str) -> None:
        """Raises RunError where the run was imported: the text that it learned is not here."""
        if self.config().imported:
            raise RunError(
                f"The run {self.name!r} was imported without the text that it was trained on, so "
                f"it cannot be {doing}."
            )

    def mark_stale(self, what: str, documents: int, conversations: int) -> None:
        """Record that text this run was trained on has been forgotten: how much, never what."""
        add_stale(self.path, {"what": what, "documents": documents, "conversations": conversations})

    def stale(self) -> list[dict[str, Any]]:
        """What was forgotten since this run was trained; empty where nothing was."""
        return read_stale(self.path)

    # -- metrics and samples ----------------------------------------------------------------

    def append(self, file_name: str, record: Mapping[str, Any]) -> None:
        """Add one JSON line to metrics.jsonl or samples.jsonl."""
        with open(self.path / file_name, "a", encoding="utf-8", opener=private_opener) as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    def records(self, file_name: str) -> Iterator[dict[str, Any]]:
        """The JSON lines of a file that a training writes: objects with a whole number as `step`
        and a phase. What is damaged, e.g. a last line cut by a crash, is left out."""
        try:
            content = read_regular(self.path / file_name)
        except OSError:
            return
        yield from filter(is_record, json_objects(content))

    def truncate_after(self, step: int, begun_anew: Phase | None = None) -> None:
        """Drop metrics and samples past a step: a resume writes them again, the same. Of a phase
        that begins anew all are dropped: its first evaluation has the number of the step at which
        the phase before ended."""
        for name in (METRICS_FILE, SAMPLES_FILE, TRAIN_LOSS_FILE):
            kept = [
                record
                for record in self.records(name)
                if record["step"] <= step and record["phase"] != begun_anew
            ]
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
        writer.writerows(r for r in self.records(METRICS_FILE) if "val_loss" in r)
        atomic_write(self.path / LOSS_HISTORY_FILE, table.getvalue())
