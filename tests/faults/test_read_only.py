"""A workspace that can only be read: a backup, a mounted image."""

from __future__ import annotations

import io
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.chats import ChatStore
from inkling.workspace import Workspace
from tests.conftest import Result, made_read_only


@pytest.fixture
def backup(trained: Workspace, tmp_path: Path) -> Workspace:
    """Copied while something was being written: part of both databases is in their logs. No index
    was made yet."""
    copy = Workspace(tmp_path / "backup")
    shutil.copytree(trained.path, copy.path)
    run = copy.runs_path / "tiny"
    for made in ("memory", "spans"):
        shutil.rmtree(run / made, ignore_errors=True)
    with ChatStore(copy.chats_path):
        pass
    for path in (copy.corpus_path, copy.chats_path):
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("CREATE TABLE written_last (number)")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", f"{path}.copy{suffix}")
        db.close()
        for suffix in ("", "-wal"):
            Path(f"{path}.copy{suffix}").replace(f"{path}{suffix}")
        assert Path(f"{path}-wal").stat().st_size
    return copy


def test_reading_needs_no_right_to_write(
    backup: Workspace, inkling: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that only reads, and a chat, works and says what is not kept; what would write
    is one sentence. The backup stays as it was."""
    before = sorted(backup.path.rglob("*"))
    with made_read_only(backup.path):
        for command, says in (
            (("corpus",), "In all: 12 documents"),
            (("corpus", "show"), "dms.txt"),
            (("corpus", "stats"), "characters"),
            (("corpus", "review"), ""),
            (("runs",), "tiny"),
            (("runs", "tiny"), "held-out writing"),
            (("trace", "i tune pianos, and mend the ones people have been lying about"), "tiny"),
            (("eval", "--replies", 1), "can only be read"),
            (("generate", "--prompt", "Last night", "--max-tokens", 5), ""),
            (("guess", "--help"), "guess"),
        ):
            result = (
                inkling(*command, "-w", backup.path)
                if "--help" not in command
                else inkling(*command)
            )
            assert (result.status, result.err) == (0, ""), command
            assert says in result.out, command
        monkeypatch.setattr("sys.stdin", io.StringIO("hello\nand you?\n"))
        result = inkling("chat", "--seed", 1, "-w", backup.path)
        assert (result.status, len(result.out.splitlines())) == (0, 2), result.err
        (backup.path.parent / "text.md").write_text("A new text about something else.\n" * 90)
        for command in (("add", backup.path.parent / "text.md"), ("train", "--steps", 1)):
            result = inkling(*command, "-w", backup.path)
            assert result.status == 1
            assert len(result.err.splitlines()) == 1, result.err
            assert str(backup.path) in result.err
    assert sorted(backup.path.rglob("*")) == before
