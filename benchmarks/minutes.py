"""How a timed training uses its minutes, for texts of 0.2 to 100 MB of writing and of dialogs.

    scripts/bench minutes [--megabytes 0.2 2 20 100] [--minutes 2] [--form prose|dialogs|both]
                          [--processor-time]

The texts are made of invented words by a seeded generator: prose in paragraphs, or dialogs of six
messages. Printed for each: wall seconds of the whole `inkling train`, the share of it before the
first step (start-up included), in training steps and in evaluations, what was left over or
exceeded, and the steps as planned at first and as made. Each training is a process of its own.

--processor-time is for a machine that others use: everything runs on one thread, and the clock that
the training goes by counts that process's processor time. So it is as on one core of its own, but
for waiting for the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from _common import inkling, machine, run

ONSETS = [
    "b",
    "br",
    "c",
    "cl",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "w",
]
VOWELS = ["a", "e", "i", "o", "u", "ea", "ou"]
CODAS = ["", "", "n", "r", "s", "t", "l", "nd", "m"]
WORDS = 20_000
CHUNK = 1_000_000


def vocabulary(seed: int) -> list[str]:
    """Invented words of one to three syllables."""
    import numpy as np

    generator = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < WORDS:
        syllables = generator.integers(1, 4)
        parts = [
            str(generator.choice(p)) for _ in range(syllables) for p in (ONSETS, VOWELS, CODAS)
        ]
        found["".join(parts)] = None
    return list(found)


def sentences(words: list[str], seed: int, shortest: int, longest: int) -> Iterator[str]:
    """Sentences without end: words by Zipf's law, so that there is something to learn."""
    import numpy as np

    generator = np.random.default_rng(seed)
    while True:
        ranks = generator.zipf(1.25, 4_096) % len(words)
        lengths = generator.integers(shortest, longest, 512)
        at = 0
        for length in lengths:
            if at + length > len(ranks):
                break
            yield " ".join(words[rank] for rank in ranks[at : at + length])
            at += length


def write_text(path: Path, form: str, size: int, seed: int = 0) -> None:
    """About `size` bytes of `form` into a file."""
    source = sentences(vocabulary(seed), seed + 1, 4, 18)
    written = 0
    with path.open("w") as file:
        while written < size:
            if form == "prose":
                block = " ".join(f"{next(source).capitalize()}." for _ in range(6)) + "\n\n"
            else:
                speakers = ("them", "me") * 3
                block = "".join(f"{who}: {next(source)}\n" for who in speakers) + "\n"
            written += file.write(block)


# Runs in a process of its own: the command, with a clock around its parts.
_TIMED = """
import json, os, sys, time
if os.environ.get("PROCESSOR_TIME"):
    base = time.time()
    time.time = lambda: base + time.process_time()
    time.monotonic = time.perf_counter = time.process_time
    import inkling.runtime
    inkling.runtime.process_started = lambda: base
    inkling.runtime.usable_cores = lambda: 1
begun = time.time()
import inkling.training.loop as loop
from inkling.cli.main import main
spent = {"first": None, "steps": 0.0, "measuring": 0.0}
mark = [None]
step, measure = loop.train_step, loop._evaluate
def timed(name, work):
    def wrapped(*arguments):
        start = time.time()
        if spent["first"] is None:
            spent["first"] = start - begun
        try:
            return work(*arguments)
        finally:
            spent[name] += time.time() - start
    return wrapped
loop.train_step, loop._evaluate = timed("steps", step), timed("measuring", measure)
import inkling.training.session as session
session._measure_again = timed("measuring", session._measure_again)
status = main(sys.argv[2:])
spent["whole"] = time.time() - begun
open(sys.argv[1], "w").write(json.dumps(spent))
sys.exit(status)
"""


# One thread of every library.
_ONE_THREAD = {
    "PROCESSOR_TIME": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1",
}  # fmt: skip


def measured(
    folder: Path, form: str, megabytes: float, minutes: float, environment: dict[str, str]
) -> str:
    """A row of the table."""
    text = folder / "text.txt"
    write_text(text, form, round(1e6 * megabytes))
    run([*inkling(), "init", "w"], folder)
    run([*inkling(), "add", text, "-w", "w"], folder)
    done = subprocess.run(
        [sys.executable, "-c", _TIMED, "spent.json", "train", "--minutes", f"{minutes:g}",
         "--name", "r", "-w", "w"],
        cwd=folder, env={**os.environ, **environment}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        return f"| {form}, {megabytes:g} MB | failed: {done.stdout.strip().splitlines()[-1]} |"
    spent = json.loads((folder / "spent.json").read_text())
    wall = spent["whole"]
    config = json.loads((folder / "w/runs/r/config.json").read_text())
    phases = [phase for phase in ("train", "finetune") if config[phase]]
    planned = sum(config[phase]["steps"] for phase in phases)
    made = sum(
        next(
            (r["steps"] for r in reversed(config["replans"]) if r["phase"] == phase),
            config[phase]["steps"],
        )
        for phase in phases
    )
    shares = "".join(f" {spent[key] / wall:.0%} |" for key in ("first", "steps", "measuring"))
    read = config["data"]["train_characters"] / (1e6 * megabytes)
    return (
        f"| {form}, {megabytes:g} MB | {wall:.1f} |{shares} {wall / (60 * minutes) - 1:+.0%} | "
        f"{planned:,} → {made:,} | {read:.0%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[0.2, 2, 20, 100])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--form", choices=("prose", "dialogs", "both"), default="both")
    parser.add_argument("--processor-time", action="store_true", help="on a machine in use")
    options = parser.parse_args()
    environment = _ONE_THREAD if options.processor_time else {}
    print(machine() + (", one thread, processor time" if environment else ""))
    print(
        f"\n--minutes {options.minutes:g}\n\n| text | seconds | preparing | training | measuring | "
        "beside the minutes | steps planned → made | text read |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for form in ("prose", "dialogs") if options.form == "both" else (options.form,):
        for megabytes in options.megabytes:
            with tempfile.TemporaryDirectory() as folder:
                row = measured(Path(folder), form, megabytes, options.minutes, environment)
            print(row, flush=True)


if __name__ == "__main__":
    main()
