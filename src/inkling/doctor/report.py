"""All that `inkling doctor` looks at, put together, and what a training here would cost.

Knows: that minutes are estimated by the planner that `inkling train` uses, from the speed of this
machine now, and for which text. Does not know how the report looks. What is looked at is in
`doctor.machine` and `doctor.workspace`. Data: machine + workspace -> `DoctorReport`. Nothing here
writes.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inkling import __version__
from inkling.doctor.findings import CheckFindings
from inkling.doctor.machine import MachineFacts, look_at_machine
from inkling.doctor.workspace import WorkspaceFacts, look_at_workspace
from inkling.errors import InklingError
from inkling.wording import size
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.config import DataFacts
    from inkling.training.forecast import Forecast

MINUTES = (1.0, 3.0, 10.0)


@dataclass(frozen=True)
class TrainingEstimate:
    """What some minutes of training buy here. Losses are of held-out writing, a character."""

    minutes: float
    weights: int
    n_layer: int
    n_embd: int
    steps: int
    finetune_steps: int
    readings: float
    """How often the base phase reads the text."""
    nats_per_char: float
    bits_per_char: float
    looks_like: str | None
    """None where the text is no prose."""
    memory_bytes: int
    disk_bytes: int
    fits: bool
    """Whether the memory and the disk that are free now suffice."""


@dataclass(frozen=True)
class DoctorReport:
    """All that was found. `estimates` are for the text that `text` names."""

    inkling: str
    ok: bool
    problems: list[str]
    notes: list[str]
    machine: MachineFacts
    disk_path: str
    disk_free: int
    workspace: WorkspaceFacts | None
    text: str | None
    estimates: list[TrainingEstimate]


def examine(workspace: Workspace | None, host: str, port: int, started: float) -> DoctorReport:
    """Look at everything. `workspace` is None where there is none; host and port are those that a
    server would take; `started` is when the command began, as `time.time()`."""
    findings = CheckFindings()
    state = look_at_workspace(workspace, findings) if workspace is not None else None
    machine = look_at_machine(host, port, findings)
    place = workspace.path if workspace is not None else Path.cwd()
    disk_free = shutil.disk_usage(place).free
    text: str | None = None
    estimates: list[TrainingEstimate] = []
    if machine.torch is not None:
        text, estimates = _estimates(workspace, state, machine, disk_free, started, findings)
    return DoctorReport(
        inkling=__version__,
        ok=not findings.problems,
        problems=findings.problems,
        notes=findings.notes,
        machine=machine,
        disk_path=str(place),
        disk_free=disk_free,
        workspace=state,
        text=text,
        estimates=estimates,
    )


def _estimates(
    workspace: Workspace | None,
    state: WorkspaceFacts | None,
    machine: MachineFacts,
    disk_free: int,
    started: float,
    findings: CheckFindings,
) -> tuple[str | None, list[TrainingEstimate]]:
    from inkling.training.forecast import forecast, usable_seconds
    from inkling.training.planner import DEFAULT_MINUTES
    from inkling.workflows.corpus_stats import text_facts

    assert machine.torch is not None
    try:
        corpus = state.corpus if state is not None else None
        characters, content = (corpus.characters, corpus.content) if corpus is not None else (0, "")
        text, facts, vocab_size = text_facts(workspace, characters, content)
    except InklingError as error:
        if str(error) not in findings.problems:
            findings.problems.append(str(error))
        return None, []
    free = machine.memory_available or machine.memory_total
    estimates = []
    # A training prepares for about as long as this took: it loads the same and reads the text.
    spent = time.time() - started
    for minutes in MINUTES:
        seconds = max(1.0, usable_seconds(minutes, figures=True) - spent)
        made = forecast(minutes, seconds, facts, vocab_size, machine.torch.gflops)
        estimate = _estimate(made, facts, free, disk_free)
        estimates.append(estimate)
        if minutes == DEFAULT_MINUTES and not estimate.fits:
            findings.problems.append(_too_big(estimate, free, disk_free))
    return text, estimates


def _estimate(
    made: Forecast, facts: DataFacts, memory_free: int, disk_free: int
) -> TrainingEstimate:
    from inkling.config import ModelSettings
    from inkling.evaluation.units import bits
    from inkling.training.forecast import disk_bytes, memory_bytes
    from inkling.training.loss_words import looks_like

    plan, expected = made.plan, made.estimate.expected_nats
    assert isinstance(plan.model, ModelSettings)
    needed = round(memory_bytes(made.weights))
    stored = disk_bytes(made.weights, facts.train_tokens + facts.val_tokens)
    return TrainingEstimate(
        minutes=made.minutes,
        weights=made.weights,
        n_layer=plan.model.n_layer,
        n_embd=plan.model.n_embd,
        steps=plan.train.schedule.steps,
        finetune_steps=plan.finetune.schedule.steps if plan.finetune else 0,
        readings=made.estimate.readings,
        nats_per_char=expected,
        bits_per_char=bits(expected),
        looks_like=looks_like(expected, facts),
        memory_bytes=needed,
        disk_bytes=stored,
        fits=needed <= memory_free and stored <= disk_free,
    )


def _too_big(estimate: TrainingEstimate, memory_free: int, disk_free: int) -> str:
    what = f"A training of {estimate.minutes:g} minutes"
    if estimate.memory_bytes > memory_free:
        needed, free = size(estimate.memory_bytes), size(memory_free)
        return f"{what} takes about {needed} of memory, and {free} are free. Close other programs."
    needed, free = size(estimate.disk_bytes), size(disk_free)
    return f"{what} writes up to {needed}, and {free} are free. Free some disk space."
