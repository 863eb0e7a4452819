"""`inkling trace`: from an argument or a pipe, for people and as JSON, on any run."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.cli.memory_text import lines as memory_lines
from inkling.cli.trace_text import lines
from inkling.inference.memory_trace import MemoryTrace
from inkling.memory.lookup import Neighbour
from inkling.memory.records import Record
from inkling.preparation import read_split
from inkling.tracing.trace import CopiedSpan, Trace
from inkling.workflows.why import Explanation
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]


@pytest.fixture(scope="module")
def copied(trained: Workspace) -> str:
    """Seventy characters on one line of a training section, without spaces at their edges."""
    for section in read_split(trained)[0].train:
        for line in section.text.splitlines():
            if len(line) > 200 and "»" not in line:
                return line[60:130].strip()
    raise AssertionError("the demo has long paragraphs")


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Standard input that holds these bytes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_the_headline_then_the_passage_with_its_source(
    inkling: Inkling, trained: Workspace, copied: str
) -> None:
    """Share and longest span, then the span marked inside its passage, within 80 columns."""
    result = inkling("trace", f"#~#{copied}#~#", "-w", trained.path)
    assert result.status == 0
    assert result.err == ""
    text = " ".join(result.out.split())
    share = round(100 * len(copied) / (len(copied) + 6))
    assert text.startswith(
        f"{share} % of this text stands verbatim in what the run tiny was trained on; "
        f"longest {len(copied)} characters. {len(copied)} characters “"
    )
    assert f"»{copied}«" in text
    assert ".md, 20" in text
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("argument", [[], ["-"]])
def test_a_text_may_come_through_a_pipe(
    inkling: Inkling,
    trained: Workspace,
    copied: str,
    monkeypatch: pytest.MonkeyPatch,
    argument: list[str],
) -> None:
    """Without an argument, or with -, standard input is read; its last line break is no text."""
    pipe(monkeypatch, f"{copied}\r\n".encode())
    result = inkling("trace", *argument, "--json", "-w", trained.path)
    traced = json.loads(result.out)
    assert (traced["share"], traced["longest"], traced["run"]) == (1, len(copied), "tiny")
    (span,) = traced["spans"]
    assert (span["text"], span["start"], span["count"]) == (copied, 0, 1)
    assert span["passages"][0]["in_corpus"]


def test_nothing_copied_is_said_so(inkling: Inkling, trained: Workspace, copied: str) -> None:
    """A sentence instead of an empty list; a text that is too short is told what to ask."""
    novel = inkling("trace", "Zyx 123 wvut qq ## 456 rstu", "-w", trained.path)
    assert novel.status == 0
    assert novel.out.startswith("Nothing of this text, in stretches of 20 characters or more")
    short = inkling("trace", copied[:12], "-w", trained.path)
    assert "only 12 characters" in " ".join(short.out.split())
    found = inkling("trace", copied[:12], "--min-characters", 12, "-w", trained.path)
    assert found.out.startswith("100 % of this text")


@pytest.mark.parametrize(
    ("arguments", "content", "status", "words"),
    [
        ([], b"", 2, "no text to trace"),
        ([" "], b"", 2, "no text to trace"),
        ([], bytes(range(256)) * 4, 2, "not text"),
        (["x", "--min-characters", "0"], b"", 2, "--min-characters"),
        (["x", "--run", "nobody"], b"", 1, "no run called"),
    ],
)
def test_bad_input_gets_one_sentence(
    inkling: Inkling,
    trained: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    content: bytes,
    status: int,
    words: str,
) -> None:
    """Nothing to trace, junk, impossible numbers and unknown runs are explained."""
    pipe(monkeypatch, content)
    result = inkling("trace", *arguments, "-w", trained.path)
    assert result.status == status
    assert words in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_a_workspace_without_runs(inkling: Inkling) -> None:
    """There is nothing to trace to yet."""
    assert inkling("init", "w").status == 0
    result = inkling("trace", "some text", "-w", "w")
    assert result.status == 1
    assert "no trained model" in result.err


def test_a_rung_and_a_run_without_its_corpus(
    inkling: Inkling, trained: Workspace, copied: str, tmp_path: Path
) -> None:
    """A never-tuned rung of the ladder is traced like any run; a removed document is named so."""
    folder = tmp_path / "copy"
    shutil.copytree(trained.path, folder)
    steps = ("--steps", 1, "--no-finetune", "--no-plots")
    made = inkling("train", "--recipe", "bigram", *steps, "--name", "table", "-w", folder)
    assert made.status == 0
    (folder / "corpus.db").unlink()
    result = inkling("trace", copied, "--run", "table", "-w", folder)
    assert "what the run table was trained on" in " ".join(result.out.split())
    assert "writing that is no longer in the corpus" in result.out
    shutil.rmtree(folder / "runs" / "table" / "data")
    shutil.rmtree(folder / "runs" / "table" / "spans")
    gone = inkling("trace", copied, "--run", "table", "-w", folder)
    assert gone.status == 1
    assert "no longer in" in gone.err
    assert len(gone.err.strip().splitlines()) == 1


def test_a_share_below_a_percent_is_told_within_a_sentence_and_at_its_beginning() -> None:
    """Small within, as `/why` has it; a capital where the headline begins."""
    span = CopiedSpan("x" * 40, 0, 40, 1, ())
    traced = Trace("tiny", "x", 40, 10_000, 40, 40, (span,))
    assert next(lines(traced)).startswith("Less than 1 % of this text stands")
    said = Record("who?", "me")
    memory = MemoryTrace(0.4, (Neighbour(0, said, 1.0, 1.0),), (0.004,), ())
    explained = Explanation(traced, memory, None, {})
    assert "gave less than 1 % of the reply" in " ".join(memory_lines(explained, numbered=False))
