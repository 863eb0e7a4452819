"""A request to the scheduler as a route reads it: text joined as it comes, cancelled when nobody
reads.

Knows: event loop and generating thread, client and request. Does not know frames or fields.
Data: `RequestBuilder` -> scheduler -> `ReplyPart`s and one `Finished`; or what the thread raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.config import SamplingSettings
from inkling.inference.requests import (
    NEWEST,
    Finished,
    GenerationRequest,
    ModelChoice,
    RequestBuilder,
)
from inkling.inference.scheduler import Scheduler

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel, GenerationSpec
    from inkling.inference.sampling import SampledToken

# A frame a token costs more than the token: text that arrives this close travels together.
FLUSH_SECONDS = 0.025

# How often a reply without news is looked after: its place in the queue, its reader.
LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class ReplyPart:
    """What came since the last time."""

    text: str
    tokens: tuple[SampledToken, ...]


@dataclass(frozen=True)
class Queued:
    """How many wait before this reply, itself included."""

    position: int


def reply_builder(
    message: str,
    turns: Sequence[tuple[str, str]],
    settings: SamplingSettings,
    top_logprobs: int | None = None,
) -> RequestBuilder:
    """Asks for the reply to a message; `turns` are (role, text) of the dialog grammar."""

    def build(model: ChatModel) -> GenerationSpec:
        return model.reply_spec(message, list(turns), settings, top_logprobs)

    return build


def completion_builder(
    prompt: str, settings: SamplingSettings, top_logprobs: int | None
) -> RequestBuilder:
    """Asks for the continuation of a text."""

    def build(model: ChatModel) -> GenerationSpec:
        return model.completion_spec(prompt, settings, top_logprobs)

    return build


@dataclass
class ReplyStream:
    """A request, and the event that is set when it has something to read."""

    request: GenerationRequest
    scheduler: Scheduler
    ready: asyncio.Event

    def cancel(self) -> None:
        """Nobody reads it any more: generation ends before the next token."""
        self.request.cancel()

    async def parts(
        self, report_position: bool = False
    ) -> AsyncIterator[ReplyPart | Queued | Finished]:
        """All that is generated, up to `Finished`; raises what the generating thread raised."""
        reported, first = 0, True
        while True:
            if report_position and first:
                position = self.scheduler.position(self.request)
                if position != reported and position:
                    yield Queued(position)
                reported = position
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together
                # with what it waits for, and with it a Stop.
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.ready.wait()
            except TimeoutError:
                yield ReplyPart("", ())
                continue
            if not first:
                await asyncio.sleep(FLUSH_SECONDS)
            self.ready.clear()
            text: list[str] = []
            tokens: list[SampledToken] = []
            end: Finished | Exception | None = None
            while end is None and not self.request.items.empty():
                item = self.request.items.get()
                if isinstance(item, Finished | Exception):
                    end = item
                else:
                    text.append(item.text)
                    tokens += item.tokens
            if text:
                first = False
                yield ReplyPart("".join(text), tuple(tokens))
            # What was generated before something went wrong is still to be read.
            if isinstance(end, Exception):
                raise end
            if end is not None:
                yield end
                return

    async def whole(self, gone: Callable[[], Awaitable[bool]]) -> tuple[ReplyPart, Finished] | None:
        """Everything at once; None where the client left meanwhile, which ends generation."""
        texts: list[str] = []
        tokens: list[SampledToken] = []
        try:
            async for part in self.parts():
                if isinstance(part, Finished):
                    return ReplyPart("".join(texts), tuple(tokens)), part
                if await gone():
                    return None
                if isinstance(part, ReplyPart):
                    texts.append(part.text)
                    tokens += part.tokens
        finally:
            self.cancel()
        return None


async def submit(
    scheduler: Scheduler, builder: RequestBuilder, choice: ModelChoice = NEWEST
) -> ReplyStream:
    """Ask for a reply of the chosen model. Raises what `Scheduler.submit` raises."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()

    def notify() -> None:
        # The server may close its loop while a reply is still being generated.
        if not loop.is_closed():
            loop.call_soon_threadsafe(ready.set)

    submitted = asyncio.ensure_future(asyncio.to_thread(scheduler.submit, builder, notify, choice))
    try:
        request = await asyncio.shield(submitted)
    except asyncio.CancelledError:
        # The thread continues; nobody waits for what it asks for.
        submitted.add_done_callback(_give_up)
        raise
    return ReplyStream(request, scheduler, ready)


def _give_up(submitted: asyncio.Future[GenerationRequest]) -> None:
    if not submitted.cancelled() and submitted.exception() is None:
        submitted.result().cancel()
