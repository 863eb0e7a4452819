"""Training under faults: whatever happens, a run resumes to the bit or says in one sentence
why it cannot."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inkling.config import Recipe
from inkling.runs import Run
from inkling.training.recipes import RECIPES, is_rung
from inkling.workspace import Workspace
from tests.conftest import made_read_only
from tests.trainings import (
    SMALL,
    STEPS,
    command,
    final_weights,
    one_sentence,
    run_here,
    run_inkling,
    same,
    small_workspace,
)


@pytest.fixture
def workspace() -> Workspace:
    """Two posts and some messages."""
    return small_workspace()


QUICK = ("bigram", "classic-fast", "modern")
"""One of each kind of model; the others are marked slow."""


@pytest.mark.parametrize(
    "recipe",
    [recipe if recipe in QUICK else pytest.param(recipe, marks=pytest.mark.slow)
     for recipe in RECIPES],
)  # fmt: skip
def test_every_recipe_resumes_to_the_bit(workspace: Workspace, recipe: Recipe) -> None:
    """Stopped by a signal in the middle of a phase, resumed: the same weights and optimizer
    state as never stopped."""
    # Sizes that make ten steps of the largest take seconds, the batch at least one row.
    options = ("train", "--recipe", recipe, "-w", workspace.path, *STEPS)
    rung = is_rung(recipe)
    small = SMALL[:4] if rung else SMALL
    if recipe == "bigram":
        small = SMALL[2:4]
    assert run_here(*options, *small, "--name", "whole") == 0
    process = subprocess.Popen(
        command(*options, *small, "--name", "stopped"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    stop_in = "Learning to write" if rung else "Learning to answer"
    for line in process.stdout:
        if line.startswith(stop_in):
            process.send_signal(signal.SIGTERM)
            break
    process.stdout.read()
    process.stdout.close()
    assert process.wait(120) in (143, 0)
    resume = ("train", "--resume", "--run", "stopped", "--no-plots", "-w", workspace.path)
    assert run_here(*resume) == 0
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "stopped"))


def test_fine_tuning_alone_equals_fine_tuning_at_once(workspace: Workspace) -> None:
    """A classic run in one go, and its base trained alone and fine-tuned afterwards: the second
    phase takes over the optimizer's state either way, and ends at the same bits."""
    base = ("train", "--recipe", "classic-fast", "--steps", 6, "--no-plots", *SMALL[:4],
            "-w", workspace.path)  # fmt: skip
    tuned = ("--set", "finetune.total_batch_size=256")
    assert run_here(*base, *tuned, "--name", "whole") == 0
    assert run_here(*base, "--no-finetune", "--name", "base") == 0
    assert run_here("finetune", "base", "--steps", 2, "--no-plots", "-w", workspace.path) == 0
    config = Run(workspace.run_path("base-tuned-1")).config()
    assert config.finetune is not None
    assert config.finetune.optimizer.learning_rate == pytest.approx(8e-5)
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "base-tuned-1"))


def test_a_file_size_limit_is_explained(workspace: Workspace) -> None:
    """RLIMIT_FSIZE stands for a full disk where nothing can be mounted."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    result = run_inkling("train", *STEPS, "--name", "r", "-w", workspace.path, preexec_fn=limit)
    one_sentence(result)
    assert "Nothing saved before was lost" in result.err


def test_short_memory_backs_off_or_explains(workspace: Workspace) -> None:
    """1 GB of address space: the training gets through in smaller pieces, or says why not."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    result = run_inkling("train", *STEPS, "--name", "r", "-w", workspace.path, preexec_fn=limit)
    if result.status:
        one_sentence(result)
        assert "memory" in result.err
    else:
        assert Run(workspace.run_path("r")).config().complete


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGTERM, 143)])
def test_a_closed_window_saves(workspace: Workspace, number: int, status: int) -> None:
    """SIGHUP and SIGTERM save and say how to go on."""
    process = subprocess.Popen(
        command("train", "--steps", 100_000, *SMALL, "--no-plots", "--name", "r",
                "-w", workspace.path),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if " step " in line:
            break
    process.send_signal(number)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == status
    assert "inkling train --resume --run r" in rest
    assert Run(workspace.run_path("r")).checkpoints.last_step() is not None


def test_a_second_ctrl_c_ends_at_once_and_loses_no_checkpoint(workspace: Workspace) -> None:
    """130, quickly, and the run still resumes."""
    process = subprocess.Popen(
        command("train", "--steps", 100_000, *SMALL, "--save-every", 3, "--no-plots",
                "--name", "r", "-w", workspace.path),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    run = Run(workspace.run_path("r"))
    while run.checkpoints.last_step() is None:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 130
    assert "Traceback" not in rest
    step = run.checkpoints.last_step()
    assert step is not None
    run.checkpoints.load(step)


def test_a_checkpoint_of_another_recipe_is_refused(workspace: Workspace) -> None:
    """Put in by hand where it does not belong: a sentence, for writing and for resuming."""
    for recipe in ("modern", "head"):
        arguments = ("train", "--recipe", recipe, "--steps", 4, *SMALL[:4], "--no-plots")
        assert run_here(*arguments, "--name", recipe, "-w", workspace.path) == 0
    ours, theirs = (Run(workspace.run_path(name)) for name in ("modern", "head"))
    step = ours.checkpoints.last_step()
    shutil.rmtree(ours.path / "checkpoints")
    shutil.copytree(theirs.path / "checkpoints", ours.path / "checkpoints")
    last = theirs.checkpoints.last_step()
    assert step is not None
    assert last is not None
    ours.checkpoints.write_best({"train": {"step": last, "val_nats_per_char": 1.0}})
    ours.write_config(ours.config().model_copy(update={"complete": False}))
    one_sentence(run_inkling("generate", "--run", "modern", "-w", workspace.path))
    one_sentence(run_inkling("train", "--resume", "--run", "modern", "-w", workspace.path))


def test_a_corpus_edited_meanwhile_changes_no_run(workspace: Workspace) -> None:
    """A run learns from what was packed when it began, also after a resume."""
    options = ("train", *STEPS, *SMALL)
    assert run_here(*options, "--name", "whole", "-w", workspace.path) == 0
    process = subprocess.Popen(
        command(*options, "--name", "r", "-w", workspace.path), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if " step " in line:
            break
    Path("more.txt").write_text("Something new that nobody had written before. " * 40)
    assert run_here("add", Path("more.txt").resolve(), "-w", workspace.path) == 0
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    process.stdout.close()
    process.wait(60)
    resume = ("train", "--resume", "--run", "r", "--no-plots", "-w", workspace.path)
    assert run_here(*resume) == 0
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "r"))


@pytest.fixture
def read_only(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace, not writable."""
    with made_read_only(workspace.path):
        yield workspace


def test_a_read_only_workspace_is_explained(read_only: Workspace) -> None:
    """Nothing can be written: one sentence naming the path; what is there can be read."""
    result = run_inkling("train", "--steps", 2, "-w", read_only.path)
    one_sentence(result)
    assert str(read_only.path) in result.err
    assert "read-only" in result.err or "permission denied" in result.err
