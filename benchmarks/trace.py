"""The index of the training text: time to make it, time to trace a reply, memory at 100 MB.

    scripts/bench trace [--megabytes 100] [--rounds 5]

One megabyte is tiny Shakespeare. The 200-character replies traced in it are of three kinds:
words of its own vocabulary in an order of chance (nothing long is copied), patches of 10 to 60
characters from anywhere, and passages word for word. The large text is random words of a Zipf
vocabulary, 4 KB a document, indexed in a process of its own whose peak memory is the largest
resident size that the system counted; it is then opened and traced in another one.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from _common import machine, spread, tiny_shakespeare

from inkling.tracing.span_index import SpanIndex

REPLY = 200
REPLIES = 1_000
DOCUMENT_WORDS = 600


def words_of_chance(megabytes: int) -> Iterator[str]:
    """Documents of random words."""
    generator = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwygpbvk"))
    table = np.array(
        ["".join(generator.choice(letters, generator.integers(2, 10))) for _ in range(40_000)]
    )
    size = 0
    while size < megabytes * 1_000_000:
        document = " ".join(table[generator.zipf(1.2, DOCUMENT_WORDS) % len(table)])
        size += len(document)
        yield document


def replies(text: str) -> dict[str, Callable[[], str]]:
    """Makers of a reply of each kind."""
    chance = random.Random(0)
    words = text.split()

    def passage(length: int) -> str:
        start = chance.randrange(len(text) - length)
        return text[start : start + length]

    return {
        "words by chance": lambda: " ".join(chance.choices(words, k=REPLY))[:REPLY],
        "patches": lambda: "".join(passage(chance.randint(10, 60)) for _ in range(20))[:REPLY],
        "word for word": lambda: passage(REPLY),
    }


def timed(index: SpanIndex, text: str, where: str) -> None:
    """A row for each kind of reply: wall time, and processor time, which waits for nobody."""
    print(f"| reply, in {where} | median ms | p99 ms | p99 ms, processor |")
    print("| --- | --- | --- | --- |")
    for kind, make in replies(text).items():
        wall, processor = [], []
        for reply in [make() for _ in range(REPLIES)]:
            begun, used = time.perf_counter(), time.process_time()
            index.spans(reply)
            processor.append(1000 * (time.process_time() - used))
            wall.append(1000 * (time.perf_counter() - begun))
        print(
            f"| {kind} | {statistics.median(wall):.2f} | {p99(wall):.2f} | {p99(processor):.2f} |"
        )


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def peak_megabytes() -> float:
    """The largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def make_large(folder: Path, megabytes: int) -> None:
    """Index the large text. Run in a process of its own."""
    texts = list(words_of_chance(megabytes))
    before = peak_megabytes()
    begun, used = time.perf_counter(), time.process_time()
    index = SpanIndex.build(texts)
    built, used = time.perf_counter(), time.process_time() - used
    index.save(folder)
    saved = time.perf_counter()
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(
        f"{megabytes} MB, {len(texts):,} documents: indexed in {built - begun:.1f} s ({used:.1f} s "
        f"of processor time), written in {saved - built:.1f} s ({size:,.0f} MB on "
        f"disk); peak {peak_megabytes():,.0f} MB "
        f"({before:,.0f} MB in making the texts, which are held)"
    )


def trace_large(folder: Path, rounds: int) -> None:
    """Open the large index and trace in it. Run in a process of its own."""
    sample = " ".join(words_of_chance(1))
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        index = SpanIndex.open(folder)
        seconds.append(time.perf_counter() - begun)
    assert index is not None
    print(f"opened and verified in {spread(seconds)} s\n")
    timed(index, sample, "the large text")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", choices=["make", "trace"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "make":
        make_large(options.folder, options.megabytes)
        return
    if options.part == "trace":
        trace_large(options.folder, options.rounds)
        return

    print(machine())
    text = tiny_shakespeare().read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "spans"
        SpanIndex.build(["loads the library"])
        seconds = []
        for _ in range(options.rounds):
            begun = time.perf_counter()
            SpanIndex.build(text.split("\n\n")).save(folder)
            seconds.append(time.perf_counter() - begun)
        print(f"{len(text) / 1e6:.1f} MB indexed and written in {spread(seconds)} s\n")
        index = SpanIndex.open(folder)
        assert index is not None
        timed(index, text, "1.1 MB")
    with tempfile.TemporaryDirectory() as name:
        for part in ("make", "trace"):
            print(flush=True)
            subprocess.run(
                [
                    sys.executable, __file__, "--part", part, "--folder", f"{name}/spans",
                    "--megabytes", str(options.megabytes), "--rounds", str(options.rounds),
                ],
                check=True, env=dict(os.environ),
            )  # fmt: skip


if __name__ == "__main__":
    main()
