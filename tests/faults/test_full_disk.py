"""A disk that is full, or becomes it: one sentence, and nothing that was saved is lost."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inkling.run_files import CONFIG_FILE
from inkling.server.runs_schemas import TrainingRequest
from inkling.server.training_process import BusyError, TrainingProcess
from inkling.workspace import Workspace
from tests.conftest import Result
from tests.trainings import (
    TINY,
    final_weights,
    one_sentence,
    run_here,
    same,
    small_workspace,
)

FOR_NO_CORPUS = 64
"""Kilobytes."""
SHARES = (0.15, 0.3, 0.5, 0.75, 0.95)
"""Of what all that a training writes takes."""
STEPS = ("--steps", "6", "--save-every", "2", "--eval-every", "2", "--no-plots")


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of its own; only root can mount one."""
    if shutil.which("mount") is None:
        pytest.skip("there is no mount here; RLIMIT_FSIZE is tested elsewhere")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0700", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not allowed here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, kilobytes: int) -> None:
    """Only an empty one can shrink."""
    change = ["mount", "-o", f"remount,size={kilobytes}k", str(disk)]
    subprocess.run(change, check=True, capture_output=True)


def fill(folder: Path) -> None:
    """Leave no page free."""
    with contextlib.suppress(OSError), open(folder / "full", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_disk_that_fills_up_anywhere_is_explained(
    tmp_path: Path, inkling: Callable[..., Result]
) -> None:
    """Wherever the disk fills (corpus, data, checkpoint, samples): one sentence, and with more
    room the same run goes on or begins again, to the same bits."""
    options = ("train", *STEPS, *TINY, "--name", "r")
    workspace = small_workspace()
    assert run_here(*options, "-w", workspace.path) == 0
    wanted = final_weights(workspace, "r")
    whole = sum(path.stat().st_size for path in workspace.path.rglob("*")) // 1_000
    sizes = [FOR_NO_CORPUS, *(int(share * whole) for share in SHARES)]
    ended = set()
    with small_disk(tmp_path / "disk", FOR_NO_CORPUS) as disk:
        for kilobytes in sizes:
            for path in disk.iterdir():
                shutil.rmtree(path)
            resize(disk, kilobytes)
            steps: list[tuple[object, ...]] = [
                ("init", disk / "w"),
                ("add", Path("writing").resolve(), "-w", disk / "w"),
                (*options, "-w", disk / "w"),
            ]
            for step in steps:
                result = inkling(*step)
                if result.status:
                    one_sentence(result)
                    assert "no space left" in result.err or "full" in result.err, result.err
                    ended.add(step[0])
                    break
            if result.status and step[0] == "train":
                resize(disk, 20_000)
                there = (disk / "w" / "runs" / "r" / CONFIG_FILE).exists()
                again = ("train", "--resume", "--run", "r", "--no-plots") if there else options
                assert run_here(*again, "-w", disk / "w") == 0
                assert same(wanted, final_weights(Workspace(disk / "w"), "r"))
    assert "train" in ended
    assert ended & {"init", "add"}


def test_a_training_that_a_full_disk_cannot_begin_says_why(tmp_path: Path) -> None:
    """Not even the note that it begins can be written."""
    with small_disk(tmp_path / "disk", 2_000) as disk:
        workspace = Workspace.create(disk / "mine")
        fill(disk)
        with pytest.raises(BusyError, match="no space left"):
            TrainingProcess(workspace).start(TrainingRequest(steps=1))
        assert workspace.run_names() == []


def test_a_training_on_a_full_disk_says_why(tmp_path: Path) -> None:
    """Begun from the page, it ends where it could not write a word."""
    with small_disk(tmp_path / "disk", 2_000) as disk:
        workspace = Workspace.create(disk / "mine")
        trainings = TrainingProcess(workspace)
        (workspace.path / "free").write_bytes(bytes(2 * resource.getpagesize()))
        fill(disk)
        # Room for the note that it begins and for the log's name, and for nothing else.
        (workspace.path / "free").unlink()
        trainings.start(TrainingRequest(steps=1))
        fill(disk)
        assert trainings.wait(300)
        status = trainings.status()
        assert status.state == "idle"
        assert status.error
