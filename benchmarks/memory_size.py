"""A memory of many exchanges: how long it takes to make, how much room, how long to look up.

    scripts/bench memory_size [--exchanges 20000 1000000]

The exchanges are generated: words of tiny Shakespeare in their own frequencies, two to nine a
question and three to ten a reply, and in each question one word of 200,000 that few others hold.
Looked up are questions from among them, then "and then?" after one of them and its reply. Each
size runs in a process of its own, whose peak memory is told.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _common import machine, spread, tiny_shakespeare

from inkling.memory.files import open_index, write_index
from inkling.memory.index import Index
from inkling.memory.lookup import nearest
from inkling.memory.records import Record

LOOKED_UP = 60
BLOCK = 10_000


def exchanges(count: int) -> Iterator[Record]:
    """The first `count` of always the same ones."""
    known = Counter(re.findall(r"[a-z']+", tiny_shakespeare().read_text().lower()))
    words = np.array(sorted(known))
    shares = np.array([known[word] for word in words]) / known.total()
    draw = np.random.default_rng(0)
    for start in range(0, count, BLOCK):
        here = min(BLOCK, count - start)
        questions, replies = (draw.choice(words, (here, 10), p=shares) for _ in range(2))
        lengths = draw.integers(2, 10, (here, 2))
        rare = draw.integers(0, 200_000, here)
        for row in range(here):
            asked = " ".join(questions[row, : lengths[row, 0]])
            said = " ".join(replies[row, : lengths[row, 1] + 1])
            yield Record(question=f"{asked} n{rare[row]}?", reply=said)


def milliseconds(index: Index, follow_up: bool) -> list[float]:
    """Of each look-up, after a few that do not count."""
    found = []
    for record in exchanges(LOOKED_UP):
        begun = time.perf_counter()
        if follow_up:
            nearest(index, "and then?", [("them", record.question), ("me", record.reply)])
        else:
            nearest(index, record.question)
        found.append(1e3 * (time.perf_counter() - begun))
    return found[5:]


def measure(count: int) -> None:
    """One row of the table."""
    characters = 0

    def counted() -> Iterator[Record]:
        nonlocal characters
        for record in exchanges(count):
            characters += len(record.question) + len(record.reply)
            yield record

    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        write_index(Path(folder), counted(), "benchmark")
        built = time.perf_counter() - begun
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        index = open_index(Path(folder), "benchmark")
        assert index is not None
        asked, followed = (spread(milliseconds(index, each), 1) for each in (False, True))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"| {count:,} | {characters / 1e6:.1f} MB | {built:.1f} s | {size / 1e6:.0f} MB "
        f"| {peak / 1e3:.0f} MB | {asked} | {followed} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exchanges", type=int, nargs="+", default=[20_000, 1_000_000])
    options = parser.parse_args()
    if len(options.exchanges) == 1:
        measure(options.exchanges[0])
        return
    print("| exchanges | text | made in | on disk | peak memory | ms | follow-up ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for count in options.exchanges:
        subprocess.run([sys.executable, __file__, "--exchanges", str(count)], check=True)
    # Last: it imports torch, and a process begins with the peak of the one that started it.
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
