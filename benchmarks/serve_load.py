"""A real server under load: first character, fairness, many streams, memory, cancellation.

    scripts/bench serve-load WORKSPACE [--requests 50] [--chats 32] [--streams 200]
        [--cancellations 20] [--max-tokens 180] [--json PATH]

WORKSPACE holds a trained run; nothing is written into it. Server and clients share the machine,
and no training may run. What is measured, each by streams of OpenAI's API over HTTP:

- `first`: chats one after the other; from the request to the first character.
- `equal`: chats at once that all ask the same with the same seed, so that all have the same to
  write; from the request to the end, the slowest beside the fastest. `step_ms` is the time of
  all divided by the tokens of one.
- `mixed`: chats at once, each asking other questions one after the other; tokens a second.
- `rounds`: more streams than slots, twice: how many came to their end, and the server's memory.
- `left`: as many streams whose clients hang up after the first bytes, then one that does not.
- `cancelled`: every slot is taken and one client waits; somebody hangs up. From there to the
  first character of the one who waited: the hanging up is noticed, the step under way ends, the
  slot is given on, a prompt is read and a token written.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from _clients import Load
from _common import inkling, machine

from inkling.inference.scheduler import SLOTS

Numbers = dict[str, Any]


@contextlib.contextmanager
def server(workspace: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`inkling serve` on a free port."""
    process = subprocess.Popen(
        [*inkling(), "serve", "--port", "0", "--no-open", "-w", str(workspace)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    found = re.search(r"http://\S+", process.stdout.readline())
    if not found:
        sys.exit("the server did not start")
    try:
        yield found[0], process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def resident(process: subprocess.Popen[str]) -> float:
    """Resident megabytes of a process."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
        assert found
        return round(int(found[1]) / 1024, 1)
    # No such folder on a Mac.
    done = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=True
    )
    return round(int(done.stdout) / 1024, 1)


def milliseconds(seconds: Sequence[float]) -> Numbers:
    """Median, 95th percentile and extremes."""
    ordered = sorted(1e3 * each for each in seconds)
    last = len(ordered) - 1
    return {
        "count": len(ordered),
        "median_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[-(-95 * last // 100)], 1),
        "min_ms": round(ordered[0], 1),
        "max_ms": round(ordered[last], 1),
    }


async def first(load: Load, requests: int) -> Numbers:
    streams = [await load.whole(chat=True) for _ in range(requests)]
    return milliseconds([stream.latency for stream in streams])


async def equal(load: Load, chats: int) -> Numbers:
    begun = time.perf_counter()
    streams = await asyncio.gather(*(load.whole(chat=True, seed=1) for _ in range(chats)))
    seconds = time.perf_counter() - begun
    took = [stream.seconds for stream in streams]
    tokens = sum(stream.tokens for stream in streams)
    return {
        "chats": chats,
        "tokens_each": sorted({stream.tokens for stream in streams}),
        "fastest_s": round(min(took), 3),
        "slowest_s": round(max(took), 3),
        "slowest_to_fastest": round(max(took) / min(took), 3),
        "tokens_per_second": round(tokens / seconds, 1),
        "step_ms": round(1e3 * seconds * chats / tokens, 2),
        "first": milliseconds([stream.latency for stream in streams]),
    }


async def mixed(load: Load, chats: int, seconds: float) -> Numbers:
    begun = time.perf_counter()
    clients = await asyncio.gather(*(load.talks(seconds) for _ in range(chats)))
    took = time.perf_counter() - begun
    streams = [stream for client in clients for stream in client]
    pace = [sum(s.tokens for s in client) / sum(s.seconds for s in client) for client in clients]
    return {
        "chats": chats,
        "replies": len(streams),
        "tokens_per_second": round(sum(stream.tokens for stream in streams) / took, 1),
        "tokens_per_second_of_a_chat": [round(min(pace), 1), round(max(pace), 1)],
        "first": milliseconds([stream.latency for stream in streams]),
    }


async def rounds(load: Load, streams: int, process: subprocess.Popen[str]) -> list[Numbers]:
    """Two times the same."""
    found = []
    for _ in range(2):
        before, begun = resident(process), time.perf_counter()
        made = await asyncio.gather(*(load.whole() for _ in range(streams)))
        seconds = time.perf_counter() - begun
        found.append(
            {
                "streams": streams,
                "complete": sum(stream.done for stream in made),
                "told_to_come_back": sum(stream.refused for stream in made),
                "seconds": round(seconds, 1),
                "tokens_per_second": round(sum(s.tokens for s in made) / seconds, 1),
                "memory_before_mb": before,
                "memory_after_mb": resident(process),
            }
        )
    return found


async def left(load: Load, streams: int) -> Numbers:
    async def vanish() -> None:
        async with load.ask() as response:
            await anext(aiter(response.aiter_bytes()))

    await asyncio.gather(*(vanish() for _ in range(streams)))
    next_one = await load.whole(chat=True)
    return {"streams": streams, "next_first_ms": round(1e3 * next_one.latency, 1)}


async def cancelled(load: Load, times: int) -> Numbers:
    """A try in which somebody else's text came to its end meanwhile is not counted: the slot
    might have been that one's."""
    took: list[float] = []
    tries = 0
    if not await load.find_endless():
        return {"count": 0, "why": "every text of this model ends by itself"}
    while len(took) < times and tries < 5 * times:
        tries += 1
        async with load.full_house(SLOTS) as house:
            seconds = await house.one_leaves()
            if seconds is not None:
                took.append(seconds)
    if not took:
        return {"count": 0, "tries": tries}
    return milliseconds(took) | {"tries": tries}


async def measure(
    options: argparse.Namespace, url: str, process: subprocess.Popen[str]
) -> AsyncIterator[tuple[str, Any]]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        model = (await client.get("v1/models")).json()["data"][0]["id"]
        load = Load(client, model, options.max_tokens)
        await asyncio.gather(load.whole(), load.whole(chat=True))  # loads the model
        yield "first", await first(load, options.requests)
        yield "equal", await equal(load, options.chats)
        yield "mixed", await mixed(load, options.chats, options.seconds)
        yield "rounds", await rounds(load, options.streams, process)
        yield "left", await left(load, options.chats * 2)
        yield "cancelled", await cancelled(load, options.cancellations)


async def run(options: argparse.Namespace) -> Numbers:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    found: Numbers = {"machine": machine(), "load_before": load, "slots": SLOTS}
    print(json.dumps(found), flush=True)
    with server(options.workspace) as (url, process):
        async for name, numbers in measure(options, url, process):
            found[name] = numbers
            print(name, json.dumps(numbers), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--requests", type=int, default=50, help="chats one after the other")
    parser.add_argument("--chats", type=int, default=SLOTS, help="chats at once")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long they talk")
    parser.add_argument("--streams", type=int, default=200, help="streams at once")
    parser.add_argument("--cancellations", type=int, default=20, help="how many hang up")
    parser.add_argument("--max-tokens", type=int, default=180, help="length of a text")
    parser.add_argument("--json", type=Path, help="write the numbers into this file as well")
    options = parser.parse_args()
    found = asyncio.run(run(options))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    lost = [r["streams"] - r["complete"] for r in found["rounds"]]
    if any(lost):
        sys.exit(f"streams lost: {lost}")


if __name__ == "__main__":
    main()
