"""The checkpoints of a run: which folders count, and what stands in their way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inkling.errors import CheckpointError
from inkling.run_files import BEST_FILE, MODEL_FILE, OPTIMIZER_FILE
from inkling.runs import Run
from inkling.workspace import Workspace
from tests.voices import random_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with one checkpoint, of step 1."""
    return random_run(Workspace.create(tmp_path / "w"))


@pytest.mark.parametrize(
    "name", ["step-000001 copy", "step-000001.old", "step-000001 (conflict)", "step-", "step-1"]
)
def test_a_copied_folder_is_no_checkpoint(run: Run, name: str) -> None:
    """What a file manager or a backup leaves beside a checkpoint changes nothing."""
    original = run.checkpoints.path(1)
    shutil.copytree(original, original.with_name(name))
    (original.parent / ".DS_Store").touch()
    assert run.checkpoints.steps() == run.checkpoints.steps(resumable=True) == [1]
    assert run.checkpoints.best_step() == run.checkpoints.last_step() == 1
    assert run.checkpoints.load(1).step == 1


def test_a_best_without_its_checkpoint_does_not_count(run: Run) -> None:
    """best.json may name a step whose folder was deleted, or hold what nobody here wrote."""
    run.checkpoints.write_best({"train": {"step": 7, "val_nats_per_char": 1.0}})
    assert run.checkpoints.best() == {}
    for text in ("", "[]", '{"train": 3}', '{"train": {"loss": 1}}'):
        (run.path / BEST_FILE).write_text(text)
        assert run.checkpoints.best() == {}
        assert run.checkpoints.best_step() is None


def test_a_snapshot_of_weights_loads_but_is_not_the_last(run: Run) -> None:
    """Without its optimizer a checkpoint still generates text; training does not continue there."""
    (run.checkpoints.path(1) / OPTIMIZER_FILE).unlink()
    assert run.checkpoints.last_step() is None
    assert run.checkpoints.load(1).optimizer is None


def test_damage_is_told_with_the_way_out(run: Run) -> None:
    """A changed byte is noticed before the weights are used."""
    model = run.checkpoints.path(1) / MODEL_FILE
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors does not match its checksum"):
        run.checkpoints.load(1)
