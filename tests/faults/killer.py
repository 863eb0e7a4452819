"""kill -9 at many moments of a training, resuming each time: a process of its own.

    python -m tests.faults.killer WORKSPACE KILLS train --steps 12 …

Loads everything once, then forks a child for each attempt. Most children die at one of their
operations on files, before it is done, which is where something could be half written; every fifth
at a random moment. Of the run `killed` nothing may be lost; one that came to its end is begun anew.
"""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from inkling.cli.main import main
from inkling.run_files import CONFIG_FILE
from inkling.runs import Run
from inkling.workspace import Workspace

USED = ("torch", "inkling.cli.train", "inkling.training.session", "inkling.inference.chat",
        "inkling.workflows.samples", "safetensors.torch")  # fmt: skip
OPERATIONS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "tempfile.mkdtemp",
              "tempfile.mkstemp", "shutil.rmtree"}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FEW_OPERATIONS = 50
"""From one checkpoint to beyond the next but one."""
SECONDS = 1.0


def attempt(command: list[str], dies_at: int) -> int:
    """A child that runs a command and dies before its operation of that number, 0 for none."""
    child = os.fork()
    if child:
        return child
    done = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if writes or event in OPERATIONS:
            done += 1
            if done == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - to the end
    os._exit(main(command))


def kill_again_and_again(workspace: Path, kills: int, begin: list[str]) -> None:
    """Exits with a sentence where an attempt that was not killed failed."""
    moments, run = random.Random(kills), Run(Workspace(workspace).run_path("killed"))
    for number in range(kills):
        resumable = (run.path / CONFIG_FILE).exists()
        if resumable and run.config().complete:
            shutil.rmtree(run.path)
            resumable = False
        command = ["train", "--resume", "--run", "killed", "--no-plots"] if resumable else begin
        at_operation = number % 5 > 0
        dies_at = moments.randint(1, FEW_OPERATIONS) if at_operation else 0
        child = attempt([*command, "-w", str(workspace)], dies_at)
        if not at_operation:
            time.sleep(moments.random() * SECONDS)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            sys.exit(f"attempt {number} ended with {os.WEXITSTATUS(status)}")


if __name__ == "__main__":
    for name in USED:
        importlib.import_module(name)
    kill_again_and_again(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
