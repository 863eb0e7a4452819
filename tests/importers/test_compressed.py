"""Compressed files and tables: what a corpus of many shards comes in."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from inkling.corpus.document import Conversation, Document, Dropped
from inkling.corpus.importers import files, read_path
from inkling.corpus.importing import compressed
from inkling.corpus.importing.importer import Claim, Note, ReadOptions
from inkling.corpus.importing.open_tree import open_tree
from inkling.corpus.importing.source import open_source
from inkling.corpus.importing.tree import Tree, TreeFile
from tests.conftest import Result

TEXT = "The harbour was quiet in the morning.\n"
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": lambda content: bz2.compress(content, 1),  # in small blocks: one that is cut is lost
    ".xz": lzma.compress,
}  # fmt: skip


def zstd() -> Callable[[bytes], bytes]:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name).compress
        except ImportError:
            continue
    pytest.skip("backports.zstd is not installed")


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_a_compressed_file_is_the_file_in_it(ending: str) -> None:
    """In a folder it lies under its whole name, alone it has its own; its size is that of what is
    in it, also where several parts were compressed one after another."""
    compress = COMPRESSORS.get(ending) or zstd()
    folder = Path("shards")
    folder.mkdir()
    (folder / f"a.txt{ending}").write_bytes(compress(TEXT.encode()) + compress(TEXT.encode()))
    with open_tree(folder) as found:
        (file,) = found.tree.files
        assert (file.path, file.suffix) == (f"a.txt{ending}/a.txt", ".txt")
        assert (file.size, file.read()) == (2 * len(TEXT), 2 * TEXT.encode())
        assert file.read(5) == TEXT[:5].encode()
    with open_tree(folder / f"a.txt{ending}") as found:
        assert [file.path for file in found.tree.files] == ["a.txt"]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_a_damaged_compressed_file_is_read_up_to_there(ending: str) -> None:
    """What comes before the damage is kept and counts as kept: the missing end is a note. A
    file that was never compressed is left out, and counts once."""
    compress = COMPRESSORS.get(ending) or zstd()
    lines = "".join(f'{{"text": "line number {n} of many"}}\n' for n in range(20_000))
    whole = compress(lines.encode())
    Path(f"cut.jsonl{ending}").write_bytes(whole[: len(whole) // 2])
    Path(f"not.jsonl{ending}").write_bytes(b"these bytes were never compressed")
    with open_source(Path(f"cut.jsonl{ending}")) as source:
        records = list(source.records(ReadOptions()))
    noted = [record.text for record in records if isinstance(record, Note)]
    assert noted.count(compressed.CUT) == 1
    left_out = [record for record in records if isinstance(record, Dropped)]
    assert [each.reason for each in left_out] in ([], ["a line that is not JSON"])  # half a line
    kept = [record.text for record in records if isinstance(record, Document)]
    assert kept == [f"line number {n} of many" for n in range(len(kept))]
    assert [type(record) for record in read_path(Path(f"not.jsonl{ending}"))] == [Dropped]


@pytest.mark.parametrize("ending", [".gz", ".xz"])
def test_a_small_compressed_file_keeps_what_stands_before_its_missing_end(
    ending: str, inkling: Callable[..., Result]
) -> None:
    """Of a download that broke off: a document and a note, and nothing that was left out. Where
    nothing can be read, that is said once, with the endings that can be."""
    text = "".join(f"Sentence number {n} of a short text.\n" for n in range(2_000)).encode()
    whole = COMPRESSORS[ending](text)
    Path(f"a.txt{ending}").write_bytes(whole[: len(whole) * 3 // 4])
    Path(f"b.txt{ending}").write_bytes(b"never compressed")
    inkling("init", "w")
    done = inkling("add", f"a.txt{ending}", "-w", "w", "--yes")
    assert done.status == 0, done.err
    assert ": 1 document, " in done.out
    assert f"{compressed.CUT} (a.txt{ending})" in done.out
    assert "left out" not in done.out
    refused = inkling("add", f"b.txt{ending}", "-w", "w", "--yes")
    assert f"could be read (1 × {compressed.DAMAGED}). Name" in refused.err
    assert ".parquet" in refused.err
    assert ".gz" in refused.err.partition("Name a folder")[2]


def test_a_long_compressed_file_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is estimated from its beginning, and is never less than what is read whole."""
    monkeypatch.setattr(compressed, "MEASURED", 10_000)
    monkeypatch.setattr(compressed, "BLOCK", 1_000)
    Path("long.txt.gz").write_bytes(gzip.compress(TEXT.encode() * 1_000, mtime=0))
    with open_tree(Path("long.txt.gz")) as found:
        (file,) = found.tree.files
        assert file.size >= 10_000
        assert len(file.read()) == 1_000 * len(TEXT)


def test_what_decompresses_to_far_too_much_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file full of nothing is read so far, and reported."""
    monkeypatch.setattr(compressed, "RATIO_MATTERS", 100_000)
    Path("bomb.txt.gz").write_bytes(gzip.compress(b"\n" * 3_000_000))
    with open_tree(Path("bomb.txt.gz")) as found:
        (file,) = found.tree.files
        assert len(file.read()) < 2_000_000
        file.read()
        assert [left.reason for left in found.left_out] == [compressed.BOMB]


def test_only_lines_of_json_may_be_larger_than_a_disk_image() -> None:
    """What a file says of its size decides."""
    for name, kept in (("big.jsonl", [Document]), ("big.txt", [Dropped])):
        file = TreeFile(name, 3_000_000_000, lambda: io.BytesIO(b'{"text": "some words"}\n'))
        tree = Tree("in", (file,))
        claim = Claim(frozenset((name,)), 1.0, "in")
        assert [type(each) for each in files.IMPORTER.read(tree, claim, ReadOptions())] == kept


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zstandard and Parquet need one: the reason says which, and nothing else is lost."""
    for name in ("compression.zstd", "backports.zstd", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    folder = Path("shards")
    folder.mkdir()
    (folder / "a.txt.zst").write_bytes(b"(\xb5/\xfd")
    (folder / "b.parquet").write_bytes(b"PAR1")
    (folder / "c.txt").write_text(TEXT)
    records = list(read_path(folder))
    told = {record.raw_ref: record.reason for record in records if isinstance(record, Dropped)}
    assert "pip install backports.zstd" in told["a.txt.zst"]
    assert "pip install pyarrow" in told["b.parquet"]
    assert [record.raw_ref for record in records if isinstance(record, Document)] == ["c.txt"]


def test_the_rows_of_a_table_are_those_of_json_lines() -> None:
    """Texts, dialogs as messages, and pairs: what a line of JSON would be; other columns are not
    even read, and an empty cell is reported."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    tables = {
        "text": {"id": [1, 2, 3], "text": [TEXT, None, "Second."]},
        "chat": {"messages": [said], "score": [0.5]},
        "pair": {"prompt": ["hi"], "completion": ["hello"]},
        "none": {"label": [1]},
    }
    for name, columns in tables.items():
        parquet.write_table(pyarrow.table(columns), f"{name}.parquet", row_group_size=2)
        lines = [
            json.dumps(dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
        Path(f"{name}.jsonl").write_text("\n".join(lines))
        found = list(read_path(Path(f"{name}.parquet")))
        if name == "none":
            assert [type(record) for record in found] == [Dropped]
            continue
        wanted = list(read_path(Path(f"{name}.jsonl")))
        assert [type(record) for record in found] == [type(record) for record in wanted]
        for one, other in zip(found, wanted, strict=True):
            if isinstance(one, Dropped):
                continue
            assert one.content_hash == other.content_hash  # type: ignore[union-attr]
            assert isinstance(one, Document | Conversation)
            assert one.raw_ref == other.raw_ref.replace(".jsonl", ".parquet")  # type: ignore[union-attr]


def test_a_damaged_table_is_reported() -> None:
    """Cut, or with other bytes in its middle: a reason, and no error."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"text": [f"{TEXT} {n}" for n in range(500)]})
    parquet.write_table(table, "t.parquet")
    whole = Path("t.parquet").read_bytes()
    middle = len(whole) // 3
    for damaged in (b"", b"PAR1", whole[:-10], whole[: len(whole) // 2], b"x" * 200,
                    whole[:middle] + b"\xff" * 64 + whole[middle + 64 :]):  # fmt: skip
        Path("t.parquet").write_bytes(damaged)
        records = list(read_path(Path("t.parquet")))
        assert any(isinstance(record, Dropped) for record in records)
