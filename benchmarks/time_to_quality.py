"""Time to a loss on tiny Shakespeare, whole commands, next to nanoGPT's recipes.

    scripts/bench time-to-quality --nanogpt PATH [--rounds 3] [--minutes 0.15 1] [--slow | --gpu]

PATH is a checkout of karpathy/nanoGPT; it is run from its own code with the flags of its
README: those for a laptop ("i only have a macbook"), with --gpu those for a GPU, whose loss of
1.4697 is its best on the way. The two take turns, so that a machine whose speed drifts
drifts for both. Inkling's time is init + add + train, from raw text to saved checkpoint;
nanoGPT's is its train.py alone. Inkling's loss is over the whole held-out tenth; nanoGPT's
is its own estimate from 20 random batches.

--slow emulates a slower machine for both: one thread on one core, and MKL and oneDNN held to AVX2.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from _common import inkling, machine, run, spread, tiny_shakespeare

GPU_RECIPE = ["config/train_shakespeare_char.py"]
CPU_RECIPE = [
    *GPU_RECIPE,
    "--device=cpu",
    "--compile=False",
    "--eval_iters=20",
    "--log_interval=100",
    "--block_size=64",
    "--batch_size=12",
    "--n_layer=4",
    "--n_head=4",
    "--n_embd=128",
    "--max_iters=2000",
    "--lr_decay_iters=2000",
    "--dropout=0.0",
]


# One thread; of a processor with AVX-512 only what an older one has. Both systems get the same.
SLOW = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "MKL_CBWR": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
}


def one_core() -> None:
    """Hold this process, and those it starts, to one core: then everyone counts one."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def gflops(environment: dict[str, str]) -> float:
    """Speed of torch's matrix product under an environment, in GFLOP/s."""
    program = (
        "from inkling.runtime import Runtime; from inkling.training.planner import measure_gflops;"
        "print(measure_gflops(Runtime.detect()))"
    )
    return float(run([sys.executable, "-c", program], Path.cwd(), **environment)[1].split()[-1])


def time_inkling(
    text: Path, minutes: float, seed: int, environment: dict[str, str]
) -> tuple[float, float]:
    """(wall seconds of init + add + train, held-out nats per character)."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        wall, run_name = 0.0, ["--name", "r", "-w", "w"]
        for arguments in (
            ["init", "w"],
            ["add", str(text), "-w", "w"],
            ["train", "--minutes", str(minutes), "--seed", str(seed), "--no-plots", *run_name],
        ):
            wall += run([*inkling(), *arguments], here, **environment)[0]
        best = json.loads((here / "w/runs/r/best.json").read_text())
        return wall, best["train"]["val_nats_per_char"]


def time_nanogpt(
    checkout: Path, text: Path, recipe: list[str], environment: dict[str, str]
) -> tuple[float, float]:
    """(wall seconds of train.py, its last estimate of the held-out loss; on a GPU its best)."""
    data = checkout / "data/shakespeare_char"
    if not (data / "train.bin").exists():
        shutil.copy(text, data / "input.txt")
        run([sys.executable, "prepare.py"], data)
    with tempfile.TemporaryDirectory() as folder:
        wall, out = run(
            [sys.executable, "train.py", *recipe, f"--out_dir={folder}"],
            checkout,
            **environment,
        )
    losses = [float(x) for x in re.findall(r"step \d+: train loss [\d.]+, val loss ([\d.]+)", out)]
    return wall, min(losses) if recipe is GPU_RECIPE else losses[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nanogpt", type=Path, help="a checkout of karpathy/nanoGPT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.15, 1.0])
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--slow", action="store_true", help="emulate a slower machine")
    kind.add_argument("--gpu", action="store_true", help="nanoGPT's recipe for a GPU")
    options = parser.parse_args()
    recipe = GPU_RECIPE if options.gpu else CPU_RECIPE
    environment = SLOW if options.slow else {}
    if options.slow:
        one_core()
    text = tiny_shakespeare()
    ours: dict[float, list[tuple[float, float]]] = {minutes: [] for minutes in options.minutes}
    theirs: list[tuple[float, float]] = []
    slow = ", held to one core and AVX2" if options.slow else ""
    print(f"{machine()}{slow}, {gflops(environment):.0f} GFLOP/s")
    for index in range(options.rounds):
        for minutes in options.minutes:
            ours[minutes].append(time_inkling(text, minutes, 1337 + index, environment))
            wall, loss = ours[minutes][-1]
            print(f"inkling --minutes {minutes:g}: {wall:.1f} s, {loss:.4f} nats/char", flush=True)
        if options.nanogpt:
            theirs.append(time_nanogpt(options.nanogpt.resolve(), text, recipe, environment))
            print(f"nanoGPT: {theirs[-1][0]:.1f} s, {theirs[-1][1]:.4f} nats/char", flush=True)
    print("\n| system | wall seconds: median (range) | nats/char: median (range) |")
    print("| --- | --- | --- |")
    if theirs:
        walls, losses = zip(*theirs, strict=True)
        device = "GPU" if options.gpu else "CPU"
        print(f"| nanoGPT, {device} recipe | {spread(walls, 1)} | {spread(losses, 3)} |")
    for minutes, results in ours.items():
        walls, losses = zip(*results, strict=True)
        print(f"| inkling --minutes {minutes:g} | {spread(walls, 1)} | {spread(losses, 3)} |")
        if theirs and max(losses) <= statistics.median(loss for _, loss in theirs):
            ratio = statistics.median(wall for wall, _ in theirs) / statistics.median(walls)
            print(f"\nat least as good as nanoGPT in every round, {ratio:.1f} times faster\n")


if __name__ == "__main__":
    main()
