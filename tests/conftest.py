"""Shared fixtures: a clean folder for each test, and one tiny trained workspace a session."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from inkling.cli.main import main
from inkling.workspace import Workspace
from tests.sharing import made_once

# A shell lets what it starts in the background ignore SIGINT, and `nohup` does so with SIGHUP;
# children would inherit that, and the tests press Ctrl-C on them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A suite gives the same result twice on the same code, on a slow machine too. Other inputs than
# those of every run: INKLING_HYPOTHESIS=exploring.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("exploring", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile(os.environ.get("INKLING_HYPOTHESIS", "repeatable"))

DEMO = Path(__file__).resolve().parent.parent / "demo"


def pytest_configure(config: pytest.Config) -> None:
    """Give each test process a core of its own, which the commands that it starts inherit: two
    processes with two threads each on two cores mostly wait for one another."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


@pytest.fixture(autouse=True)
def denormals() -> None:
    """What computed before may have told the processor to flush denormals, which Hypothesis draws.
    Whatever trains or decodes tells it so again."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(autouse=True)
def clean_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test runs in a folder of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@dataclass
class Result:
    """What a command printed and returned."""

    status: int
    out: str
    err: str


@pytest.fixture
def inkling(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line in this process."""

    def run(*arguments: object) -> Result:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Result(status, captured.out, captured.err)

    return run


@contextlib.contextmanager
def made_read_only(folder: Path) -> Iterator[None]:
    """Not writable meanwhile: by a read-only mount for root, whom modes do not stop."""
    if os.geteuid() == 0:
        mount = ["mount", "--bind", str(folder), str(folder)]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture(scope="session")
def posts() -> list[Path]:
    """The demo author's posts, oldest first."""
    return sorted((DEMO / "posts").glob("*.md"))


def _train(folder: Path) -> None:
    source = folder / "writing"
    source.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:12]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:60]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", "wilma"]) == 0
    assert main(["add", "writing", "-w", "wilma"]) == 0
    assert main(["train", "--steps", "30", "-w", "wilma", "--name", "tiny"]) == 0


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with some of the demo corpus and one run of a few steps, both phases."""
    made = made_once(tmp_path_factory, "trained", _train)
    copy = tmp_path_factory.mktemp("trained") / "wilma"
    shutil.copytree(made / "wilma", copy)
    return Workspace(copy)


@pytest.fixture
def lab(trained: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the trained workspace, whose trainings are ended with the test."""
    copy = Workspace(tmp_path / "lab")
    shutil.copytree(trained.path, copy.path)
    yield copy
    if (pid := copy.training_process()) is not None:
        os.kill(pid, signal.SIGKILL)
