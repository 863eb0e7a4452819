"""Whether a process grows: its memory, files and threads, looked at many times while it works."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

FEWEST = 30
"""Looks before a process can be said to grow, or not to."""
SETTLING = 0.1
"""The share of the first looks that does not count: libraries and models are being loaded."""


@dataclass(frozen=True)
class Footprint:
    """Of a process on Linux: resident kilobytes, open file descriptors, threads."""

    kilobytes: int
    files: int
    threads: int

    @classmethod
    def of(cls, process: int) -> Footprint:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        return cls(
            int(status["VmRSS"].split()[0]),
            len(os.listdir(f"/proc/{process}/fd")),
            int(status["Threads"]),
        )


@dataclass(frozen=True)
class Growth:
    """The medians of the first and of the last third of the looks."""

    looks: int
    first: Footprint
    last: Footprint
    most: Footprint

    @classmethod
    def of(cls, looks: list[Footprint]) -> Growth | None:
        """None where there are too few."""
        settled = looks[int(SETTLING * len(looks)) :]
        if len(settled) < FEWEST:
            return None
        third = len(settled) // 3
        first, last = (
            Footprint(
                *(
                    int(statistics.median(values))
                    for values in zip(*map(astuple, part), strict=True)
                )
            )
            for part in (settled[:third], settled[-third:])
        )
        most = Footprint(*(max(values) for values in zip(*map(astuple, settled), strict=True)))
        return cls(len(looks), first, last, most)

    def lines(self) -> Iterator[str]:
        """A line for each thing that was looked at."""
        for each in fields(Footprint):
            first, last, most = (
                getattr(of, each.name) for of in (self.first, self.last, self.most)
            )
            yield f"{each.name}: {first:,} → {last:,} (at most {most:,})"

    def problems(self) -> Iterator[str]:
        """What grew, by more than the noise of a cache or two."""
        for name, allowed in (
            ("kilobytes", 20_000 + self.first.kilobytes // 20), ("files", 2), ("threads", 2),
        ):  # fmt: skip
            first, last = getattr(self.first, name), getattr(self.last, name)
            if last > first + allowed:
                yield f"the server's {name} grew from {first:,} to {last:,}"
