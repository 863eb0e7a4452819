"""A run that was trained on forgotten text says so wherever it is used."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.cli import serve
from inkling.workspace import Workspace
from tests.conftest import Result
from tests.voices import random_run

TOLD = "was trained on text that has since been forgotten"


@pytest.fixture
def stale(tmp_path: Path) -> Workspace:
    """A workspace whose only run is stale."""
    workspace = Workspace.create(tmp_path / "mine")
    random_run(workspace).mark_stale("match", 1, 0)
    return workspace


def test_a_stale_run_is_told_once(
    stale: Workspace,
    inkling: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By `chat`, `generate` and `serve`, each time that they begin; the replies are as ever."""
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\nand you?\n"))
    chatted = inkling("chat", "--max-tokens", 2, "-w", stale.path)
    assert (chatted.status, chatted.err.count(TOLD)) == (0, 1)
    assert len(chatted.out.splitlines()) == 2
    written = inkling("generate", "--max-tokens", 2, "-w", stale.path)
    assert (written.status, written.err.count(TOLD)) == (0, 1)

    def instead(server: object, sockets: list[socket.socket]) -> None:
        sockets[0].close()

    monkeypatch.setattr("uvicorn.Server.run", instead)
    serve.serve_workspace(stale, port=0, open_page=False)
    assert capfd.readouterr().err.count(TOLD) == 1
