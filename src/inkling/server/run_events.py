"""A run's files as they grow: rows of metrics, training loss and samples, and what comes next.

Knows: `metrics.jsonl`, `train_loss.jsonl` and `samples.jsonl` of a run that may be training in
another process. Does not know HTTP or who listens.
Data: file -> whole lines -> rows -> events in the order of their steps.

An event's id is its step. Several rows share one, so a listener that comes back is given the
rows of its last id again: it keeps them by phase and step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkling.evaluation.units import perplexity
from inkling.regular_files import json_objects, open_regular
from inkling.run_files import METRICS_FILE, SAMPLES_FILE, TRAIN_LOSS_FILE
from inkling.runs import Run, is_record
from inkling.server.runs_schemas import Evaluations, Live, Metrics, Sample
from inkling.server.sse import event


@dataclass(frozen=True)
class Event:
    """One server-sent event; `step` is its id."""

    kind: str
    data: dict[str, Any]
    step: int | None = None

    def frame(self) -> str:
        return event(self.data, self.kind, self.step)


def metrics_row(record: dict[str, Any]) -> dict[str, Any] | None:
    """An evaluation for a page; None where the record is none."""
    if not is_record(record) or "val_loss" not in record:
        return None
    numbers = {
        key: _finite(record.get(key))
        for key in (
            "train_loss", "val_loss", "val_nats_per_char", "val_bits_per_char", "lr", "elapsed_min",
        )
    }  # fmt: skip
    val = numbers["val_loss"]
    return {
        "step": record["step"],
        "phase": record["phase"],
        "perplexity": None if val is None else _finite(perplexity(val)),
        **numbers,
    }


def live_row(record: dict[str, Any]) -> dict[str, Any] | None:
    """A row of the training loss; None where the record is none."""
    if not is_record(record):
        return None
    numbers = {key: _finite(record.get(key)) for key in ("loss", "elapsed_min")}
    return {"step": record["step"], "phase": record["phase"], **numbers}


def sample_row(record: dict[str, Any]) -> dict[str, Any] | None:
    """A sample; None where the record is none."""
    words = record.get("prompt"), record.get("text")
    if not is_record(record) or not all(isinstance(word, str) for word in words):
        return None
    # Older rows do not say it: then only a fine-tuned model was asked.
    asked = record.get("asked", record["phase"] == "finetune") is True
    return {key: record[key] for key in ("step", "phase", "prompt", "text")} | {"asked": asked}


# In the order of reading: a row of a later file may belong to a step that an earlier file has
# not reached, never the other way round, so that no row is older than an id already sent.
_FILES = (
    ("live", TRAIN_LOSS_FILE, live_row),
    ("metrics", METRICS_FILE, metrics_row),
    ("sample", SAMPLES_FILE, sample_row),
)


def read_metrics(run: Run, since: int) -> Metrics:
    """Everything a run has written from a step on, as columns."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for kind, name, shape in _FILES:
        found = (shape(record) for record in run.records(name))
        rows[kind] = [row for row in found if row is not None and row["step"] >= since]
    return Metrics(
        run=run.name,
        since=since,
        evaluations=Evaluations.model_validate(_columns(rows["metrics"], Evaluations.model_fields)),
        live=Live.model_validate(_columns(rows["live"], Live.model_fields)),
        samples=[Sample.model_validate(row) for row in rows["sample"]],
    )


class RunTail:
    """Reads what is new in a run's files at each `poll`."""

    def __init__(self, run: Run, since: int) -> None:
        self._since = since
        self._files = [(kind, _Growing(run.path / name), shape) for kind, name, shape in _FILES]

    def poll(self) -> list[Event]:
        """The events since the last poll, oldest step first.

        A resume drops the rows behind its checkpoint and writes them again: `rewind` says to
        which step, and every row that is left follows once more.
        """
        rewinds: list[Event] = []
        events: list[Event] = []
        for kind, file, shape in self._files:
            records, replaced = file.read()
            rows = [row for row in map(shape, records) if row is not None]
            if replaced:
                last = max((row["step"] for row in rows), default=-1)
                rewinds.append(Event("rewind", {"kind": kind, "step": last}))
            events += [Event(kind, row, row["step"]) for row in rows if row["step"] >= self._since]
        return rewinds + sorted(events, key=lambda one: one.step or 0)


class _Growing:
    """A file of JSON lines that grows, or is replaced by a shorter one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0
        self._offset = 0

    def read(self) -> tuple[list[dict[str, Any]], bool]:
        """New whole lines, and whether the file is another one than before."""
        try:
            with open_regular(self._path) as file:
                inode = os.fstat(file.fileno()).st_ino
                file.seek(0, 2)
                replaced = self._offset > 0 and (inode != self._inode or file.tell() < self._offset)
                self._inode = inode
                self._offset = 0 if replaced else self._offset
                file.seek(self._offset)
                content = file.read()
        except OSError:
            return [], False
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return list(json_objects(whole)), replaced


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and math.isfinite(value) else None


def _columns(rows: list[dict[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}
