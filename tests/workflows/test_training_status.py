"""What a training process tells its parent: JSON, and where none could be written, its status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.runs import Run
from inkling.server.runs_schemas import TrainingRequest
from inkling.server.training_process import KILLED, BusyError, TrainingProcess
from inkling.workflows.status import TrainingStatus, announce, read_status, training_status
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

Inkling = Callable[..., Result]
ENDLESS = {"recipe": "bigram", "steps": 1_000_000}


@pytest.fixture
def small(inkling: Inkling) -> Workspace:
    """A workspace with a few posts, nothing trained."""
    assert inkling("init", "w").status == 0
    posts = sorted((DEMO / "posts").glob("*.md"))[:3]
    assert inkling("add", *posts, "-w", "w").status == 0
    return Workspace(Path("w").resolve())


def ended(trainings: TrainingProcess) -> int:
    status = trainings.wait(120)
    assert status is not None
    return status


def until_it_trains(trainings: TrainingProcess) -> None:
    """Wait for the first step that is told, by waiting for the process for a moment at a time."""
    while (now := trainings.status()).state != "training" or now.progress is None:
        assert trainings.wait(0.1) is None, trainings.status()


def test_the_states_of_a_training(small: Workspace) -> None:
    """Announced without a number, then prepared, trained and ended by the holder of the lock; the
    name of the run is never lost in between."""
    assert read_status(small) is None
    announce(small, "r")
    assert read_status(small) == TrainingStatus(state="started", run="r", announced=True)
    with training_status(small) as writer:
        told = [read_status(small)]
        writer.training("r")
        told.append(read_status(small))
        writer.end("done")
    told.append(read_status(small))
    states = [(t.state, t.pid, t.run, t.announced) for t in told if t is not None]
    assert states == [
        ("preparing", os.getpid(), "r", True),
        ("training", os.getpid(), "r", True),
        ("done", os.getpid(), "r", True),
    ]


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (KeyboardInterrupt(), "stopped", None),
        (BrokenPipeError(), "stopped", None),
        (OSError(28, "No space left on device"), "failed", "no space left on device"),
        (MemoryError(), "failed", "not enough memory"),
    ],
)
def test_how_a_training_ended_is_written(
    small: Workspace, error: BaseException, state: str, words: str | None
) -> None:
    """A stop is no failure; a failure has the sentence that the command prints."""

    def train() -> None:
        with training_status(small) as writer:
            writer.training("r")
            raise error

    with pytest.raises(type(error)):
        train()
    status = read_status(small)
    assert status is not None
    assert (status.state, status.run) == (state, "r")
    assert (status.sentence is None) == (words is None)
    assert words is None or words in str(status.sentence)


def test_an_unreadable_status_is_none(small: Workspace) -> None:
    """Half a file, another program's file."""
    for content in (b"", b'{"state": "tra', b'{"state": "sleeping"}', b"\xff\xfe"):
        small.training_status_path.write_bytes(content)
        assert read_status(small) is None
        assert TrainingProcess(small).status().state == "idle"


def test_a_failure_is_told_to_this_server_and_the_next(small: Workspace) -> None:
    """Too little text: the sentence of the command line, until another training ends well."""
    small.corpus_path.unlink()
    trainings = TrainingProcess(small)
    trainings.start(TrainingRequest(steps=3))
    assert ended(trainings) == 1
    for server in (trainings, TrainingProcess(small)):
        assert "2,000" in str(server.status().error)


def test_a_killed_training_is_told_by_its_exit_status(small: Workspace) -> None:
    """It could write nothing; the parent knows the signal, a later server that it was killed."""
    trainings = TrainingProcess(small)
    trainings.start(TrainingRequest.model_validate(ENDLESS))
    until_it_trains(trainings)
    pid = trainings.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert ended(trainings) == -signal.SIGKILL
    assert "SIGKILL" in str(trainings.status().error)
    assert TrainingProcess(small).status().error == KILLED


def test_a_training_that_can_write_nothing_is_told_by_its_exit_status(
    small: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python that cannot begin: neither a status nor a lock, only an exit status and a log."""
    broken = Path("broken.sh").resolve()
    broken.write_text("#!/bin/sh\necho no more memory >&2\nexit 3\n")
    broken.chmod(0o755)
    trainings = TrainingProcess(small)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(broken))
        trainings.start(TrainingRequest(steps=3))
    assert ended(trainings) == 3
    error = str(trainings.status().error)
    assert "exit status 3" in error
    assert str(small.training_log_path) in error
    assert small.training_log_path.read_text() == "no more memory\n"
    assert TrainingProcess(small).status().error == KILLED


def test_a_stop_while_the_text_is_read_leaves_nothing(small: Workspace) -> None:
    """Stopped before its first step, also where the server itself ignores SIGINT."""
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from pathlib import Path\n"
        "from inkling.server.runs_schemas import TrainingRequest\n"
        "from inkling.server.training_process import TrainingProcess\n"
        "from inkling.workflows.status import read_status\n"
        "from inkling.workspace import Workspace\n"
        "workspace = Workspace(Path(sys.argv[1]))\n"
        "trainings = TrainingProcess(workspace)\n"
        "trainings.start(TrainingRequest(steps=1_000_000))\n"
        "while (told := read_status(workspace)) is None or told.state == 'started':\n"
        "    assert trainings.wait(0.01) is None\n"
        "trainings.stop()\n"
        "trainings.stop()\n"
        "trainings.wait()\n"
        "print(trainings.status().error, read_status(workspace).state)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small.path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == "None stopped\n"
    for run in Run.readable(small):  # where it came after the preparation: it is whole
        assert run.checkpoints.last_step() is not None


def test_a_second_training_is_refused_and_the_first_one_goes_on(small: Workspace) -> None:
    """Nor does the refused one change what the first one told."""
    with training_status(small) as writer:
        writer.training("first")
        with pytest.raises(BusyError, match=f"process {os.getpid()}"):
            TrainingProcess(small).start(TrainingRequest(steps=3))
        status = read_status(small)
        assert status is not None
        assert (status.state, status.run) == ("training", "first")
        writer.end("done")


def test_what_a_request_leaves_out_is_as_inkling_toml_says(small: Workspace) -> None:
    """[train] reaches a training that the page begins; what the page asks for wins."""
    small.config_path.write_text(
        small.config_path.read_text() + '[train]\nsteps = 3\nseed = 9\nrecipe = "bigram"\n'
    )
    trainings = TrainingProcess(small)
    assert trainings.start(TrainingRequest()) == "bigram-1"
    assert ended(trainings) == 0
    config = Run.open(small, "bigram-1").config()
    assert (config.recipe, config.seed, config.train.schedule.steps) == ("bigram", 9, 3)
    assert trainings.start(TrainingRequest(recipe="head", steps=2)) == "head-1"
    assert ended(trainings) == 0
    config = Run.open(small, "head-1").config()
    assert (config.recipe, config.seed, config.train.schedule.steps) == ("head", 9, 2)


def test_start_without_serving_trains_as_inkling_toml_says(inkling: Inkling) -> None:
    """[train] reaches `start --no-serve`, and a wrong one is noticed before anything is read."""
    Path("notes").mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:3]:
        (Path("notes") / post.name).write_bytes(post.read_bytes())
    workspace = Workspace.create(Path("mine"))
    original = workspace.config_path.read_text()
    workspace.config_path.write_text(original + "[train]\nminuts = 3\n")
    wrong = inkling("start", "notes", "--yes", "--no-serve", "-w", "mine")
    assert wrong.status == 1
    assert "did you mean minutes?" in wrong.err
    assert not workspace.corpus_path.exists()
    workspace.config_path.write_text(original + '[train]\nsteps = 3\nrecipe = "bigram"\n')
    done = inkling("start", "notes", "--yes", "--no-serve", "-w", "mine")
    assert done.status == 0, done.err
    config = Run.open(workspace, "bigram-1").config()
    assert (config.recipe, config.train.schedule.steps) == ("bigram", 3)
