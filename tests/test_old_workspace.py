"""A workspace that Inkling 0.1.0 left on disk still opens, answers and continues as it did then."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inkling.chats import ChatStore
from inkling.corpus.store import CorpusStore
from inkling.runs import Run
from inkling.workspace import Workspace
from tests.conftest import Result, made_read_only

Inkling = Callable[..., Result]

GOLDEN = Path(__file__).resolve().parent / "golden"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "workspace-0.1.json").read_text("utf-8"))
RUNS = [run["name"] for run in EXPECTED["runs"]]
ANSWERED = list(EXPECTED["replies"])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The old workspace, unpacked."""
    with tarfile.open(GOLDEN / "workspace-0.1.tar.xz") as archive:
        archive.extractall(tmp_path / "diary", filter="data")
    return Workspace(tmp_path / "diary")


def test_the_runs_are_listed_as_they_were(inkling: Inkling, workspace: Workspace) -> None:
    """Every field that the old version listed has its old value."""
    told = inkling("runs", "--json", "-w", workspace.path)
    assert told.status == 0, told.err
    listed = json.loads(told.out)
    assert [{key: run[key] for key in old} for run, old in zip(
        listed, EXPECTED["runs"], strict=True)] == EXPECTED["runs"]  # fmt: skip


def test_the_corpus_is_counted_as_it_was(inkling: Inkling, workspace: Workspace) -> None:
    """Sources, characters, and what was left out because it had been forgotten."""
    told = inkling("corpus", "--json", "-w", workspace.path)
    assert told.status == 0, told.err
    listed = json.loads(told.out)
    assert [{key: source[key] for key in old} for source, old in zip(
        listed, EXPECTED["corpus"], strict=True)] == EXPECTED["corpus"]  # fmt: skip


@pytest.mark.parametrize("run", ANSWERED)
def test_a_run_replies_as_it_did(
    inkling: Inkling, workspace: Workspace, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The likeliest tokens, a reply behind the other, are the old version's."""
    typed = "".join(f"{message}\n" for message in EXPECTED["messages"])
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    told = inkling(
        "chat", "--private", "--run", run, "--temperature", "0", "--best-of", "1", "--memory", "0",
        "-w", workspace.path,
    )  # fmt: skip
    assert told.status == 0, told.err
    assert told.out.splitlines() == EXPECTED["replies"][run]


@pytest.mark.parametrize("run", ANSWERED)
def test_a_run_writes_as_it_did(inkling: Inkling, workspace: Workspace, run: str) -> None:
    """The likeliest continuation of a prompt is the old version's."""
    told = inkling(
        "generate", "--run", run, "--prompt", EXPECTED["prompt"], "--temperature", "0",
        "--max-tokens", "40", "-w", workspace.path,
    )  # fmt: skip
    assert told.status == 0, told.err
    assert told.out == EXPECTED["texts"][run]


def test_a_killed_training_continues_as_it_would_have(
    inkling: Inkling, workspace: Workspace
) -> None:
    """Resumed from the old checkpoint, both phases measure what the old version measured."""
    told = inkling("train", "--resume", "--run", "stopped", "--no-plots", "-w", workspace.path)
    assert told.status == 0, told.err
    measured = list(Run.open(workspace, "stopped").records("metrics.jsonl"))
    assert len(measured) == len(EXPECTED["resumed"])
    for now, then in zip(measured, EXPECTED["resumed"], strict=True):
        assert now["phase"] == then["phase"]
        for key in then.keys() - {"phase"}:
            assert now[key] == (None if then[key] is None else pytest.approx(then[key], rel=2e-4))


def test_a_trace_finds_the_old_training_text(inkling: Inkling, workspace: Workspace) -> None:
    """Spans, places and sources are the old version's."""
    asked = EXPECTED["trace"]["text"]
    told = inkling("trace", asked, "--run", "voice", "--json", "-w", workspace.path)
    assert told.status == 0, told.err
    assert json.loads(told.out) == EXPECTED["trace"]


def test_the_chats_are_kept_with_their_correction(workspace: Workspace) -> None:
    """A chat, its messages and the training pair of its correction; it can be taken back."""
    with ChatStore(workspace.chats_path) as chats, CorpusStore(workspace.corpus_path) as corpus:
        (chat,) = chats.list()
        assert (chat.title, chat.run, chat.corrections) == (EXPECTED["messages"][0], "voice", 1)
        texts = [message.text for message in chats.open(chat.id)]
        assert texts[:3] == [EXPECTED["messages"][0], "Only sideways.", EXPECTED["messages"][1]]
        assert [hit.position for hit in chats.search("sideways")] == [1]
        (pair,) = [pair for pair in corpus.conversations() if pair.source == "edits"]
        assert [message.text for message in pair.messages] == texts[:2]
        chats.delete(chat.id, corpus)
        assert not [pair for pair in corpus.conversations() if pair.source == "edits"]


def test_what_was_forgotten_stays_out(inkling: Inkling, workspace: Workspace) -> None:
    """The exclusion made by the old version holds for an import made today."""
    text = Path("dms.txt")
    forgotten = "friday is chips from dolores's on the harbour wall, me, the gulls, a wooden fork"
    text.write_text(f"them: and on fridays\nme: {forgotten}\n", encoding="utf-8")
    told = inkling("add", text, "-w", workspace.path)
    assert "removed earlier" in told.out + told.err
    with CorpusStore(workspace.corpus_path) as corpus:
        assert not any("the gulls" in m.text for c in corpus.conversations() for m in c.messages)


@pytest.mark.parametrize("run", RUNS)
def test_the_settings_of_a_run_are_read(workspace: Workspace, run: str) -> None:
    """Model and phases, of every recipe that was trained."""
    config = Run.open(workspace, run).config()
    assert config.name == run
    assert config.model.n_embd == 8
    assert config.train.schedule.steps == (4 if run == "letters" else 60)


def test_reading_changes_no_file(inkling: Inkling, workspace: Workspace) -> None:
    """Where nothing can be written, runs and corpus are still shown, from the same bytes."""

    def contents() -> dict[str, str]:
        files = (path for path in workspace.path.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = contents()
    with made_read_only(workspace.path):
        assert inkling("runs", "-w", workspace.path).status == 0
        numbers = inkling("corpus", "stats", "--json", "-w", workspace.path)
        assert json.loads(numbers.out)["dialogs"] == 75
        with CorpusStore(workspace.corpus_path, read_only=True) as corpus:
            assert sum(summary.conversations for summary in corpus.sources()) == 75
        with ChatStore(workspace.chats_path, read_only=True) as chats:
            assert len(chats.list()) == 1
    assert contents() == before
