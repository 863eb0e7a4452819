"""The chat API: `POST /api/chat`, `POST /api/chat/stream`, `GET /api/health`.

Knows: the frames and fields that clients rely on. Does not know how replies are written.
Data: request -> scheduler ticket -> pieces -> JSON, or SSE frames `data: {"text": …}` and a
last `data: {"done": true}`; on failure `data: {"error": …}`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from inkling.errors import InklingError
from inkling.inference.scheduler import NoModelError, Scheduler, Ticket
from inkling.server.schemas import MAX_BODY_BYTES, BadRequestError, ChatRequest, Health, parse_chat
from inkling.server.voice import Introductions

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

# A frame a token costs more than the token: pieces that arrive this close travel together.
FLUSH_SECONDS = 0.025

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_SORRY = "Something went wrong while writing this reply. Try again."

log = logging.getLogger("inkling.server")


def _failed(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)


def _too_large() -> JSONResponse:
    # A body cut off by the size limit looks like a client that left; if it did leave, nobody
    # reads this.
    return _failed(413, f"The request is larger than {MAX_BODY_BYTES:,} bytes.")


def explain(error: Exception) -> str:
    if isinstance(error, InklingError):
        return str(error)
    log.error("a reply failed", exc_info=error)
    return _SORRY


async def pieces(
    scheduler: Scheduler,
    chat: ChatRequest,
    told: Callable[[str, int], None] = lambda run, step: None,
) -> AsyncGenerator[str, None]:
    """Pieces of the reply, those that are ready joined; raises what the worker raised.

    `told` hears, before the first piece, which run and step write it. Leaving the iteration
    early cancels the reply before its next token.
    """
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()

    def reply(model: ChatModel, cancelled: Callable[[], bool]) -> Iterator[str]:
        told(model.config.name, model.step)
        return model.reply(chat.message, chat.turns(), chat.sampling(), cancelled)

    ticket: Ticket = scheduler.submit(reply, notify=lambda: _wake(loop, ready))
    try:
        first = True
        while True:
            await ready.wait()
            if not first:
                await asyncio.sleep(FLUSH_SECONDS)
            ready.clear()
            text = ""
            while not ticket.pieces.empty():
                item = ticket.pieces.get()
                if isinstance(item, Exception):
                    raise item
                if item is None:
                    if text:
                        yield text
                    return
                text += item
            if text:
                first = False
                yield text
    finally:
        ticket.cancel()


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    # The server may close its loop while a reply is still being written.
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


def frame(data: dict[str, Any]) -> str:
    # ASCII only: U+2028 and U+0085 would end a line for some SSE readers.
    return f"data: {json.dumps(data)}\n\n"


def chat_router(scheduler: Scheduler, name: str) -> APIRouter:
    """The three routes."""
    router = APIRouter()
    introductions = Introductions()

    @router.post("/api/chat")
    async def chat(request: Request) -> JSONResponse:
        try:
            wanted = parse_chat(await request.body())
            reply = "".join([piece async for piece in _until_gone(request, scheduler, wanted)])
        except BadRequestError as error:
            return _failed(400, str(error))
        except ClientDisconnect:
            return _too_large()
        except NoModelError as error:
            return _failed(503, str(error))
        except Exception as error:
            return _failed(500, explain(error))
        return JSONResponse({"reply": reply})

    @router.post("/api/chat/stream")
    async def stream(request: Request) -> Any:
        try:
            wanted = parse_chat(await request.body())
            await asyncio.to_thread(scheduler.model)
        except BadRequestError as error:
            return _failed(400, str(error))
        except ClientDisconnect:
            return _too_large()
        except NoModelError as error:
            return _failed(503, str(error))
        except InklingError as error:
            return _failed(500, str(error))

        async def frames() -> AsyncIterator[str]:
            try:
                async for text in pieces(scheduler, wanted):
                    yield frame({"text": text})
                yield frame({"done": True})
            except Exception as error:
                yield frame({"error": explain(error)})

        return StreamingResponse(frames(), media_type="text/event-stream", headers=STREAM_HEADERS)

    @router.get("/api/health")
    async def health() -> Health:
        try:
            model = await asyncio.to_thread(scheduler.model)
        except InklingError as error:
            return Health(ok=False, name=name, error=str(error))
        return await asyncio.to_thread(introductions.health, model, name)

    return router


async def _until_gone(
    request: Request, scheduler: Scheduler, chat: ChatRequest
) -> AsyncIterator[str]:
    async for piece in pieces(scheduler, chat):
        if await request.is_disconnected():
            return
        yield piece
