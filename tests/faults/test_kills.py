"""kill -9 at any moment of a training: nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inkling.run_files import CONFIG_FILE, METRICS_FILE, SAMPLES_FILE
from inkling.runs import Run
from inkling.unfinished import leftovers
from tests.trainings import (
    STEPS,
    TINY,
    final_weights,
    run_here,
    run_inkling,
    same,
    small_workspace,
)

ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = 50


def evaluations(run: Path) -> list[dict[str, Any]]:
    """What was measured, without the minutes at which."""
    return [
        {name: value for name, value in record.items() if name != "elapsed_min"}
        for record in Run(run).records(METRICS_FILE)
        if "val_loss" in record
    ]


@pytest.mark.slow
def test_fifty_kills_lose_nothing() -> None:
    """Anywhere in train and finetune: the run resumes, and ends with the very bits, metrics and
    samples of one that was never killed."""
    workspace = small_workspace()
    options = ("train", *STEPS, *TINY)
    assert run_here(*options, "--name", "whole", "-w", workspace.path) == 0
    killed = subprocess.run(
        [sys.executable, "-m", "tests.faults.killer", str(workspace.path), str(KILLS),
         *options, "--name", "killed"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert killed.returncode == 0, killed.stderr
    run = workspace.run_path("killed")
    begun = (run / CONFIG_FILE).exists()
    way_on = (
        ("--resume", "--run", "killed", "--no-plots")
        if begun
        else (*options[1:], "--name", "killed")
    )
    finished = run_inkling("train", *way_on, "-w", workspace.path)
    assert finished.status == 0, finished.err
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "killed"))
    samples = (workspace.run_path("whole") / SAMPLES_FILE).read_text()
    assert (run / SAMPLES_FILE).read_text() == samples
    assert evaluations(run) == evaluations(workspace.run_path("whole"))
    left = [str(p.relative_to(workspace.path)) for p in leftovers(workspace)]
    assert left == []
