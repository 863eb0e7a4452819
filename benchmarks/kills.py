"""kill -9 at many random moments of train and finetune; the run must end with the same bits.

    scripts/bench kills [--kills 1000] [--recipe modern]

The test suite does fifty of these, with the same killer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _common import ROOT, inkling, machine, run

sys.path.insert(0, str(ROOT))
from tests.trainings import SMALL, STEPS, final_weights, same

from inkling.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--recipe", default="modern")
    options = parser.parse_args()
    print(f"{machine()}; {options.recipe}, {options.kills} kills")
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        source = here / "writing"
        source.mkdir()
        for post in sorted((ROOT / "demo/posts").glob("*.md"))[:2]:
            (source / post.name).write_bytes(post.read_bytes())
        blocks = (ROOT / "demo/dms.txt").read_text().split("\n\n")[:24]
        (source / "dms.txt").write_text("\n\n".join(blocks))
        train = ["train", "--recipe", options.recipe, *STEPS, *SMALL]
        run([*inkling(), "init", "w"], here)
        run([*inkling(), "add", "writing", "-w", "w"], here)
        run([*inkling(), *train, "--name", "whole", "-w", "w"], here)
        begun = time.perf_counter()
        killer = [
            sys.executable,
            "-m",
            "tests.faults.killer",
            str(here / "w"),
            str(options.kills),
            *train,
        ]
        done = subprocess.run([*killer, "--name", "killed"], check=False, cwd=ROOT)
        if done.returncode:
            sys.exit("a resume failed")
        workspace = Workspace(here / "w")
        resumable = (workspace.run_path("killed") / "config.json").exists()
        way_on = ["train", "--resume", "--run", "killed", "--no-plots"] if resumable else train
        run([*inkling(), *way_on, *([] if resumable else ["--name", "killed"]), "-w", "w"], here)
        equal = same(final_weights(workspace, "whole"), final_weights(workspace, "killed"))
        seconds = time.perf_counter() - begun
        print(f"{options.kills} kills in {seconds:.0f} s; the same bits at the end: {equal}")
        if not equal:
            sys.exit(1)


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
