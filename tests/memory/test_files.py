"""An index in a folder: kept, refused, made again."""

from pathlib import Path

import pytest

from inkling.memory.files import HEADER, open_index, stored_fingerprint, write_index
from inkling.memory.index import Index
from inkling.memory.lookup import nearest
from inkling.memory.records import Record

RECORDS = [
    Record("can you swim", "no\nnever", (("them", "hi"), ("me", "hello 🐖")), "a", 3),
    Record("what do you drink", "tea \ud83d", (), "b", 1),
    Record("", "A passage about swimming.", (), "c", 400),
]


def _records(index: Index | None) -> list[Record]:
    assert index is not None
    return list(index.records)


def test_what_is_written_is_opened(tmp_path: Path) -> None:
    """Records, their order and what is found are as in memory."""
    assert write_index(tmp_path / "memory", RECORDS, "one") == 3
    stored = open_index(tmp_path / "memory", "one")
    assert _records(stored) == RECORDS
    assert stored is not None
    assert nearest(stored, "swimming?") == nearest(Index.build(RECORDS), "swimming?")
    assert stored.records[-1] == RECORDS[-1]
    assert stored.records[:2] == RECORDS[:2]
    assert stored.holds_reply("NO never")
    assert not stored.holds_reply("no")


def test_an_empty_index_can_be_kept(tmp_path: Path) -> None:
    """No dialogs, no error."""
    write_index(tmp_path / "memory", [], "one")
    assert _records(open_index(tmp_path / "memory", "one")) == []


def test_an_index_of_something_else_is_refused(tmp_path: Path) -> None:
    """Another fingerprint means that the corpus has changed."""
    write_index(tmp_path / "memory", RECORDS, "one")
    assert open_index(tmp_path / "memory", "two") is None
    assert stored_fingerprint(tmp_path / "memory") == "one"
    assert open_index(tmp_path / "nowhere") is None
    assert stored_fingerprint(tmp_path / "nowhere") is None
    write_index(tmp_path / "memory", RECORDS[:1], "two")
    assert _records(open_index(tmp_path / "memory", "two")) == RECORDS[:1]


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    """It is made again instead."""
    write_index(tmp_path / "memory", RECORDS, "one")
    header = tmp_path / "memory" / HEADER
    header.write_text(header.read_text().replace('"version": 1', '"version": 2'))
    assert open_index(tmp_path / "memory", "one") is None
    assert stored_fingerprint(tmp_path / "memory") is None


@pytest.mark.parametrize("at", [0, 0.5, 0.99])
def test_damage_is_noticed_in_every_file(tmp_path: Path, at: float) -> None:
    """One flipped bit anywhere, and the index is refused; so is a missing or a cut file."""
    folder = tmp_path / "memory"
    write_index(folder, RECORDS, "one")
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[int(at * len(whole))] ^= 1
        for content in (bytes(damaged), whole[: int(at * len(whole))]):
            path.write_bytes(content)
            found = open_index(folder, "one")
            # A flipped space of the header may mean the same.
            assert found is None or (path.name == HEADER and _records(found) == RECORDS), path.name
        path.unlink()
        assert open_index(folder, "one") is None, path.name
        path.write_bytes(whole)
    assert _records(open_index(folder, "one")) == RECORDS


def test_a_failed_write_leaves_the_old_index(tmp_path: Path) -> None:
    """A crash in the middle loses nothing."""

    def failing() -> object:
        yield RECORDS[0]
        raise OSError("no space left on device")

    write_index(tmp_path / "memory", RECORDS, "one")
    with pytest.raises(OSError, match="no space"):
        write_index(tmp_path / "memory", failing(), "two")  # type: ignore[arg-type]
    assert _records(open_index(tmp_path / "memory", "one")) == RECORDS
    assert [path.name for path in tmp_path.iterdir() if path.name != "here"] == ["memory"]


def test_forgetting_writes_an_index_without_the_text(tmp_path: Path) -> None:
    """What is left out of a rewritten index stands in none of its files."""
    folder = tmp_path / "memory"
    write_index(folder, RECORDS, "one")
    index = open_index(folder)
    assert index is not None
    write_index(folder, (r for r in index.records if r.document != "b"), "two")
    assert [r.document for r in _records(open_index(folder, "two"))] == ["a", "c"]
    assert all(b"drink" not in path.read_bytes() for path in folder.iterdir())
