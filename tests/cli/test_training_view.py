"""What is printed of a training: that it prepares, what changes nothing, which step is kept."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from inkling.cli.training_view import TrainingView, finish
from inkling.config import Phase
from inkling.run_files import METRICS_FILE
from inkling.runs import Run
from inkling.workflows.result import TrainingResult
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]


@pytest.fixture
def copy(trained: Workspace, tmp_path: Path) -> Workspace:
    """A workspace whose runs may be changed."""
    shutil.copytree(trained.path, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


def test_that_it_prepares_is_there_at_once_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the pipe's buffer is full, or the training at its end."""
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="utf-8"))
    with TrainingView() as view:
        view.on_preparing("modern-1")
        assert "preparing the text for run modern-1" in pipe.getvalue().decode()


def test_a_training_says_first_that_it_prepares_and_what_is_in_vain(
    inkling: Inkling, copy: Workspace
) -> None:
    """Before the plan; a division of the weights that one process cannot make is told once."""
    done = inkling(
        "train", "--recipe", "bigram", "--steps", 2, "--name", "b", "--no-plots",
        "--set", "train.divide_weights=true", "-w", copy.path,
    )  # fmt: skip
    assert done.status == 0, done.err
    assert done.out.startswith("Reading and preparing the text for run b")
    assert done.out.count("divide_weights changes nothing here") == 1
    plain = ("train", "--recipe", "bigram", "--steps", 2, "--no-plots", "-w", copy.path)
    assert "divide_weights" not in inkling(*plain).out


@pytest.mark.parametrize(
    ("phase", "losses", "kept", "said"),
    [
        ("train", [2.0, 1.5, 1.6], 2, "Kept: step 2, the best on held-out text"),
        ("train", [2.0, 1.5, 1.4], 3, None),
        ("finetune", [2.0, 1.5, 1.6], 3, "Kept: the last step, 3, which knows most of the text"),
        ("finetune", [2.0, 1.5, 1.6], 2, "Kept: step 2"),
    ],
)
def test_which_step_is_kept_is_said_where_it_is_not_plain(
    copy: Workspace,
    capsys: pytest.CaptureFixture[str],
    phase: Phase,
    losses: Sequence[float],
    kept: int,
    said: str | None,
) -> None:
    """Nothing is said where the last is the best and is kept."""
    run = Run.choose(copy, None)
    rows = [
        {"phase": phase, "step": step, "val_nats_per_char": loss, "val_loss": 2 * loss}
        for step, loss in enumerate(losses, start=1)
    ]
    (run.path / METRICS_FILE).write_text("".join(json.dumps(row) + "\n" for row in rows))
    there = run.checkpoints.path(run.checkpoints.last_step() or 0)
    shutil.copytree(there, run.checkpoints.path(kept), dirs_exist_ok=True)
    run.checkpoints.write_best({phase: {"step": kept, "val_nats_per_char": losses[kept - 1]}})
    finish(TrainingResult(run, len(losses)))
    out = capsys.readouterr().out
    assert out.count("Kept:") == (said is not None)
    assert (said or "") in out
