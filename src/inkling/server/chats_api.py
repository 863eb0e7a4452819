"""The chats API: kept conversations, and replies to them.

Knows: the routes under `/api/chats`. Does not know how chats are stored (conversations.py) or
how a reply is written and kept (replies.py).
Data: request -> Conversations or Replies -> JSON, or the frames of `/api/chat/stream` with a
last one that also says where the reply was stored and what wrote it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from inkling.chats import Exchange
from inkling.errors import ChatNotFoundError, InklingError
from inkling.inference.scheduler import Scheduler
from inkling.server.chat_api import frame
from inkling.server.chats_schemas import (
    MAX_ID,
    MAX_LISTED,
    ChooseRequest,
    CorrectionRequest,
    TitleRequest,
    parse,
    parse_number,
)
from inkling.server.conversations import Conversations
from inkling.server.kept_replies import Replies, WritingError
from inkling.server.replies import STREAM_HEADERS
from inkling.server.schemas import (
    MAX_BODY_BYTES,
    BadRequestError,
    SamplingRequest,
    parse_chat,
)


def chats_router(conversations: Conversations, replies: Replies, scheduler: Scheduler) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/chats")

    @router.get("")
    async def chats(q: str = "", limit: str | None = None, offset: str | None = None) -> Response:
        async def read() -> Any:
            most = parse_number(limit, "limit", 100, MAX_LISTED)
            first = parse_number(offset, "offset", 0, MAX_ID - 1)
            return await asyncio.to_thread(conversations.list, q, most, first)

        return await _explained(read)

    @router.post("")
    async def create(request: Request) -> Response:
        async def make() -> Any:
            wanted = parse(TitleRequest, await request.body())
            model = await asyncio.to_thread(scheduler.model)
            return await asyncio.to_thread(conversations.create, wanted.title, model.config.name)

        return await _explained(make, 201)

    @router.get("/export")
    async def export_all() -> Response:
        async def read() -> Any:
            return _download(await asyncio.to_thread(conversations.export, None), "chats")

        return await _explained(read)

    @router.get("/{chat}")
    async def read_chat(chat: str) -> Response:
        async def read() -> Any:
            return await asyncio.to_thread(conversations.open, _number(chat))

        return await _explained(read)

    @router.patch("/{chat}")
    async def rename(request: Request, chat: str) -> Response:
        async def act() -> Any:
            wanted = parse(TitleRequest, await request.body())
            return await asyncio.to_thread(conversations.rename, _number(chat), wanted.title)

        return await _explained(act)

    @router.delete("/{chat}")
    async def delete(chat: str) -> Response:
        async def act() -> Any:
            await replies.stop(_number(chat))
            await asyncio.to_thread(conversations.delete, _number(chat))
            return Response(status_code=204)

        return await _explained(act)

    @router.get("/{chat}/export")
    async def export(chat: str) -> Response:
        async def read() -> Any:
            number = _number(chat)
            return _download(
                await asyncio.to_thread(conversations.export, number), f"chat-{number}"
            )

        return await _explained(read)

    async def write(
        chat: str, wanted: SamplingRequest, exchange: Callable[[int], Exchange]
    ) -> Response:
        """Answer what `exchange` finds or stores, as a stream."""
        number = _number(chat)
        with replies.reserve(number) as writing:
            await asyncio.to_thread(scheduler.model)  # nothing is stored that nobody can answer
            replies.begin(writing, await asyncio.to_thread(exchange, number), wanted)

        async def lines() -> AsyncIterator[str]:
            async with contextlib.aclosing(writing.frames()) as found:
                async for data in found:
                    yield frame(data)

        return StreamingResponse(lines(), media_type="text/event-stream", headers=STREAM_HEADERS)

    @router.post("/{chat}/messages")
    async def say(request: Request, chat: str) -> Response:
        async def act() -> Any:
            wanted = parse_chat(await request.body())
            return await write(chat, wanted, lambda id: conversations.ask(id, wanted.message))

        return await _explained(act)

    @router.post("/{chat}/regenerate")
    async def regenerate(request: Request, chat: str) -> Response:
        async def act() -> Any:
            wanted = parse(SamplingRequest, await request.body())
            return await write(chat, wanted, conversations.again)

        return await _explained(act)

    @router.post("/{chat}/stop")
    async def stop(chat: str) -> Response:
        async def act() -> Any:
            await replies.stop(_number(chat))
            return await asyncio.to_thread(conversations.open, _number(chat))

        return await _explained(act)

    @router.post("/{chat}/choose")
    async def choose(request: Request, chat: str) -> Response:
        async def act() -> Any:
            wanted = parse(ChooseRequest, await request.body())
            return await asyncio.to_thread(
                conversations.choose, _number(chat), wanted.position, wanted.variant
            )

        return await _explained(act)

    @router.put("/{chat}/messages/{position}")
    async def correct(request: Request, chat: str, position: str) -> Response:
        async def act() -> Any:
            wanted = parse(CorrectionRequest, await request.body())
            return await asyncio.to_thread(
                conversations.correct, _number(chat), _number(position, "message"), wanted.text
            )

        return await _explained(act)

    @router.delete("/{chat}/messages/{position}/correction")
    async def undo(chat: str, position: str) -> Response:
        async def act() -> Any:
            return await asyncio.to_thread(
                conversations.undo, _number(chat), _number(position, "message")
            )

        return await _explained(act)

    @router.get("/{chat}/messages/{position}/why")
    async def why(chat: str, position: str) -> Response:
        async def read() -> Any:
            return await asyncio.to_thread(
                conversations.why, _number(chat), _number(position, "message")
            )

        return await _explained(read)

    return router


def _number(text: str, what: str = "chat") -> int:
    """An id of the address. Raises ChatNotFoundError for what can be none."""
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) >= MAX_ID:
        raise ChatNotFoundError(f"There is no {what} {text[:40]!r}.")
    return int(text)


def _download(lines: str, name: str) -> Response:
    return Response(
        lines.encode(),
        media_type="application/jsonl",
        headers={"Content-Disposition": f'attachment; filename="{name}.jsonl"'},
    )


async def _explained(action: Callable[[], Awaitable[Any]], status: int = 200) -> Response:
    """The result as JSON, or the refusal as `{"error": sentence}`."""
    try:
        result = await action()
    except BadRequestError as error:
        return _refused(400, str(error))
    except ClientDisconnect:
        return _refused(413, f"The request is larger than {MAX_BODY_BYTES:,} bytes.")
    except ChatNotFoundError as error:
        return _refused(404, str(error))
    except (WritingError, InklingError) as error:
        return _refused(409, str(error))
    if isinstance(result, Response):
        return result
    return JSONResponse(
        result if isinstance(result, dict) else result.model_dump(), status_code=status
    )


def _refused(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)
