"""Nothing is sent anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inkling.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent.parent
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="networks of one's own")

WORD = "zebulonic"
"""Of a text, and of nothing else."""


def alone(*commands: list[str], home: Path) -> dict[str, Any]:
    """What commands do where there is no network but loopback."""
    places = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.network", *map(json.dumps, commands)],
        capture_output=True, text=True, check=True, cwd=home,
        env=os.environ | places | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    if "refused" in found:
        pytest.skip(f"a network of its own is not allowed here: {found['refused']}")
    return found | {"printed": done.stderr}


@pytest.fixture(scope="module")
def a_day(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """What all commands do to a workspace, and the folder that holds everything else that they may
    write to: home, temporary files, the present folder."""
    copy, elsewhere = tmp_path_factory.mktemp("day") / "w", tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(trained.path, copy)
    new = copy.parent / "new.md"
    new.write_text(f"Something new about {WORD}.\n\n" * 40)
    at = ["-w", str(copy)]
    found = alone(
        ["add", str(new), *at],
        ["train", "--steps", "1", "--name", "new", "--no-plots", *at],
        ["generate", "--prompt", WORD, "--max-tokens", "3", *at],
        ["eval", "--run", "tiny", "--replies", "1", *at],
        ["trace", f"something new about {WORD}", *at],
        ["export", "hf", "--yes", *at],
        ["doctor", *at],
        ["corpus", "review", *at],
        home=elsewhere,
    )
    assert WORD.encode() in (copy / "corpus.db").read_bytes()
    return found, elsewhere


@LINUX
def test_no_connection_leaves_the_machine(a_day: tuple[Any, Path]) -> None:
    """From an import to a training, a reply, a report and an export, each command works where
    there is no network, asks for no name, and sends no packet that would leave."""
    found, _ = a_day
    assert found["statuses"] == [0] * 8, found["printed"]
    assert found["asked"] == []
    assert found["no_way_out"] == 0


@LINUX
def test_no_text_lies_elsewhere(a_day: tuple[Any, Path]) -> None:
    """Than in the workspace: not in the home folder, nor among temporary files."""
    _, elsewhere = a_day
    files = [path for path in elsewhere.rglob("*") if path.is_file()]
    assert [path for path in files if WORD.encode() in path.read_bytes().lower()] == []


@LINUX
def test_what_would_leave_is_seen(tmp_path: Path) -> None:
    """Else the test above shows nothing. The address is one that nobody has."""
    workspace = str(Workspace.create(tmp_path / "w").path)
    found = alone(["add", "https://203.0.113.7/", "--yes", "-w", workspace], home=tmp_path)
    assert found["asked"]
    assert found["no_way_out"]
