"""Text to packed ids by one process and by several: megabytes a second, and processor time.

    scripts/bench packing [--megabytes 20] [--rounds 3] [--processes 1 2]

The text is shards of JSON Lines, some thousand documents of random words of a Zipf vocabulary, as
gzip. Numbers of processes take turns. What comes before packing (adding, splitting, learning a
vocabulary) is timed once, in seconds of the processor, which other programs do not change much.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _common import machine

from inkling.corpus.importers import read_path
from inkling.corpus.store import CorpusStore
from inkling.preparation import packing, read_split, train_tokenizer
from inkling.tokens.dataset import PackedWriter
from inkling.training.planner import merges_for
from inkling.workspace import Workspace

SHARD_BYTES = 5_000_000


def write_shards(folder: Path, megabytes: int) -> None:
    """Packed files of documents that repeat nothing."""
    import numpy as np

    folder.mkdir()
    generator = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwygpbvk"))
    words = ["".join(generator.choice(letters, generator.integers(2, 10))) for _ in range(40_000)]
    table = np.array(words)
    for number in range(-(-megabytes * 1_000_000 // SHARD_BYTES)):
        with gzip.open(folder / f"{number:03d}.jsonl.gz", "wt", compresslevel=1) as file:
            size = 0
            while size < SHARD_BYTES:
                ranks = generator.zipf(1.2, (generator.integers(1, 12), 70)) % len(table)
                text = "\n\n".join(" ".join(table[row]) + "." for row in ranks)
                file.write(json.dumps({"text": text}) + "\n")
                size += len(text)


def processor_seconds() -> float:
    """Of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextmanager
def told(what: str, megabytes: float) -> Iterator[None]:
    """A row of the table for what is done in the block."""
    wall, used = time.perf_counter(), processor_seconds()
    yield
    wall, used = time.perf_counter() - wall, processor_seconds() - used
    print(f"| {what} | {wall:.1f} | {used:.1f} | {megabytes / wall:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    packing.PART_CHARACTERS = 1_000_000
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        write_shards(here / "shards", options.megabytes)
        size = float(options.megabytes)
        print("| | wall seconds | processor seconds | MB/s |\n| --- | --- | --- | --- |")
        workspace = Workspace.create(here / "w")
        with told("add", size), CorpusStore(workspace.corpus_path) as store:
            store.add("shards", "folder", read_path(here / "shards"))
        with told("split", size):
            split, _ = read_split(workspace)
        with told("vocabulary", size):
            tokenizer = train_tokenizer(split, merges_for(split.train_characters))
        for _ in range(options.rounds):
            for count in options.processes:
                (here / "packed").mkdir()
                with told(f"pack, {count} processes", split.train.characters / 1e6):
                    part = PackedWriter(here / "packed", "train", tokenizer.vocab_size)
                    packing.pack_writing(part, tokenizer, split.train, count)
                    part.close()
                shutil.rmtree(here / "packed")
    print(machine())


if __name__ == "__main__":
    main()
