"""What the workspace's text is in numbers, and what a training of it buys.

Knows: how counting, masking and the planner's forecast come together. Does not know: how they are
shown. Data: workspace -> `corpus_stats` -> `CorpusStats`, plain enough for JSON.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from inkling.corpus.masking.kinds import MaskedKind
from inkling.corpus.statistics import CorpusCounts, count_corpus
from inkling.corpus.store import CorpusStore
from inkling.errors import InklingError
from inkling.workflows.review import masked_counts
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.config import DataFacts

MINUTES = (3.0, 10.0)
"""Of trainings that are estimated: the usual one and a patient one."""
EMPTY = "Nothing yet: add writing or chats first."


@dataclass(frozen=True)
class MaskedCount:
    """How often something of a kind is masked where the text is learned from."""

    kind: MaskedKind
    count: int


@dataclass(frozen=True)
class CorpusStats:
    """A workspace's corpus in numbers."""

    counts: CorpusCounts
    masked: list[MaskedCount]
    estimate: str
    """What so much text buys, in a sentence or two."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            **asdict(self.counts),
            "masked": [asdict(count) for count in self.masked],
            "estimate": self.estimate,
        }


def corpus_stats(workspace: Workspace) -> CorpusStats:
    """Count a corpus and estimate its training, on this machine as it is now.

    Raises CorpusError where the corpus cannot be read.
    """
    began = time.time()
    there = workspace.corpus_path.exists()
    with CorpusStore(workspace.corpus_path, read_only=there) as store:
        counts = count_corpus(store)
        content = store.corpus_hash()
        masked = masked_counts(workspace, store)
    estimate = what_text_buys(workspace, counts.characters, content, began)
    found = [MaskedCount(kind, count) for kind, count in masked.items()]
    return CorpusStats(counts, found, estimate)


def what_text_buys(workspace: Workspace, characters: int, content: str, began: float) -> str:
    """What some minutes of training make of a workspace's text, as `inkling doctor` estimates it;
    what is missing where it is too little. `content` is the corpus's hash."""
    from inkling.preparation import MIN_CHARACTERS

    if not characters:
        return EMPTY
    if characters < MIN_CHARACTERS:
        return (
            f"Too little to train on: {characters:,} characters of at least {MIN_CHARACTERS:,}; "
            "from about 100,000 it is worth the wait."
        )
    try:
        return " ".join(_bought(workspace, characters, content, began))
    except InklingError as error:
        return str(error)


def _bought(workspace: Workspace, characters: int, content: str, began: float) -> Iterator[str]:
    from inkling.evaluation.units import bits
    from inkling.training.forecast import forecast, usable_seconds
    from inkling.training.loss_words import looks_like
    from inkling.training.reading import measure_gflops

    _, facts, vocab_size = text_facts(workspace, characters, content)
    gflops = measure_gflops()
    spent = time.time() - began
    for minutes in MINUTES:
        seconds = max(1.0, usable_seconds(minutes, figures=True) - spent)
        made = forecast(minutes, seconds, facts, vocab_size, gflops)
        nats = made.estimate.expected_nats
        words = looks_like(nats, facts)
        yield (
            f"{minutes:g} minutes: {made.weights:,} weights, about {bits(nats):.1f} bits a "
            f"character{'' if words is None else f' ({words})'}."
        )


def text_facts(
    workspace: Workspace | None, characters: int, content: str
) -> tuple[str, DataFacts, int]:
    """Which text a training would learn, what is known of it, and the size of its vocabulary:
    the workspace's, else the demo's. Counted where a run has learned this very text, else
    estimated from a sample. The workspace's has so many characters and that hash."""
    from inkling.corpus.demo import demo_corpus
    from inkling.corpus.document import Conversation, Document
    from inkling.corpus.importers import read_path
    from inkling.corpus.store import CorpusStore
    from inkling.preparation import MIN_CHARACTERS, estimate_facts
    from inkling.runs import Run
    from inkling.training.planner import merges_for

    if workspace is None or characters < MIN_CHARACTERS:
        demo = demo_corpus()
        items = [*read_path(demo / "posts"), *read_path(demo / "dms.txt")]
        texts = [item.text for item in items if isinstance(item, Document)]
        talks = [item.messages for item in items if isinstance(item, Conversation)]
        spoken = sum(len(message.text) for talk in talks for message in talk)
        facts, vocab_size = estimate_facts(texts, sum(map(len, texts)), talks, spoken, merges_for)
        return "the demo's text", facts, vocab_size
    for run in reversed(Run.readable(workspace)):
        config = run.config()
        same = config.data.corpus_hash == content and config.selection.is_everything
        if same and config.recipe == "modern" and config.parent is None and config.group is None:
            return "this workspace's text", config.data, config.model.vocab_size
    with CorpusStore(workspace.corpus_path, read_only=True) as store:
        documents = store.documents()
        written = documents.characters()
        facts, vocab_size = estimate_facts(
            (document.text for document in documents),
            written,
            (conversation.messages for conversation in store.conversations()),
            characters - written,
            merges_for,
        )
    return "this workspace's text", facts, vocab_size
