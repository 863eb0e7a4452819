"""A corpus of hundreds of megabytes with the usual commands: seconds and peak memory.

    scripts/bench large-corpus [--megabytes 300] [--minutes 5] [--form one|many|both]

The text is random words of a Zipf vocabulary in paragraphs, as a single file or in files of
10 MB: nothing in it repeats, so nothing is dropped, which is the expensive case. Peak memory
is the largest resident size that the system counted for the process. `train --steps 1`
stands for everything that comes before the first step.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from _common import inkling, machine

FILE_BYTES = 10_000_000


def write_corpus(folder: Path, megabytes: int) -> None:
    """Files of random words."""
    import numpy as np

    folder.mkdir()
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


def apart(work: object, *arguments: object) -> None:
    """Call a function in another process: what a command's parent holds is counted as the
    command's, so this one must stay small."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)  # type: ignore[arg-type]
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(1)


def measured(*arguments: str, cwd: Path) -> tuple[float, float, str]:
    """Seconds, peak megabytes and output of a command."""
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
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--form", choices=("one", "many", "both"), default="both")
    parser.add_argument("--show", action="store_true", help="print what the training printed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        apart(write_corpus, here / "many", options.megabytes)
        if options.form != "many":
            with (here / "one.txt").open("wb") as file:
                for part in sorted((here / "many").iterdir()):
                    file.write(part.read_bytes())
        forms = {"one": "one.txt", "many": "many"}
        said = ""
        print("| command | seconds | peak MB |\n| --- | --- | --- |")
        for form in forms if options.form == "both" else (options.form,):
            for arguments in (
                ["init", "w"],
                ["add", forms[form], "-w", "w"],
                ["corpus", "-w", "w"],
                ["train", "--steps", "1", "--no-plots", "-w", "w"],
                ["train", "--minutes", f"{options.minutes:g}", "-w", "w"],
            ):
                seconds, peak, said = measured(*arguments, cwd=here)
                shown = " ".join(arguments)
                print(f"| inkling {shown} | {seconds:.1f} | {peak:,.0f} |", flush=True)
            if options.show:
                print(said)
            shutil.rmtree(here / "w")
    apart(_print_machine)


def _print_machine() -> None:
    print(machine())


if __name__ == "__main__":
    main()
