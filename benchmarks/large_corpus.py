"""A corpus of hundreds of megabytes with the usual commands: seconds and peak memory.

    scripts/bench large-corpus [--megabytes 300] [--minutes 5]

The text is random words of a Zipf vocabulary in paragraphs, in files of 10 MB: nothing in it
repeats, so nothing is dropped, which is the expensive case. Peak memory is the largest
resident size that the system counted for the process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import inkling, machine

FILE_BYTES = 10_000_000


def write_corpus(folder: Path, megabytes: int) -> None:
    """Files of random words."""
    generator = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwygpbvk"))
    words = ["".join(generator.choice(letters, generator.integers(2, 10))) for _ in range(40_000)]
    table = np.array(words)
    for number in range(-(-megabytes * 1_000_000 // FILE_BYTES)):
        parts: list[str] = []
        size = 0
        while size < FILE_BYTES:
            rank = generator.zipf(1.2, 90) % len(table)
            paragraph = " ".join(table[rank]) + ".\n\n"
            parts.append(paragraph)
            size += len(paragraph)
        (folder / f"{number:03d}.txt").write_text("".join(parts))


def measured(*arguments: str, cwd: Path) -> tuple[float, float, str]:
    """Seconds, peak megabytes and last line of a command."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*inkling(), *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"inkling {' '.join(arguments)} failed:\n{out[-2000:]}")
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, out.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    print(machine())
    print("| command | seconds | peak MB |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        (here / "text").mkdir()
        write_corpus(here / "text", options.megabytes)
        for arguments in (
            ["init", "w"],
            ["add", "text", "-w", "w"],
            ["train", "--minutes", f"{options.minutes:g}", "-w", "w"],
        ):
            seconds, peak, _ = measured(*arguments, cwd=here)
            print(f"| inkling {' '.join(arguments)} | {seconds:.1f} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
