"""Small trainings, for tests that stop them: on two posts and some messages, of a dozen steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from inkling.cli.main import main
from inkling.runs import Run
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

STEPS = ("--steps", "12", "--save-every", "2", "--eval-every", "4", "--no-plots")
SMALL = ("--set", "model.n_embd=96", "--set", "train.total_batch_size=256",
         "--set", "finetune.total_batch_size=512")  # fmt: skip
TINY = (*SMALL, "--set", "model.n_layer=1")
"""For what trains many times."""


def small_workspace() -> Workspace:
    """Two posts and some messages, in the present folder."""
    source = Path("writing")
    source.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:2]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:24]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", "w"]) == 0
    assert main(["add", str(source), "-w", "w"]) == 0
    return Workspace(Path("w").resolve())


def command(*arguments: object) -> list[str]:
    """`inkling` as a process of its own."""
    return [sys.executable, "-m", "inkling", *map(str, arguments)]


def run_inkling(*arguments: object, **options: object) -> Result:
    """A whole process, and what it said."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]
    return Result(done.returncode, done.stdout, done.stderr)


def run_here(*arguments: object) -> int:
    """The same in this process, which has everything imported."""
    return main([str(argument) for argument in arguments])


def one_sentence(result: Result) -> None:
    """Explained: one line, no traceback."""
    assert result.status in (1, 2), result
    assert "Traceback" not in result.err
    assert result.err.startswith("inkling: ")
    assert result.err.count("\n") == 1


def final_weights(workspace: Workspace, name: str) -> dict[str, torch.Tensor]:
    """The last checkpoint, model and optimizer."""
    run = Run(workspace.run_path(name))
    step = run.checkpoints.last_step()
    assert step is not None
    checkpoint = run.checkpoints.load(step)
    assert checkpoint.optimizer is not None
    return checkpoint.model | checkpoint.optimizer


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Equal to the bit."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
