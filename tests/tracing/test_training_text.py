"""What a run was trained on, read back from its packed data, whatever became of the corpus."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inkling.corpus.store import CorpusStore
from inkling.errors import RunError
from inkling.preparation import read_split
from inkling.runs import Run
from inkling.tokens.chat_format import as_said, normalize_turn
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.tracing.span_index import SpanIndex
from inkling.tracing.training_text import TextOrigin, TrainingTextIndex, training_texts
from inkling.workspace import Workspace


@pytest.fixture
def run(trained: Workspace, tmp_path: Path) -> Run:
    """A copy of the trained run, whose files may be damaged."""
    folder = tmp_path / "copy"
    shutil.copytree(trained.run_path("tiny"), folder, ignore=shutil.ignore_patterns("spans"))
    return Run(folder)


def identity(run: Run) -> int:
    """Another number each time that the index is written."""
    return (run.spans_path / "index.json").stat().st_ino


def test_the_texts_are_those_that_were_packed(trained: Workspace, run: Run) -> None:
    """Each stretch of writing and each turn of the split, and nothing else; writing where its
    origin says."""
    split, _ = read_split(trained)
    train = PackedIds.open(run.data_path, "train")
    texts = list(training_texts(train, Tokenizer.load(run.tokenizer_path)))
    with CorpusStore(trained.corpus_path) as store:
        documents = {document.content_hash: document.text for document in store.documents()}
    writing = [(origin, text) for origin, text in texts if origin.kind == "writing"]
    for origin, text in writing:
        there = documents[origin.document]
        assert there[origin.character : origin.character + len(text)] == text
    assert sum(len(text) for _, text in writing) == sum(len(s.text) for s in split.train)
    turns = [(o.document, o.kind, text) for o, text in texts if o.kind != "writing"]
    assert turns == [
        (dialog.conversation, role, as_said(normalize_turn(role, text)))
        for dialog in split.train_dialogs
        for role, text in dialog.turns
    ]


def test_the_index_is_made_once_and_kept(run: Run) -> None:
    """Nothing is there before the first question; the second finds what the first made."""
    assert not run.spans_path.exists()
    first = TrainingTextIndex.of(run)
    made = identity(run)
    second = TrainingTextIndex.of(run)
    assert identity(run) == made
    assert len(first.index) == len(second.index) > 100
    assert first.origin(0) == second.origin(0)
    assert isinstance(first.origin(0), TextOrigin)


def test_a_damaged_index_is_made_again(run: Run) -> None:
    """Damage costs a second, not an answer."""
    whole = TrainingTextIndex.of(run)
    suffixes = run.spans_path / "suffixes.bin"
    suffixes.write_bytes(suffixes.read_bytes()[:-4])
    assert SpanIndex.open(run.spans_path) is None
    mended = TrainingTextIndex.of(run)
    assert SpanIndex.open(run.spans_path) is not None
    text = whole.index.part(0, 0, 200)
    assert mended.index.spans(text) == whole.index.spans(text) != []


def test_an_index_of_other_data_is_made_again(run: Run) -> None:
    """An index that was made from another run's data does not speak for this one."""
    SpanIndex.build(["something else entirely"], {"made_from": "another run"}).save(run.spans_path)
    assert TrainingTextIndex.of(run).index.spans("something else entirely") == []


def test_data_that_is_gone_is_said_in_one_sentence(run: Run) -> None:
    """Without packed data a kept index still answers; without both, an error says so."""
    kept = TrainingTextIndex.of(run)
    (run.data_path / "train.bin").unlink()
    assert len(TrainingTextIndex.of(run).index) == len(kept.index)
    shutil.rmtree(run.spans_path)
    with pytest.raises(RunError, match="no longer in"):
        TrainingTextIndex.of(run)


def test_many_may_ask_first(run: Run) -> None:
    """Several that find no index at the same moment make it once, and all get it."""
    with ThreadPoolExecutor(4) as pool:
        indices = list(pool.map(TrainingTextIndex.of, [run] * 4))
    assert len({len(trained.index) for trained in indices}) == 1
    assert not [path for path in run.path.iterdir() if path.name.startswith(".")]
