"""OpenAI's API: `GET /v1/models`, `POST /v1/completions`, `POST /v1/chat/completions`.

Knows: its routes, and how a request becomes replies. Does not know the fields
(openai_schemas.py), the objects of an answer (openai_frames.py) or how texts are generated.
Data: request -> one reply a choice -> parts -> a body, or `data:` frames and `data: [DONE]`.

The model is called by the workspace's name, or by that of the run that answers now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request

from inkling.inference.model_provider import NoModelError
from inkling.inference.requests import Finished, RequestBuilder
from inkling.server.json_route import JsonRoute
from inkling.server.openai_answers import (
    ChatCompletion,
    Completion,
    ModelEntry,
    ModelList,
)
from inkling.server.openai_frames import AnswerFormat, ChatFormat, CompletionFormat
from inkling.server.openai_schemas import (
    ChatCompletionRequest,
    CommonRequest,
    CompletionRequest,
)
from inkling.server.refusals import (
    OPENAI,
    OpenAIErrorAnswer,
    Refusal,
    UnknownModelError,
    UnknownRouteError,
    explain,
    openai_error,
)
from inkling.server.reply_stream import (
    ReplyPart,
    ReplyStream,
    completion_builder,
    reply_builder,
    submit,
)
from inkling.server.services import Served, Services
from inkling.server.sse import EventStream, event

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

openai_router = APIRouter(
    prefix=OPENAI, route_class=JsonRoute, responses={"default": {"model": OpenAIErrorAnswer}}
)

STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@openai_router.get("/models")
def list_models(services: Served) -> ModelList:
    """The two names of the model that answers now; none while there is no model."""
    try:
        model = services.scheduler.model()
    except NoModelError:
        return {"object": "list", "data": []}
    names = _names(model, services.name)
    return {"object": "list", "data": [_model_entry(model, name) for name in names]}


@openai_router.get("/models/{model_name:path}")
def read_model(model_name: str, services: Served) -> ModelEntry:
    """The model by one of its names."""
    return _model_entry(_named_model(services, model_name), model_name)


@openai_router.post(
    "/completions",
    response_model=Completion,
    responses=STREAMED,
)
async def complete(body: CompletionRequest, request: Request, services: Served) -> Any:
    """Continue one or several texts."""
    defaults = services.defaults.api
    builders = [
        completion_builder(prompt, body.sampling(choice, defaults), body.top_logprobs)
        for prompt in body.prompts
        for choice in range(body.choices)
    ]
    model = await asyncio.to_thread(_named_model, services, body.model)
    form = CompletionFormat(body.model, model.tokenizer)
    return await _answer(body, builders, form, request, services)


@openai_router.post(
    "/chat/completions",
    response_model=ChatCompletion,
    responses=STREAMED,
)
async def complete_chat(body: ChatCompletionRequest, request: Request, services: Served) -> Any:
    """Answer the last message of a conversation."""
    *history, (_, question) = body.turns()
    defaults = services.defaults.api
    builders = [
        reply_builder(question, history, body.sampling(choice, defaults), body.top_logprobs)
        for choice in range(body.choices)
    ]
    model = await asyncio.to_thread(_named_model, services, body.model)
    form = ChatFormat(body.model, model.tokenizer)
    return await _answer(body, builders, form, request, services)


@openai_router.api_route(
    "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
)
async def nothing_else(path: str) -> None:
    """A client that finds nothing reads what there is."""
    raise UnknownRouteError(
        f"There is no {path[:100]!r} here. Inkling answers GET /v1/models, POST "
        "/v1/chat/completions and POST /v1/completions."
    )


def _names(model: ChatModel, workspace: str) -> list[str]:
    return list(dict.fromkeys((workspace, model.config.name)))


def _named_model(services: Services, name: str) -> ChatModel:
    """The model that answers now. Raises UnknownModelError where it has another name."""
    model = services.scheduler.model()
    names = _names(model, services.name)
    if name not in names:
        raise UnknownModelError(
            f"There is no model {name[:100]!r} here; this server has "
            f"{' and '.join(map(repr, names))}."
        )
    return model


def _model_entry(model: ChatModel, name: str) -> ModelEntry:
    try:
        created = int(datetime.fromisoformat(model.config.created).timestamp())
    except ValueError:
        created = 0  # a run made before runs were dated
    return {"id": name, "object": "model", "created": created, "owned_by": "inkling"}


async def _answer(
    body: CommonRequest,
    builders: list[RequestBuilder],
    form: AnswerFormat,
    request: Request,
    services: Services,
) -> dict[str, Any] | EventStream:
    replies: list[ReplyStream] = []

    def cancel() -> None:
        for reply in replies:
            reply.cancel()

    try:
        for builder in builders:
            replies.append(await submit(services.scheduler, builder))
        if body.stream:
            return EventStream(_frames(replies, form, body), cancel)
        found = [await reply.whole(request.is_disconnected) for reply in replies]
    except Exception:
        cancel()
        raise
    return form.whole([each for each in found if each is not None], body.choices)


async def _frames(
    replies: list[ReplyStream], form: AnswerFormat, body: CommonRequest
) -> AsyncGenerator[str]:
    """Frames of all choices as they come, the usage if it was asked for, and [DONE]."""
    usage: Literal[False] | None = None if body.include_usage else False
    ends: list[Finished] = []
    try:
        for index in range(len(replies)):
            if (opening := form.opening(index)) is not None:
                yield event(form.chunk([opening], usage))
        async with aclosing(_merged(replies)) as parts:
            async for index, part in parts:
                if isinstance(part, Finished):
                    ends.append(part)
                choice = form.part(index, part)
                if choice is not None:
                    yield event(form.chunk([choice], usage))
        if body.include_usage:
            yield event(form.chunk([], form.usage(ends, body.choices)))
        yield event("[DONE]")
    except Exception as error:
        yield event(openai_error(Refusal(500, explain(error))))


async def _merged(replies: list[ReplyStream]) -> AsyncGenerator[tuple[int, ReplyPart | Finished]]:
    """The parts of some replies in the order in which they come."""
    # One place: a client that does not read stops all of its replies from piling up here.
    ready: asyncio.Queue[tuple[int, ReplyPart | Finished | Exception]] = asyncio.Queue(1)

    async def follow(index: int, reply: ReplyStream) -> None:
        try:
            async for part in reply.parts():
                if isinstance(part, ReplyPart | Finished):
                    await ready.put((index, part))
        except Exception as error:
            await ready.put((index, error))

    tasks = [asyncio.create_task(follow(*each)) for each in enumerate(replies)]
    try:
        open_replies = len(tasks)
        while open_replies:
            index, part = await ready.get()
            if isinstance(part, Exception):
                raise part
            open_replies -= isinstance(part, Finished)
            yield index, part
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
