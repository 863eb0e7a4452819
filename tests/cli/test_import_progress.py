"""The line that says how far an import is."""

from __future__ import annotations

from pathlib import Path

import pytest

from inkling.cli import add_progress
from inkling.cli.add_progress import ImportLine
from inkling.workflows.add import add
from inkling.workflows.import_progress import ImportProgress
from inkling.workspace import Workspace


def test_a_line_says_how_far_and_how_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe as plain text, now and then; not at all for a program."""
    monkeypatch.setattr(add_progress, "PLAIN_SECONDS", 0.0)
    position = ImportProgress("a.zip", 25, 100, 1_204, elapsed=10.0)
    with ImportLine() as line:
        line.show(ImportProgress("a.zip", 1, 100, 0, elapsed=0.1))
        line.show(position)
        line.waiting()
        line.waiting()
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "  25 % · 1,204 messages · 30 s left"
    assert len(out) == 2
    assert "waiting for it to end" in out[1]
    with ImportLine(silent=True) as line:
        line.show(position)
        line.waiting()
    assert capsys.readouterr().out == ""


def test_bytes_are_told_while_they_are_read() -> None:
    """Up to all of them, and never more."""
    workspace = Workspace.create(Path("w"))
    Path("notes").mkdir()
    for number in range(3):
        Path(f"notes/{number}.txt").write_text(f"words {number} " * 1_000)
    told: list[ImportProgress] = []
    add(workspace, [Path("notes")], progress=told.append)
    assert told[-1].share == 1.0
    assert all(position.share <= 1 for position in told)
    assert told[-1].size == sum(path.stat().st_size for path in Path("notes").iterdir())
