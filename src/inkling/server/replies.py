"""A ticket as a route reads it: pieces joined as they come, and cancelled when nobody reads.

Knows: event loop and worker thread, client and ticket. Does not know frames or fields.
Data: scheduler ticket -> `Written` chunks and one `End`; or what the worker raised.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi.responses import StreamingResponse

from inkling.errors import InklingError
from inkling.inference.scheduler import Scheduler
from inkling.inference.tickets import End, Job, Ticket

if TYPE_CHECKING:
    from inkling.inference.writing import Picked

# A frame a token costs more than the token: pieces that arrive this close travel together.
FLUSH_SECONDS = 0.025

# How often a reply that says nothing is looked after: its place in the queue, its reader.
LOOK_SECONDS = 0.25

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
SORRY = "Something went wrong while writing this reply. Try again."

log = logging.getLogger("inkling.server")


@dataclass(frozen=True)
class Written:
    """What came since the last time."""

    text: str
    tokens: tuple[Picked, ...]


@dataclass(frozen=True)
class Queued:
    """How many wait before this reply, itself included."""

    position: int


@dataclass
class Reply:
    """A ticket, and the event that says that it has something."""

    ticket: Ticket
    scheduler: Scheduler
    ready: asyncio.Event

    async def parts(self, tell_position: bool = False) -> AsyncIterator[Written | Queued | End]:
        """All that is written, up to the End; raises what the worker raised."""
        told, first = 0, True
        while True:
            if tell_position and first:
                position = self.scheduler.position(self.ticket)
                if position != told and position:
                    yield Queued(position)
                told = position
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together
                # with what it waits for, and with it a Stop.
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.ready.wait()
            except TimeoutError:
                yield Written("", ())
                continue
            if not first:
                await asyncio.sleep(FLUSH_SECONDS)
            self.ready.clear()
            text: list[str] = []
            tokens: list[Picked] = []
            end: End | Exception | None = None
            while end is None and not self.ticket.items.empty():
                item = self.ticket.items.get()
                if isinstance(item, End | Exception):
                    end = item
                else:
                    text.append(item.text)
                    tokens += item.tokens
            if text:
                first = False
                yield Written("".join(text), tuple(tokens))
            # What was written before something went wrong is still to be read.
            if isinstance(end, Exception):
                raise end
            if end is not None:
                yield end
                return

    async def whole(self, gone: Callable[[], Awaitable[bool]]) -> tuple[Written, End] | None:
        """Everything at once; None where the client left meanwhile, which ends the writing."""
        texts: list[str] = []
        tokens: list[Picked] = []
        try:
            async for part in self.parts():
                if isinstance(part, End):
                    return Written("".join(texts), tuple(tokens)), part
                if await gone():
                    return None
                if isinstance(part, Written):
                    texts.append(part.text)
                    tokens += part.tokens
        finally:
            self.ticket.cancel()
        return None


async def ask(scheduler: Scheduler, job: Job) -> Reply:
    """Ask for a reply. Raises what `Scheduler.submit` raises."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()

    def notify() -> None:
        # The server may close its loop while a reply is still being written.
        if not loop.is_closed():
            loop.call_soon_threadsafe(ready.set)

    submitted = asyncio.ensure_future(asyncio.to_thread(scheduler.submit, job, notify))
    try:
        ticket = await asyncio.shield(submitted)
    except asyncio.CancelledError:
        # The thread goes on; what it asks for is nobody's any more.
        submitted.add_done_callback(_give_up)
        raise
    return Reply(ticket, scheduler, ready)


def _give_up(submitted: asyncio.Future[Ticket]) -> None:
    if not submitted.cancelled() and submitted.exception() is None:
        submitted.result().cancel()


class EventStream(StreamingResponse):
    """Server-sent events of some replies, which are cancelled when the response is over, however
    it ended and whether or not a single frame was read."""

    def __init__(self, frames: AsyncGenerator[str], replies: list[Reply]) -> None:
        super().__init__(frames, media_type="text/event-stream", headers=STREAM_HEADERS)
        self._frames, self._replies = frames, replies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            for reply in self._replies:
                reply.ticket.cancel()
            await self._frames.aclose()


def explain(error: Exception) -> str:
    """A sentence for whoever asked; what we did not expect is logged."""
    if isinstance(error, InklingError):
        return str(error)
    log.error("a reply failed", exc_info=error)
    return SORRY
