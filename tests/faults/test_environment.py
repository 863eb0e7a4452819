"""Odd environments, and processes that are killed before they have begun."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.run_files import CONFIG_FILE
from inkling.server.runs_schemas import TrainingRequest
from inkling.server.training_process import TrainingProcess
from inkling.workspace import Workspace
from tests.conftest import Result


def inkling_in(
    workspace: Path, *arguments: str, shell: str = "", before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own; `shell` are redirections, `before` limits."""
    command = [sys.executable, "-m", "inkling", *arguments]
    return subprocess.run(
        ["sh", "-c", f'{before or ":"}; exec "$@" {shell}', "sh", *command],
        cwd=workspace, capture_output=True, text=True, encoding="utf-8", check=False,
        env=os.environ | environment, timeout=300,
    )  # fmt: skip


CHAT, GENERATE = ("chat",), ("generate", "--prompt", "a", "--max-tokens", "2")


@pytest.mark.parametrize(
    ("shell", "commands"),
    [
        ("<&-", [CHAT]), (">&-", [GENERATE]), ("2>&-", [("corpus",)]),
        ("<&- >&- 2>&-", [CHAT, GENERATE, ("corpus",)]),
    ],
)  # fmt: skip
def test_closed_streams_are_no_failure(
    nonsense: Workspace, shell: str, commands: list[tuple[str, ...]]
) -> None:
    """A command that reads nothing needs no standard input, and one of a job no terminal."""
    for command in commands:
        done = inkling_in(nonsense.path, *command, shell=shell)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stderr == ""


def test_an_ascii_locale_reads_and_writes_text(tmp_path: Path) -> None:
    """`é` on the command line, in a file's name and in what is printed."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    text = (
        "---\ntitle: Près de la mer\n---\n" + "Un été à la mer, et des pianos désaccordés.\n" * 60
    )
    (tmp_path / "été.md").write_text(text)
    made = inkling_in(tmp_path, "init", "café", **plain)
    assert made.returncode == 0
    assert f"Workspace ready: {tmp_path / 'café'}" in made.stdout
    assert (tmp_path / "café" / "inkling.toml").read_text(encoding="utf-8").count('"café"') == 1
    added = inkling_in(tmp_path, "add", "été.md", "-w", "café", **plain)
    assert (added.returncode, added.stderr) == (0, "")
    shown = inkling_in(tmp_path, "corpus", "show", "-w", "café", **plain)
    assert "été.md" in shown.stdout
    assert "Près de la mer" in shown.stdout


@pytest.mark.parametrize("megabytes", [300, 600])
def test_too_little_memory_is_one_sentence(nonsense: Workspace, megabytes: int) -> None:
    """Where a library cannot even be loaded, whatever exception it makes of that."""
    done = inkling_in(
        nonsense.path, "generate", "--prompt", "a", "--max-tokens", "2",
        before=f"ulimit -v {megabytes * 1024}", OPENBLAS_NUM_THREADS="1",
    )  # fmt: skip
    if done.returncode:
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("inkling: There is not enough memory.")
        assert "Traceback" not in done.stderr


def test_nothing_begun_is_nothing_to_resume(tmp_path: Path, inkling: Callable[..., Result]) -> None:
    """Killed in the first seconds: `--resume` says so and what to type, `train` simply begins."""
    workspace = Workspace.create(tmp_path / "mine")
    (tmp_path / "text.md").write_text(
        "\n\n".join(f"Paragraph {n} of many, about piano {n * n}." for n in range(200))
    )
    assert inkling("add", tmp_path / "text.md", "-w", workspace.path).status == 0
    resumed = inkling("train", "--resume", "-w", workspace.path)
    assert resumed.status == 1
    assert "Nothing was begun yet" in resumed.err
    assert "inkling train" in resumed.err
    # What a process leaves that is killed while it prepares its run.
    half = workspace.runs_path / "modern-1"
    half.mkdir(parents=True)
    (half / "tokenizer.json").write_text("{}")
    (half / ".data.abcdefgh").mkdir()
    workspace.training_status_path.write_text('{"state": "preparing", "pid": 1}')
    for more in ((), ("--run", "modern-1")):
        resumed = inkling("train", "--resume", *more, "-w", workspace.path)
        assert resumed.status == 1
        assert "inkling train" in resumed.err
    assert "before it was begun" in resumed.err
    begun = inkling("train", "--steps", 2, "--no-plots", "-w", workspace.path)
    assert begun.status == 0, begun.err
    assert (half / CONFIG_FILE).is_file()


def test_an_ended_training_of_which_nothing_is_written_is_told(tmp_path: Path) -> None:
    """Its exit status says it, where the file that would is empty, gone or of another training."""
    workspace = Workspace.create(tmp_path / "mine")
    for left in (b"", None, b'{"state": "failed", "sentence": "It was so.", "pid": %d}'):
        trainings = TrainingProcess(workspace)
        trainings.start(TrainingRequest(steps=1))
        assert trainings.wait(300) == 1  # there is no text
        assert trainings._process is not None
        if left is None:
            workspace.training_status_path.unlink()
        else:
            content = left % trainings._process.pid if b"%d" in left else left
            workspace.training_status_path.write_bytes(content)
        status = trainings.status()
        assert status.state == "idle"
        assert status.error is not None
        assert "It was so." in status.error if left else "exit status 1" in status.error
