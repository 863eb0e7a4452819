"""What the benchmarks share: the data, the machine in words, medians with their spread."""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def tiny_shakespeare() -> Path:
    """The benchmark text; ends the program with what to do where it is missing or another."""
    given = os.environ.get("INKLING_BENCH_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    path = folder if folder.is_file() else folder / "tinyshakespeare.txt"
    if not path.is_file():
        sys.exit(
            f"There is no {path}. Save karpathy/char-rnn's data/tinyshakespeare/input.txt as "
            "tinyshakespeare.txt and set INKLING_BENCH_DATA to its folder."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHAKESPEARE_SHA256:
        sys.exit(f"{path} is not the usual tiny Shakespeare (its SHA-256 is another).")
    return path


def machine() -> str:
    """Processor, cores and torch of this machine, in one line."""
    import torch

    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            name = next(line for line in file if line.startswith("model name")).split(":")[1]
    except (OSError, StopIteration):
        pass
    return f"{name.strip()}, {os.cpu_count()} cores, torch {torch.__version__}"


def gflops() -> float:
    """Speed of a matrix product in this process now, in GFLOP/s: what a "slow machine" means."""
    from inkling.runtime import Runtime
    from inkling.training.planner import measure_gflops

    return measure_gflops(Runtime.detect())


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> tuple[float, str]:
    """Wall seconds and output of a whole process; ends the program where it fails."""
    begun = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}")
    return seconds, done.stdout


def spread(values: Sequence[float], digits: int = 2) -> str:
    """ "median (min to max)"."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def inkling() -> list[str]:
    """The command line of the installation that runs this benchmark."""
    return [sys.executable, "-m", "inkling"]
