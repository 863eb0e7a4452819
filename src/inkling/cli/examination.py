"""All that `inkling doctor` looks at, put together, and what a training here would cost.

Knows: that minutes are reckoned by the planner that `inkling train` uses, from the speed of this
machine now, and for which text. Does not know how the report looks. What is looked at is in
`machine_check` and `workspace_check`. Data: machine + workspace -> `Report`. Nothing here writes.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inkling import __version__
from inkling.cli import COMMAND_STARTED
from inkling.cli.machine_check import Findings, MachineFacts, look_at_machine
from inkling.cli.serve import HOST, PORT
from inkling.cli.workspace_check import WorkspaceFacts, look_at_workspace
from inkling.errors import InklingError
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.config import DataFacts
    from inkling.training.forecast import Forecast

MINUTES = (1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Offer:
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
    looks_like: str
    memory_bytes: int
    disk_bytes: int
    fits: bool
    """Whether the memory and the disk that are free now suffice."""


@dataclass(frozen=True)
class Report:
    """All that was found. `offers` are for the text that `text` names."""

    inkling: str
    ok: bool
    problems: list[str]
    notes: list[str]
    machine: MachineFacts
    disk_path: str
    disk_free: int
    workspace: WorkspaceFacts | None
    text: str | None
    offers: list[Offer]


def examine(workspace: Workspace | None) -> Report:
    """Look at everything. `workspace` is None where there is none."""
    findings = Findings()
    state = look_at_workspace(workspace, findings) if workspace is not None else None
    machine = look_at_machine(HOST, PORT, findings)
    place = workspace.path if workspace is not None else Path.cwd()
    disk_free = shutil.disk_usage(place).free
    text: str | None = None
    offers: list[Offer] = []
    if machine.torch is not None:
        text, offers = _offers(workspace, state, machine, disk_free, findings)
    return Report(
        inkling=__version__,
        ok=not findings.problems,
        problems=findings.problems,
        notes=findings.notes,
        machine=machine,
        disk_path=str(place),
        disk_free=disk_free,
        workspace=state,
        text=text,
        offers=offers,
    )


def _offers(
    workspace: Workspace | None,
    state: WorkspaceFacts | None,
    machine: MachineFacts,
    disk_free: int,
    findings: Findings,
) -> tuple[str | None, list[Offer]]:
    from inkling.training.forecast import forecast, usable_seconds
    from inkling.training.planner import DEFAULT_MINUTES

    assert machine.torch is not None
    try:
        text, facts, vocab_size = text_facts(workspace, state)
    except InklingError as error:
        if str(error) not in findings.problems:
            findings.problems.append(str(error))
        return None, []
    free = machine.memory_available or machine.memory_total
    offers = []
    # A training prepares for about as long as this took: it loads the same and reads the text.
    spent = time.time() - COMMAND_STARTED.get()
    for minutes in MINUTES:
        seconds = max(1.0, usable_seconds(minutes, figures=True) - spent)
        made = forecast(minutes, seconds, facts, vocab_size, machine.torch.gflops)
        offer = _offer(made, facts, free, disk_free)
        offers.append(offer)
        if minutes == DEFAULT_MINUTES and not offer.fits:
            findings.problems.append(_too_big(offer, free, disk_free))
    return text, offers


def text_facts(
    workspace: Workspace | None, state: WorkspaceFacts | None
) -> tuple[str, DataFacts, int]:
    """Which text a training would learn, what is known of it, and the size of its vocabulary:
    the workspace's, else the demo's. Counted where a run has learned this very text, else
    estimated from a sample."""
    from inkling.cli.start import demo_corpus
    from inkling.corpus.document import Conversation, Document
    from inkling.corpus.importers import read_path
    from inkling.corpus.store import CorpusStore
    from inkling.preparation import MIN_CHARACTERS, estimate_facts
    from inkling.runs import Run
    from inkling.training.planner import merges_for

    if workspace is None or state is None or state.corpus.characters < MIN_CHARACTERS:
        demo = demo_corpus()
        items = [*read_path(demo / "posts"), *read_path(demo / "dms.txt")]
        texts = [item.text for item in items if isinstance(item, Document)]
        talks = [item.messages for item in items if isinstance(item, Conversation)]
        spoken = sum(len(message.text) for talk in talks for message in talk)
        facts, vocab_size = estimate_facts(texts, sum(map(len, texts)), talks, spoken, merges_for)
        return "the demo's text", facts, vocab_size
    for run in reversed(Run.readable(workspace)):
        config = run.config()
        same = config.data.corpus_hash == state.corpus.content
        if same and config.recipe == "modern" and config.parent is None and config.group is None:
            return "this workspace's text", config.data, config.model.vocab_size
    with CorpusStore(workspace.corpus_path, read_only=True) as store:
        documents = store.documents()
        characters = documents.characters()
        facts, vocab_size = estimate_facts(
            (document.text for document in documents),
            characters,
            (conversation.messages for conversation in store.conversations()),
            state.corpus.characters - characters,
            merges_for,
        )
    return "this workspace's text", facts, vocab_size


def _offer(made: Forecast, facts: DataFacts, memory_free: int, disk_free: int) -> Offer:
    from inkling.config import ModelSettings
    from inkling.training.forecast import disk_bytes, memory_bytes
    from inkling.training.metrics import bits, looks_like

    plan, expected = made.plan, made.promise.expected_nats
    assert isinstance(plan.model, ModelSettings)
    needed = round(memory_bytes(made.weights))
    stored = disk_bytes(made.weights, facts.train_tokens + facts.val_tokens)
    return Offer(
        minutes=made.minutes,
        weights=made.weights,
        n_layer=plan.model.n_layer,
        n_embd=plan.model.n_embd,
        steps=plan.train.steps,
        finetune_steps=plan.finetune.steps if plan.finetune else 0,
        readings=made.promise.readings,
        nats_per_char=expected,
        bits_per_char=bits(expected),
        looks_like=looks_like(expected, facts.bzip2_nats),
        memory_bytes=needed,
        disk_bytes=stored,
        fits=needed <= memory_free and stored <= disk_free,
    )


def _too_big(offer: Offer, memory_free: int, disk_free: int) -> str:
    what = f"A training of {offer.minutes:g} minutes"
    if offer.memory_bytes > memory_free:
        needed, free = gigabytes(offer.memory_bytes), gigabytes(memory_free)
        return f"{what} takes about {needed} of memory, and {free} are free. Close other programs."
    needed, free = gigabytes(offer.disk_bytes), gigabytes(disk_free)
    return f"{what} writes up to {needed}, and {free} are free. Free some disk space."


def gigabytes(size: float) -> str:
    """ "1.5 GB", "320 MB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
