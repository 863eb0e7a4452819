"""The stateless chat API: `POST /api/chat`, `POST /api/chat/stream`, `GET /api/health`.

Knows: the frames and fields that clients rely on. Does not know how replies are generated.
Data: request -> `ReplyStream` -> JSON, or frames `data: {"text": …}` and a last
`data: {"done": true}`; on failure `data: {"error": …}`. Who asks with `"queue": true` also gets
the place in the queue, `data: {"queued": …}`; with `"origin": true` the last frame says what
replied.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request

from inkling.errors import InklingError
from inkling.inference.requests import Finished, ModelChoice
from inkling.server.json_route import JsonRoute
from inkling.server.parameters import WholeNumber
from inkling.server.refusals import ErrorAnswer, explain
from inkling.server.reply_stream import Queued, ReplyStream, reply_builder, submit
from inkling.server.schemas import ChatAnswer, ChatRequest, Health, PageDefaults, ReplyFrame
from inkling.server.services import Served, Services
from inkling.server.sse import EventStream, described, event

chat_router = APIRouter(
    prefix="/api", route_class=JsonRoute, responses={"default": {"model": ErrorAnswer}}
)


@chat_router.post("/chat")
async def chat(body: ChatRequest, request: Request, services: Served) -> ChatAnswer:
    """Answer a message, in one piece. Nothing is kept."""
    reply = await _submit(body, services)
    found = await reply.whole(request.is_disconnected)
    return ChatAnswer(reply=found[0].text if found else "")


@chat_router.post("/chat/stream", response_class=EventStream, responses=described(ReplyFrame))
async def stream(body: ChatRequest, services: Served) -> EventStream:
    """Answer a message as it is generated. Hanging up stops it. Nothing is kept."""
    reply = await _submit(body, services)
    return EventStream(_frames(reply, body.queue, body.origin), reply.cancel)


@chat_router.get("/health")
async def health(services: Served, run: str | None = None, step: WholeNumber = None) -> Health:
    """Whether there is a model, which one, and how a page introduces it; of a chosen run and step,
    or of what replies where none is chosen."""
    speaker = await asyncio.to_thread(services.speaker)
    try:
        model = await asyncio.to_thread(services.scheduler.model, ModelChoice(run or None, step))
    except InklingError as error:
        defaults = PageDefaults.of(services.defaults.page)
        return Health(ok=False, name=speaker, defaults=defaults, error=str(error))
    return await asyncio.to_thread(services.cards.health, model, speaker, services.defaults.page)


async def _submit(body: ChatRequest, services: Services) -> ReplyStream:
    settings = body.sampling(services.defaults.api)
    builder = reply_builder(body.message, body.turns(), settings)
    return await submit(services.scheduler, builder, body.choice)


async def _frames(
    reply: ReplyStream, report_position: bool, report_origin: bool
) -> AsyncGenerator[str]:
    frame: ReplyFrame
    try:
        async for part in reply.parts(report_position):
            if isinstance(part, Finished):
                frame = {"done": True}
                if report_origin:
                    model = reply.request.model
                    frame |= {"run": model.config.name, "step": model.step}
                    if unread := reply.request.spec.unread:
                        frame["unread"] = unread
            elif isinstance(part, Queued):
                frame = {"queued": part.position}
            elif part.text:
                frame = {"text": part.text}
            else:
                continue
            yield event(frame)
    except Exception as error:
        yield event({"error": explain(error)})
