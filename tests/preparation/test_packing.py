"""A text packed by several processes is the text packed by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inkling.corpus.reading import Pieces, TextRange
from inkling.corpus.split import Split
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.preparation import packing, read_split, train_tokenizer
from inkling.preparation.packing import divided, pack_writing
from inkling.tokens.dataset import PackedWriter, write_index
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace
from tests.conftest import DEMO


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    """Eight posts of the demo, one of which holds what is masked."""
    workspace = Workspace.create(tmp_path_factory.mktemp("packing") / "w")
    folder = workspace.path.parent / "posts"
    folder.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:8]:
        (folder / post.name).write_bytes(post.read_bytes())
    (folder / "a.txt").write_text(
        "Write to nobody@example.org or to me.\n\n" * 3 + "So it is. " * 90
    )
    from inkling.corpus.importers import read_path

    with CorpusStore(workspace.corpus_path) as store:
        store.add("posts", "folder", read_path(folder))
    return read_split(workspace)[0]


@pytest.fixture(scope="module")
def tokenizer(split: Split) -> Tokenizer:
    return train_tokenizer(split, 60)


def packed(folder: Path, tokenizer: Tokenizer, pieces: Pieces, processes: int) -> dict[str, bytes]:
    """The files that a packing by so many processes leaves."""
    folder.mkdir()
    part = PackedWriter(folder, "train", tokenizer.vocab_size)
    try:
        pack_writing(part, tokenizer, pieces, processes)
    except CorpusError:
        part.close()
        raise
    counts = part.counts.tobytes()
    write_index(folder, {"train": part.close()})
    return {path.name: path.read_bytes() for path in folder.iterdir()} | {"counts": counts}


def test_several_processes_pack_what_one_packs(
    split: Split, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same ids, places and counts, to the byte; masked as they were; nothing else is left."""
    assert split.masked
    one = packed(tmp_path / "one", tokenizer, split.train, 1)
    monkeypatch.setattr(packing, "PART_CHARACTERS", split.train.characters // 3)
    assert packed(tmp_path / "three", tokenizer, split.train, 3) == one
    assert one.keys() == {"train.bin", "index.json", "counts"}


def test_parts_are_the_whole_cut_between_documents(split: Split) -> None:
    """Joined they are the spans in their order, of about the same length, and no document is in
    two."""
    for count in (1, 2, 3, 50):
        parts = divided(split.train, count)
        assert len(parts) <= count
        assert [span for part in parts for span in part.spans] == list(split.train.spans)
        owners = [{span.document for span in part.spans} for part in parts]
        assert sum(map(len, owners)) == len(set().union(*owners))
    halves = [part.characters for part in divided(split.train, 2)]
    assert max(halves) < 0.75 * sum(halves)


def test_a_failing_process_is_a_sentence(
    split: Split, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it could not read is told as ever; one that ends by itself is told, too."""
    monkeypatch.setattr(packing, "PART_CHARACTERS", split.train.characters // 3)
    spans = (*split.train.spans, TextRange("gone", 0, 2_000))
    with pytest.raises(CorpusError, match="removed from the corpus while"):
        packed(tmp_path / "gone", tokenizer, replace(split.train, spans=spans), 2)
    assert {path.name for path in (tmp_path / "gone").iterdir()} == {"train.bin"}
    monkeypatch.setattr(packing, "_START", "import sys; sys.exit('out of luck')")
    with pytest.raises(CorpusError, match=r"ended \(out of luck\). Run the command again"):
        packed(tmp_path / "ended", tokenizer, split.train, 2)
