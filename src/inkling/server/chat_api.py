"""The chat API: `POST /api/chat`, `POST /api/chat/stream`, `GET /api/health`.

Knows: the frames and fields that clients rely on. Does not know how replies are written.
Data: request -> scheduler ticket -> pieces -> JSON, or SSE frames `data: {"text": …}` and a
last `data: {"done": true}`; on failure `data: {"error": …}`. Who asks for it with
`"queue": true` is also told the place in the queue, `data: {"queued": …}`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from inkling.errors import InklingError
from inkling.inference.newest import NoModelError
from inkling.inference.scheduler import QueueFullError, Scheduler
from inkling.inference.tickets import End
from inkling.server.replies import EventStream, Queued, Reply, ask, explain
from inkling.server.schemas import (
    MAX_BODY_BYTES,
    BadRequestError,
    ChatRequest,
    Health,
    body_of,
    parse_chat,
)
from inkling.server.voice import Introductions

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel, Draft


def _refusal(error: Exception) -> JSONResponse:
    """What went wrong before anything was written, as `{"error": sentence}`."""
    headers = None
    if isinstance(error, BadRequestError):
        status, sentence = 400, str(error)
    elif isinstance(error, ClientDisconnect):
        # A body cut off by the size limit looks like a client that left; if it did leave, nobody
        # reads this.
        status, sentence = 413, f"The request is larger than {MAX_BODY_BYTES:,} bytes."
    elif isinstance(error, QueueFullError):
        status, sentence = 429, str(error)
        headers = {"Retry-After": str(error.retry_after)}
    else:
        status, sentence = 503 if isinstance(error, NoModelError) else 500, explain(error)
    return JSONResponse({"error": sentence}, status_code=status, headers=headers)


def frame(data: dict[str, Any]) -> str:
    # ASCII only: U+2028 and U+0085 would end a line for some SSE readers.
    return f"data: {json.dumps(data)}\n\n"


async def _frames(reply: Reply, tell_position: bool) -> AsyncGenerator[str]:
    try:
        async for part in reply.parts(tell_position):
            if isinstance(part, End):
                yield frame({"done": True})
            elif isinstance(part, Queued):
                yield frame({"queued": part.position})
            elif part.text:
                yield frame({"text": part.text})
    except Exception as error:
        yield frame({"error": explain(error)})


def chat_router(scheduler: Scheduler, name: str) -> APIRouter:
    """The three routes."""
    router = APIRouter()
    introductions = Introductions()

    async def begin(request: Request) -> tuple[ChatRequest, Reply]:
        wanted = parse_chat(await request.body())

        def job(model: ChatModel) -> Draft:
            return model.reply_draft(wanted.message, wanted.turns(), wanted.sampling())

        return wanted, await ask(scheduler, job)

    @router.post("/api/chat", openapi_extra=body_of(ChatRequest))
    async def chat(request: Request) -> Response:
        try:
            _, reply = await begin(request)
            found = await reply.whole(request.is_disconnected)
        except Exception as error:
            return _refusal(error)
        return JSONResponse({"reply": found[0].text if found else ""})

    @router.post("/api/chat/stream", openapi_extra=body_of(ChatRequest))
    async def stream(request: Request) -> Response:
        try:
            wanted, reply = await begin(request)
        except Exception as error:
            return _refusal(error)
        return EventStream(_frames(reply, wanted.queue), [reply])

    @router.get("/api/health")
    async def health() -> Health:
        try:
            model = await asyncio.to_thread(scheduler.model)
        except InklingError as error:
            return Health(ok=False, name=name, error=str(error))
        return await asyncio.to_thread(introductions.health, model, name)

    return router
