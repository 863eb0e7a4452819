"""Ctrl-C at any moment: "Stopped.", 130, never a traceback."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inkling.unfinished import leftovers
from inkling.workflows.status import read_status
from inkling.workspace import Workspace
from tests.conftest import DEMO


def interrupted(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`inkling` with Ctrl-C pressed as soon as Python has imported `module`."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "inkling", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.rpartition("|")[2].strip() == module:
            break
    else:
        process.kill()
        pytest.fail(f"{module} was never imported: {''.join(said[-5:])}")
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    return subprocess.CompletedProcess(process.args, process.wait(60), "", rest)


def stopped(done: subprocess.CompletedProcess[str]) -> None:
    """What every Ctrl-C comes to."""
    assert "Traceback" not in done.stderr
    assert "inkling: Stopped." in done.stderr
    assert done.returncode == 130


@pytest.mark.parametrize("module", ["inkling.cli", "typer.core", "inkling.runtime"])
def test_ctrl_c_while_the_command_line_is_imported(module: str) -> None:
    """Before there is anything that could catch it."""
    stopped(interrupted(module, "--help"))


@pytest.mark.parametrize(
    "module",
    ["inkling.cli.main", "pydantic", "inkling.cli.options", "numpy", "inkling.preparation",
     "torch.functional"],
)  # fmt: skip
def test_ctrl_c_while_a_training_gets_ready(module: str) -> None:
    """While it imports, reads and packs the text: nothing of the run to be is left behind."""
    workspace = Workspace.create(Path("w"))
    subprocess.run(
        [sys.executable, "-m", "inkling", "add", str(DEMO / "posts"), "-w", "w"],
        check=True, capture_output=True,
    )  # fmt: skip
    stopped(interrupted(module, "train", "--steps", "100000", "-w", "w"))
    assert leftovers(workspace) == []


def test_ctrl_c_stays_ignored_in_the_background() -> None:
    """A script's `inkling … &` is not stopped by the Ctrl-C that is meant for another."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "import sys; sys.argv = ['inkling', '--version']\n"
        "from inkling.__main__ import run\n"
        "try: run()\n"
        "finally: print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("True\n")


def test_ctrl_c_in_a_finaliser_is_not_lost() -> None:
    """Python can only print an exception that a finaliser raises; this one comes back."""
    code = (
        "import os, signal, sys, inkling.__main__, inkling.cli.main\n"
        "class Doomed:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGINT)\n"
        "def main():\n"
        "    Doomed()\n"
        "    while True: pass\n"
        "inkling.cli.main.main = main\n"
        "inkling.__main__.run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    stopped(done)


def test_a_training_in_the_background_is_stopped_by_sigterm_alone(trained: Workspace) -> None:
    """Begun with SIGINT and SIGHUP ignored, as by `nohup` or a script's `&`: those two are meant
    for others and change nothing; SIGTERM saves and ends it, with the state as JSON."""
    ignoring = (
        "import os, signal, sys\n"
        "for number in (signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'inkling', *sys.argv[1:]])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", ignoring, "train", "--steps", "100000", "--name", "nohup",
         "--recipe", "bigram", "--no-plots", "-w", str(trained.path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = iter(process.stdout)
    assert any(" step " in line for line in said)
    for number in (signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)
    assert any(" step " in line for line in said)
    status = read_status(trained)
    assert status is not None
    assert (status.state, status.pid, status.run) == ("training", process.pid, "nohup")
    process.send_signal(signal.SIGTERM)
    rest = "".join(said)
    process.stdout.close()
    assert process.wait(60) == 143
    assert "everything is saved" in rest
    status = read_status(trained)
    assert status is not None
    assert (status.state, status.run) == ("stopped", "nohup")
    shutil.rmtree(trained.run_path("nohup"))
