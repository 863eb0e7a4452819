"""The memory of a run: an index over all dialogs that the workspace holds now.

Knows: which conversations become records, when an index in a run's folder is out of date. Does not
know: how an index is built or looked up, models.
Data: workspace's corpus -> records -> index in `runs/NAME/memory/` -> `Index`.

All of the author's dialogs are in it that the run's selection allows, masked as they were learned;
those held out of training as well: it is made to answer, not to be measured. What is forgotten,
corrected, masked or dropped changes the dataset's fingerprint, and the index is made again. Where
the folder cannot be written to, the index is kept in memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from inkling.config import Selection
from inkling.corpus.dataset import Dataset
from inkling.corpus.dialog import sessions
from inkling.corpus.store import CorpusStore
from inkling.memory.files import open_index, write_index
from inkling.memory.index import Index
from inkling.memory.records import Record, exchanges
from inkling.runs import Run
from inkling.settings import corpus_settings
from inkling.tokens.chat_format import Turn
from inkling.workspace import Workspace


def corpus_records(dataset: Dataset) -> Iterator[Record]:
    """Every exchange of what is learned of the corpus, in the order of import."""
    for conversation in dataset.conversations():
        for turns in sessions(conversation.messages):
            yield from exchanges(turns, conversation.content_hash)


def run_dialogs(workspace: Workspace, run: Run) -> Iterator[tuple[Turn, ...]]:
    """The dialogs that the memory of a run is made from, in the order of import; none where there
    is no corpus. Raises CorpusError where it cannot be read."""
    if not workspace.corpus_path.exists():
        return
    with _dataset(workspace, run) as dataset:
        for conversation in dataset.conversations():
            yield from sessions(conversation.messages)


def corpus_stamp(workspace: Workspace) -> tuple[tuple[int, int], ...]:
    """Changes whenever the corpus may have changed; two calls to the system."""
    path = workspace.corpus_path
    stamps = []
    for each in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            found = each.stat()
            stamps.append((found.st_mtime_ns, found.st_size))
    return tuple(stamps)


def run_memory(workspace: Workspace, run: Run) -> Index | None:
    """The index of what the workspace's author said, made now if it is missing, damaged, of
    another version or of another corpus; None where there is no corpus or nothing was said.

    Raises CorpusError where the corpus cannot be read.
    """
    if not workspace.corpus_path.exists():
        return None
    with _dataset(workspace, run) as dataset:
        fingerprint = dataset.fingerprint()
        index = open_index(run.memory_path, fingerprint)
        if index is None:
            try:
                write_index(run.memory_path, corpus_records(dataset), fingerprint)
                index = open_index(run.memory_path, fingerprint)
            except OSError:  # a read-only workspace still answers
                index = Index.build(corpus_records(dataset))
    return index if index is not None and len(index) else None


@contextlib.contextmanager
def _dataset(workspace: Workspace, run: Run) -> Iterator[Dataset]:
    with CorpusStore(workspace.corpus_path, read_only=True) as store:
        yield Dataset.of(store, corpus_settings(workspace), _selection(run), made_earlier=True)


def _selection(run: Run) -> Selection:
    """What of the text a run learned: with kinds of text, which say nothing of what is looked up,
    and weights left out."""
    selection = run.config().selection
    return selection.model_copy(update={"kind": "all", "weights": ()})
