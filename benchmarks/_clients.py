"""Clients of OpenAI's API that keep the time: what benchmarks/serve_load.py loads a server with.

Data: a question -> a stream of frames -> `Stream`, when it began, spoke first and ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

QUESTIONS = (
    "what do you do all day?", "tell me about the van", "do you have pets?", "soup?",
    "what did you read last?", "where do you live?", "how was your week?", "and your family?",
)  # fmt: skip

LONG_TOKENS = 2_000
BEGINNINGS = (*QUESTIONS, "The", "I", "Last night the", "And then", "When I was young")


@dataclass
class Stream:
    """What one client saw."""

    begun: float
    first: float = 0.0
    ended: float = 0.0
    tokens: int = 0
    done: bool = False
    refused: int = 0

    @property
    def latency(self) -> float:
        """Seconds to the first character."""
        return self.first - self.begun

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


@dataclass
class Load:
    """A server, and how to ask it."""

    client: httpx.AsyncClient
    model: str
    max_tokens: int
    asked: int = 0
    endless: str | None = None
    """What a text begins with that does not end by itself."""

    async def find_endless(self) -> bool:
        """Try one beginning after the other; whether there is one. Small models go in circles
        where they always take the likeliest token."""
        for self.endless in BEGINNINGS:
            stream = Stream(time.perf_counter())
            async with self.ask(long=True) as response:
                response.raise_for_status()
                await follow(response, stream)
            if stream.tokens == LONG_TOKENS:
                return True
        return False

    @contextlib.asynccontextmanager
    async def ask(
        self, chat: bool = False, seed: int | None = None, long: bool = False
    ) -> AsyncIterator[httpx.Response]:
        """A stream that is under way: a reply, a free text, which are longer, or the long one."""
        self.asked += 1
        seed = self.asked if seed is None else seed
        question = QUESTIONS[seed % len(QUESTIONS)]
        body = {
            "model": self.model,
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": LONG_TOKENS if long else self.max_tokens,
            "seed": seed,
        }
        if long:
            body |= {"prompt": self.endless, "temperature": 0, "repetition_penalty": 1.0}
        elif chat:
            body["messages"] = [{"role": "user", "content": question}]
        else:
            body["prompt"] = question
        path = "v1/chat/completions" if chat else "v1/completions"
        async with self.client.stream("POST", path, json=body) as response:
            yield response

    async def whole(self, chat: bool = False, seed: int | None = None) -> Stream:
        """One stream to its end; a full queue is asked again when it said."""
        stream = Stream(time.perf_counter())
        while True:
            async with self.ask(chat, seed) as response:
                if response.status_code != 429:
                    response.raise_for_status()
                    await follow(response, stream)
                    return stream
                stream.refused += 1
                pause = float(response.headers["retry-after"])
            await asyncio.sleep(pause)

    async def talks(self, seconds: float) -> list[Stream]:
        """A client that asks again as soon as it is answered."""
        end = time.perf_counter() + seconds
        streams = [await self.whole(chat=True)]
        while time.perf_counter() < end:
            streams.append(await self.whole(chat=True))
        return streams

    @contextlib.asynccontextmanager
    async def full_house(self, slots: int) -> AsyncIterator[House]:
        """Every slot taken by the long text, which has begun; all hang up at the end."""
        house = House(self)
        try:
            await asyncio.gather(*(house.enter() for _ in range(slots)))
            yield house
        finally:
            await house.close()


async def follow(response: httpx.Response, stream: Stream) -> None:
    """Read to the end."""
    async for line in response.aiter_lines():
        if line == "data: [DONE]":
            stream.done, stream.ended = True, time.perf_counter()
            return
        if not line.startswith("data: "):
            continue
        data = json.loads(line[len("data: ") :])
        if usage := data.get("usage"):
            stream.tokens = usage["completion_tokens"]
        for choice in data.get("choices", ()):
            text = choice.get("text") or choice.get("delta", {}).get("content")
            if text and not stream.first:
                stream.first = time.perf_counter()


class House:
    """Long texts, one a slot."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._guests: list[asyncio.Task[None]] = []
        self._streams: list[Stream] = []

    async def enter(self) -> None:
        """Come in, and be there once the first character is."""
        stream = Stream(time.perf_counter())
        begun = asyncio.Event()
        self._streams.append(stream)
        self._guests.append(asyncio.create_task(self._stay(stream, begun)))
        await begun.wait()

    async def one_leaves(self) -> float | None:
        """Seconds from one's hanging up to the first character of another who waited for a slot;
        None where a text had come to its end by itself, or nobody had to wait."""
        waiting = Stream(time.perf_counter())
        begun = asyncio.Event()
        task = asyncio.create_task(self._stay(waiting, begun))
        self._guests.append(task)
        # Long enough to be in the queue.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(begun.wait()), 0.5)
        if waiting.first or self._somebody_ended():
            return None
        left = time.perf_counter()
        self._guests[0].cancel()
        await begun.wait()
        if self._somebody_ended():
            return None
        return waiting.first - left

    async def close(self) -> None:
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    def _somebody_ended(self) -> bool:
        return any(stream.done for stream in self._streams)

    async def _stay(self, stream: Stream, begun: asyncio.Event) -> None:
        async with self._load.ask(long=True) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line == "data: [DONE]":
                    stream.done = True
                    return
                if '"text": "' in line and '"text": ""' not in line:
                    stream.first = stream.first or time.perf_counter()
                    begun.set()
