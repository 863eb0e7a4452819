"""OpenAI's API: `GET /v1/models`, `POST /v1/completions`, `POST /v1/chat/completions`.

Knows: its routes, its statuses, and how a request becomes replies. Does not know the fields
(openai_schemas.py), the frames (openai_frames.py) or how replies are written.
Data: request -> one reply a choice -> parts -> a body, or `data:` frames and `data: [DONE]`.

The model is called by the workspace's name, or by that of the run that answers now.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from inkling.errors import InklingError
from inkling.inference.newest import NoModelError
from inkling.inference.scheduler import QueueFullError, Scheduler
from inkling.inference.tickets import End, Job
from inkling.server.openai_frames import DONE, ChatFormat, CompletionFormat, Format, frame
from inkling.server.openai_schemas import (
    ChatCompletionRequest,
    CommonRequest,
    CompletionRequest,
    InvalidRequestError,
    error_body,
    parse_chat_completion,
    parse_completion,
)
from inkling.server.replies import EventStream, Reply, Written, ask, explain
from inkling.server.schemas import MAX_BODY_BYTES, body_of

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel, Draft


class UnknownModelError(InklingError):
    """A model was asked for that is not served."""


def openai_router(scheduler: Scheduler, name: str) -> APIRouter:
    """The routes under /v1."""
    router = APIRouter(prefix="/v1")

    @router.get("/models")
    async def models() -> Response:
        try:
            model = await asyncio.to_thread(scheduler.model)
        except NoModelError:
            return JSONResponse({"object": "list", "data": []})
        except Exception as error:
            return _refusal(error)
        listed = [_model_entry(model, each) for each in _names(model, name)]
        return JSONResponse({"object": "list", "data": listed})

    @router.get("/models/{model_name:path}")
    async def one_model(model_name: str) -> Response:
        try:
            model = await asyncio.to_thread(scheduler.model)
            _check_name(model, name, model_name)
        except Exception as error:
            return _refusal(error)
        return JSONResponse(_model_entry(model, model_name))

    @router.post("/completions", openapi_extra=body_of(CompletionRequest))
    async def completions(request: Request) -> Response:
        async def begin() -> tuple[CommonRequest, list[Job], Callable[[ChatModel], Format]]:
            wanted = parse_completion(await request.body())
            jobs = [
                _completion_job(wanted, prompt, choice)
                for prompt in wanted.prompts
                for choice in range(wanted.choices)
            ]
            return wanted, jobs, lambda model: CompletionFormat(wanted.model, model.tokenizer)

        return await _answer(request, scheduler, name, begin)

    @router.post("/chat/completions", openapi_extra=body_of(ChatCompletionRequest))
    async def chat_completions(request: Request) -> Response:
        async def begin() -> tuple[CommonRequest, list[Job], Callable[[ChatModel], Format]]:
            wanted = parse_chat_completion(await request.body())
            turns = wanted.turns()
            jobs = [_chat_job(wanted, turns, choice) for choice in range(wanted.choices)]
            return wanted, jobs, lambda model: ChatFormat(wanted.model, model.tokenizer)

        return await _answer(request, scheduler, name, begin)

    @router.api_route(
        "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
    )
    async def nothing_else(path: str) -> Response:
        sentence = (
            f"There is no {path[:100]!r} here. Inkling answers GET /v1/models, POST "
            "/v1/chat/completions and POST /v1/completions."
        )
        return JSONResponse(error_body(sentence, "invalid_request_error"), status_code=404)

    return router


def _completion_job(wanted: CompletionRequest, prompt: str, choice: int) -> Job:
    def job(model: ChatModel) -> Draft:
        return model.completion_draft(prompt, wanted.sampling(choice), wanted.top_logprobs)

    return job


def _chat_job(wanted: ChatCompletionRequest, turns: list[tuple[str, str]], choice: int) -> Job:
    *history, (_, question) = turns

    def job(model: ChatModel) -> Draft:
        return model.reply_draft(question, history, wanted.sampling(choice), wanted.top_logprobs)

    return job


def _names(model: ChatModel, name: str) -> list[str]:
    return list(dict.fromkeys((name, model.config.name)))


def _check_name(model: ChatModel, name: str, asked: str) -> None:
    names = _names(model, name)
    if asked not in names:
        raise UnknownModelError(
            f"There is no model {asked[:100]!r} here; this server has "
            f"{' and '.join(map(repr, names))}."
        )


def _model_entry(model: ChatModel, name: str) -> dict[str, Any]:
    try:
        created = int(datetime.fromisoformat(model.config.created).timestamp())
    except ValueError:
        created = 0  # a run made before runs were dated
    return {"id": name, "object": "model", "created": created, "owned_by": "inkling"}


async def _answer(
    request: Request,
    scheduler: Scheduler,
    name: str,
    begin: Callable[[], Any],
) -> Response:
    replies: list[Reply] = []
    try:
        wanted, jobs, make_format = await begin()
        model = await asyncio.to_thread(scheduler.model)
        _check_name(model, name, wanted.model)
        form = make_format(model)
        for job in jobs:
            replies.append(await ask(scheduler, job))
        if wanted.stream:
            return EventStream(_frames(replies, form, wanted), replies)
        found = [await reply.whole(request.is_disconnected) for reply in replies]
    except Exception as error:
        for reply in replies:
            reply.ticket.cancel()
        return _refusal(error)
    texts = [each for each in found if each is not None]
    return JSONResponse(form.whole(texts, wanted.choices))


async def _frames(replies: list[Reply], form: Format, wanted: CommonRequest) -> AsyncGenerator[str]:
    """Frames of all choices as they come, the usage if it was asked for, and [DONE]."""
    usage = None if wanted.include_usage else False
    ends: list[End] = []
    try:
        for index in range(len(replies)):
            if (opening := form.opening(index)) is not None:
                yield frame(form.chunk([opening], usage))
        async with aclosing(_merged(replies)) as parts:
            async for index, part in parts:
                if isinstance(part, End):
                    ends.append(part)
                choice = form.part(index, part)
                if choice is not None:
                    yield frame(form.chunk([choice], usage))
        if wanted.include_usage:
            yield frame(form.chunk([], form.usage(ends, wanted.choices)))
        yield DONE
    except Exception as error:
        yield frame(error_body(explain(error), "server_error"))


async def _merged(replies: list[Reply]) -> AsyncGenerator[tuple[int, Written | End]]:
    """The parts of some replies in the order in which they come."""
    # One place: a client that does not read stops all of its replies from piling up here.
    ready: asyncio.Queue[tuple[int, Written | End | Exception]] = asyncio.Queue(1)

    async def follow(index: int, reply: Reply) -> None:
        try:
            async for part in reply.parts():
                if isinstance(part, Written | End):
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
            open_replies -= isinstance(part, End)
            yield index, part
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(error: Exception) -> Response:
    """What went wrong before anything was written, in OpenAI's shape."""
    kind, param, code, headers = "invalid_request_error", None, None, None
    sentence = str(error)
    if isinstance(error, InvalidRequestError):
        status, param = 400, error.param
    elif isinstance(error, UnknownModelError):
        status, param, code = 404, "model", "model_not_found"
    elif isinstance(error, ClientDisconnect):
        # A body cut off by the size limit looks like a client that left.
        status, sentence = 413, f"The request is larger than {MAX_BODY_BYTES:,} bytes."
    elif isinstance(error, QueueFullError):
        status, kind, code = 429, "rate_limit_error", "rate_limit_exceeded"
        headers = {"Retry-After": str(error.retry_after)}
    else:
        status, kind = 503 if isinstance(error, NoModelError) else 500, "server_error"
        sentence = explain(error)
    return JSONResponse(error_body(sentence, kind, param, code), status, headers)
