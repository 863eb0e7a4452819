"""A real server under many chats: first character, tokens a second, fairness, memory, bad clients.

    scripts/bench serve-load WORKSPACE [--streams 200] [--requests 40]

WORKSPACE holds a trained run; nothing is written into it. Server and clients share the machine.
Latency of a single client is that of a chat; what runs at once are free texts, which are longer.
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
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from _common import inkling, machine

QUESTIONS = (
    "what do you do all day?", "tell me about the van", "do you have pets?", "soup?",
    "what did you read last?", "where do you live?", "how was your week?", "and your family?",
)  # fmt: skip
MAX_TOKENS = 180


@dataclass
class Stream:
    """What one client saw."""

    begun: float
    first: float = 0.0
    tokens: int = 0
    characters: int = 0
    done: bool = False
    refused: int = 0

    @property
    def latency(self) -> float:
        return 1e3 * (self.first - self.begun)


@dataclass
class Load:
    """A server, and how to ask it."""

    url: str
    process: subprocess.Popen[str]
    client: httpx.AsyncClient
    model: str
    seed: int = field(default=0)

    def memory(self) -> float:
        """Resident megabytes of the server."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    @contextlib.asynccontextmanager
    async def ask(self, chat: bool = False) -> AsyncIterator[httpx.Response]:
        """A stream that is under way."""
        self.seed += 1
        question = QUESTIONS[self.seed % len(QUESTIONS)]
        path, asked = "v1/completions", {"prompt": question}
        if chat:
            path, asked = (
                "v1/chat/completions",
                {"messages": [{"role": "user", "content": question}]},
            )
        body = {
            **asked,
            "model": self.model,
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": MAX_TOKENS,
            "seed": self.seed,
        }
        path = "v1/chat/completions" if chat else "v1/completions"
        async with self.client.stream("POST", path, json=body) as response:
            yield response

    async def whole(self, chat: bool = False) -> Stream:
        """One stream to its end; a full queue is asked again when it said."""
        stream = Stream(time.perf_counter())
        while not stream.done:
            async with self.ask(chat) as response:
                if response.status_code == 429:
                    stream.refused += 1
                    pause = float(response.headers["retry-after"])
                else:
                    response.raise_for_status()
                    await self._read(response, stream)
                    return stream
            await asyncio.sleep(pause)
        return stream

    async def _read(self, response: httpx.Response, stream: Stream) -> None:
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            if line == "data: [DONE]":
                stream.done = True
                return
            data = json.loads(line[len("data: ") :])
            if usage := data.get("usage"):
                stream.tokens = usage["completion_tokens"]
            for choice in data["choices"]:
                if text := choice.get("text") or choice.get("delta", {}).get("content"):
                    stream.first = stream.first or time.perf_counter()
                    stream.characters += len(text)

    async def one_after_the_other(self, seconds: float) -> list[Stream]:
        """A client that asks again as soon as it is answered."""
        end = time.perf_counter() + seconds
        streams = []
        while time.perf_counter() < end:
            streams.append(await self.whole())
        return streams

    async def together(self, count: int) -> tuple[list[Stream], float]:
        """Some at once, and how long all of them took."""
        begun = time.perf_counter()
        streams = await asyncio.gather(*(self.whole() for _ in range(count)))
        return list(streams), time.perf_counter() - begun


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
        print("server:", process.wait(30))


def percentiles(values: Sequence[float]) -> str:
    """ "p50 A, p95 B"."""
    ordered = sorted(values)
    return (
        f"p50 {statistics.median(ordered):.0f}, p95 {ordered[int(0.95 * (len(ordered) - 1))]:.0f}"
    )


def describe(streams: list[Stream], seconds: float) -> str:
    tokens, characters = (sum(getattr(s, n) for s in streams) for n in ("tokens", "characters"))
    return (
        f"{tokens / seconds:.0f} tokens/s, {characters / seconds:.0f} characters/s; "
        f"first character {percentiles([s.latency for s in streams])} ms"
    )


async def measure(load: Load, options: argparse.Namespace) -> None:
    await load.together(2)
    latencies = [(await load.whole(chat=True)).latency for _ in range(options.requests)]
    print(f"one after the other: first character {percentiles(latencies)} ms", flush=True)
    for count in (1, 8, 32):
        begun = time.perf_counter()
        clients = await asyncio.gather(
            *(load.one_after_the_other(options.seconds) for _ in range(count))
        )
        seconds = time.perf_counter() - begun
        streams = [stream for client in clients for stream in client]
        tokens = [sum(stream.tokens for stream in client) for client in clients]
        print(
            f"{count:3} at all times: {describe(streams, seconds)}; tokens of a client "
            f"{min(tokens)} to {max(tokens)}",
            flush=True,
        )

    for lap in ("first", "second"):
        before = load.memory()
        streams, seconds = await load.together(options.streams)
        print(
            f"{options.streams} at once, {lap} time: {sum(s.done for s in streams)} complete, "
            f"{sum(s.refused for s in streams)} times told to come back; "
            f"{describe(streams, seconds)}; memory {before:.0f} to {load.memory():.0f} MB",
            flush=True,
        )

    async def vanish() -> None:
        async with load.ask() as response:
            await anext(aiter(response.aiter_bytes()))

    await asyncio.gather(*(vanish() for _ in range(64)))
    latency = (await load.whole(chat=True)).latency
    print(f"after 64 clients that left: first character {latency:.0f} ms", flush=True)

    async with contextlib.AsyncExitStack() as sleepers:
        for _ in range(8):
            await sleepers.enter_async_context(load.ask())
        streams, seconds = await load.together(8)
        print(f"8 beside 8 that read nothing: {describe(streams, seconds)}", flush=True)


async def run(options: argparse.Namespace, url: str, process: subprocess.Popen[str]) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        model = (await client.get("v1/models")).json()["data"][0]["id"]
        await measure(Load(url, process, client, model), options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{machine()}; load before {load}", flush=True)
    with server(options.workspace) as (url, process):
        asyncio.run(run(options, url, process))


if __name__ == "__main__":
    main()
