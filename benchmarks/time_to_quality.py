"""Time to a loss on tiny Shakespeare, whole commands, next to nanoGPT's CPU recipe.

    scripts/bench time-to-quality --nanogpt PATH [--rounds 3] [--minutes 0.15 1]

PATH is a checkout of karpathy/nanoGPT; it is run from its own code with the flags of its
README ("i only have a macbook"). The two take turns, so that a machine whose speed drifts
drifts for both. Inkling's time is init + add + train, from raw text to saved checkpoint;
nanoGPT's is its train.py alone. Inkling's loss is over the whole held-out tenth; nanoGPT's
is its own estimate from 20 random batches.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from _common import inkling, machine, run, spread, tiny_shakespeare

NANOGPT_FLAGS = [
    "config/train_shakespeare_char.py",
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


def time_inkling(text: Path, minutes: float, seed: int) -> tuple[float, float]:
    """(wall seconds of init + add + train, held-out nats per character)."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        wall, run_name = 0.0, ["--name", "r", "-w", "w"]
        for arguments in (
            ["init", "w"],
            ["add", str(text), "-w", "w"],
            ["train", "--minutes", str(minutes), "--seed", str(seed), "--no-plots", *run_name],
        ):
            wall += run([*inkling(), *arguments], here)[0]
        best = json.loads((here / "w/runs/r/best.json").read_text())
        return wall, best["train"]["val_nats_per_char"]


def time_nanogpt(checkout: Path, text: Path) -> tuple[float, float]:
    """(wall seconds of train.py, its last estimate of the held-out loss)."""
    data = checkout / "data/shakespeare_char"
    if not (data / "train.bin").exists():
        shutil.copy(text, data / "input.txt")
        run([sys.executable, "prepare.py"], data)
    with tempfile.TemporaryDirectory() as folder:
        wall, out = run(
            [sys.executable, "train.py", *NANOGPT_FLAGS, f"--out_dir={folder}"], checkout
        )
    return wall, float(re.findall(r"step \d+: train loss [\d.]+, val loss ([\d.]+)", out)[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nanogpt", type=Path, help="a checkout of karpathy/nanoGPT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.15, 1.0])
    options = parser.parse_args()
    text = tiny_shakespeare()
    ours: dict[float, list[tuple[float, float]]] = {minutes: [] for minutes in options.minutes}
    theirs: list[tuple[float, float]] = []
    print(machine())
    for index in range(options.rounds):
        for minutes in options.minutes:
            ours[minutes].append(time_inkling(text, minutes, 1337 + index))
            wall, loss = ours[minutes][-1]
            print(f"inkling --minutes {minutes:g}: {wall:.1f} s, {loss:.4f} nats/char", flush=True)
        if options.nanogpt:
            theirs.append(time_nanogpt(options.nanogpt.resolve(), text))
            print(f"nanoGPT: {theirs[-1][0]:.1f} s, {theirs[-1][1]:.4f} nats/char", flush=True)
    print("\n| system | wall seconds: median (range) | nats/char: median (range) |")
    print("| --- | --- | --- |")
    if theirs:
        walls, losses = zip(*theirs, strict=True)
        print(f"| nanoGPT, CPU recipe | {spread(walls, 1)} | {spread(losses, 3)} |")
    for minutes, results in ours.items():
        walls, losses = zip(*results, strict=True)
        print(f"| inkling --minutes {minutes:g} | {spread(walls, 1)} | {spread(losses, 3)} |")
        if theirs and max(losses) <= statistics.median(loss for _, loss in theirs):
            ratio = statistics.median(wall for wall, _ in theirs) / statistics.median(walls)
            print(f"\nat least as good as nanoGPT in every round, {ratio:.1f} times faster\n")


if __name__ == "__main__":
    main()
