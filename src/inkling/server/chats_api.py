"""The chats API: kept conversations, and replies to them.

Knows: the routes under `/api/chats`. Does not know how chats are stored (chat_service.py) or
how a reply is generated and stored (chat_replies.py).
Data: request -> `ChatService` or `ChatReplies` -> JSON, or the frames of `/api/chat/stream` with
a last one that also says where the reply was stored and what generated it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from inkling.chats import PendingReply
from inkling.errors import ChatNotFoundError
from inkling.server.chat_replies import Listening
from inkling.server.chats_schemas import (
    MAX_LISTED,
    ChatList,
    ChatRow,
    ChooseRequest,
    CopyRequest,
    CorrectedChat,
    CorrectionRequest,
    KeptChat,
    TitleRequest,
    TraceAnswer,
)
from inkling.server.json_route import JsonRoute
from inkling.server.parameters import ChatId, MessagePosition, WholeNumber
from inkling.server.refusals import ErrorAnswer
from inkling.server.schemas import ChatRequest, ReplyFrame, SamplingRequest
from inkling.server.services import Served, Services
from inkling.server.sse import EventStream, described, event

chats_router = APIRouter(
    prefix="/api/chats", route_class=JsonRoute, responses={"default": {"model": ErrorAnswer}}
)


STREAM = described(ReplyFrame)
DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}
}


@chats_router.get("")
def list_chats(
    services: Served, q: str = "", limit: WholeNumber = None, offset: WholeNumber = None
) -> ChatList:
    """Conversations, the newest first; with `q` those in whose title or messages it stands."""
    most = 100 if limit is None else min(limit, MAX_LISTED)
    return services.chats.list(q, most, offset or 0)


@chats_router.post("", status_code=201)
def create_chat(services: Served, body: TitleRequest = TitleRequest()) -> ChatRow:  # noqa: B008
    """A new conversation. Without a title its first message becomes the title."""
    model = services.scheduler.model()
    return services.chats.create(body.title, model.config.name)


@chats_router.get("/export", response_class=Response, responses=DOWNLOAD)
def export_all(services: Served) -> Response:
    """All conversations as JSON Lines that `inkling add` reads."""
    return _download(services.chats.export(None), "chats")


@chats_router.post("/messages", response_class=EventStream, responses=STREAM)
async def begin_chat(body: ChatRequest, services: Served) -> EventStream:
    """Begin a conversation with its first message, then answer it. The first frame says which chat
    it is; there is none without a message."""
    # Nothing is stored that cannot be answered.
    model = await asyncio.to_thread(services.scheduler.model, body.choice)
    begin = partial(services.chats.begin, body.message, model.config.name)
    chat = await asyncio.to_thread(begin)
    return await _answer(chat, body, services.chats.pending, services, begun=True)


@chats_router.get("/{chat}")
async def read_chat(chat: ChatId, services: Served) -> KeptChat:
    """A conversation with every variant of every message."""
    return await _read(chat, services)


@chats_router.patch("/{chat}")
def rename_chat(chat: ChatId, body: TitleRequest, services: Served) -> ChatRow:
    """Give a conversation another title."""
    return services.chats.rename(chat, body.title)


@chats_router.delete("/{chat}", status_code=204)
async def delete_chat(chat: ChatId, services: Served) -> None:
    """Delete a conversation, and the training pairs that came of its corrections."""
    await services.replies.stop(chat)
    await asyncio.to_thread(services.chats.delete, chat)


@chats_router.get("/{chat}/export", response_class=Response, responses=DOWNLOAD)
def export_chat(chat: ChatId, services: Served) -> Response:
    """A conversation as JSON Lines that `inkling add` reads."""
    return _download(services.chats.export(chat), f"chat-{chat}")


@chats_router.post("/{chat}/messages", response_class=EventStream, responses=STREAM)
async def say(chat: ChatId, body: ChatRequest, services: Served) -> EventStream:
    """Store a message, then answer it; `history` is ignored, the conversation is the history."""
    store = partial(services.chats.ask, message=body.message)
    return await _answer(chat, body, store, services)


@chats_router.post("/{chat}/regenerate", response_class=EventStream, responses=STREAM)
async def regenerate(
    chat: ChatId,
    services: Served,
    body: SamplingRequest = SamplingRequest(),  # noqa: B008
) -> EventStream:
    """Another reply to the last message, kept beside the earlier ones."""
    return await _answer(chat, body, services.chats.pending, services)


@chats_router.get("/{chat}/reply", response_class=EventStream, responses=STREAM)
async def listen(chat: ChatId, services: Served) -> EventStream:
    """The reply that is being generated, from its first character on: for a page that was reloaded
    meanwhile, or for another one."""
    reply = services.replies.under_way(chat)
    if reply is None:
        raise ChatNotFoundError(f"No reply to chat {chat} is being generated.")
    listening = reply.listen()
    return EventStream(_frames(listening), listening.close)


@chats_router.post("/{chat}/copy", status_code=201)
def copy_chat(chat: ChatId, body: CopyRequest, services: Served) -> ChatRow:
    """A new conversation with what was said in this one before a message: to say something else
    from there on. This one stays as it is."""
    return services.chats.copy(chat, body.before)


@chats_router.post("/{chat}/stop")
async def stop(chat: ChatId, services: Served) -> KeptChat:
    """End the reply that is being generated, if one is; the conversation as it is stored then."""
    await services.replies.stop(chat)
    return await _read(chat, services)


@chats_router.post("/{chat}/choose")
def choose(chat: ChatId, body: ChooseRequest, services: Served) -> KeptChat:
    """Say which variant of a reply counts."""
    return services.chats.choose(chat, body.position, body.variant)


@chats_router.put("/{chat}/messages/{position}")
def correct(
    chat: ChatId, position: MessagePosition, body: CorrectionRequest, services: Served
) -> CorrectedChat:
    """Correct a reply: with what was said before it, it becomes a training pair."""
    return services.chats.correct(chat, position, body.text)


@chats_router.delete("/{chat}/messages/{position}/correction")
def undo_correction(chat: ChatId, position: MessagePosition, services: Served) -> KeptChat:
    """Take a correction back, and the training pair with it."""
    return services.chats.undo(chat, position)


@chats_router.get("/{chat}/messages/{position}/why")
def why(chat: ChatId, position: MessagePosition, services: Served) -> TraceAnswer:
    """What of a reply stands word for word in what its run was trained on, and where; and how much
    of it came from memory."""
    return services.chats.why(chat, position, services.scheduler.current)


async def _read(chat: int, services: Services) -> KeptChat:
    under_way = services.replies.under_way(chat)  # first: what ends meanwhile is stored already
    found = await asyncio.to_thread(services.chats.open, chat)
    if under_way is not None:
        found.replying = "again" if under_way.again else "first"
    return found


async def _answer(
    chat: int,
    body: SamplingRequest,
    find: Callable[[int], PendingReply],
    services: Services,
    begun: bool = False,
) -> EventStream:
    """Answer what `find` stores or finds, as a stream."""
    with services.replies.reserve(chat) as reply:
        # Nothing is stored that cannot be answered.
        await asyncio.to_thread(services.scheduler.model, body.choice)
        pending = await asyncio.to_thread(find, chat)
        settings = body.sampling(services.defaults.api)
        services.replies.begin(reply, pending, settings, body.choice)
    listening = reply.listen()
    return EventStream(_frames(listening, chat if begun else None), listening.close)


async def _frames(listening: Listening, begun: int | None = None) -> AsyncGenerator[str]:
    if begun is not None:
        yield event({"chat": begun})
    async for frame in listening.frames():
        yield event(frame)


def _download(lines: str, name: str) -> Response:
    return Response(
        lines.encode(),
        media_type="application/jsonl",
        headers={"Content-Disposition": f'attachment; filename="{name}.jsonl"'},
    )
