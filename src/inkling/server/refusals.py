"""What a request is refused with: one table from errors to statuses, and the two shapes of an
error.

Knows: which error is which status under which address, our shape `{"error": sentence}` and
OpenAI's. Does not know routes.
Data: exception -> `Refusal` -> JSON.

Invalid input is 400 with the first thing that is wrong, not FastAPI's 422 with all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from typing_extensions import TypedDict

from inkling.config.faults import fault_of
from inkling.errors import ChatNotFoundError, ChatsError, InklingError, RunError, UsageError
from inkling.inference.model_provider import NoModelError, NoSuchModelError
from inkling.inference.scheduler import QueueFullError
from inkling.server.bodies import SENTENCE

MAX_BODY_BYTES = 1_000_000
MAX_LIST_BYTES = 20_000_000
"""Of a list of files that will be sent."""
MAX_SENT_BYTES = 10_000_000_000
"""Of the files themselves."""
UNEXPECTED = "Something went wrong on the server; its terminal says more. Try again."
OPENAI = "/v1"

log = logging.getLogger("inkling.server")


def body_limit(method: str, path: str) -> int:
    """How many bytes a request has at most."""
    if path.startswith("/api/imports"):
        if method == "PUT":
            return MAX_SENT_BYTES
        if path == "/api/imports":
            return MAX_LIST_BYTES
    return MAX_BODY_BYTES


class BodyTooLargeError(InklingError):
    """A request is larger than the server reads."""

    def __init__(self, most: int = MAX_BODY_BYTES) -> None:
        super().__init__(f"The request is larger than {most:,} bytes.")


class ReplyInProgressError(ChatsError):
    """A reply to this chat is being generated already."""


class TooManyWatchersError(InklingError):
    """More event streams of trainings are open than the server keeps."""

    def __init__(self, most: int, retry_after: int) -> None:
        super().__init__(f"{most} pages are watching a training already. Close some.")
        self.retry_after = retry_after


class ImportNotFoundError(InklingError):
    """There is no such import, or none any more."""


class ExportNotFoundError(InklingError):
    """There is no such export in the workspace."""


class UnheededWarningsError(InklingError):
    """An export was asked for without a word that its warnings were read."""

    def __init__(self, warnings: Sequence[str]) -> None:
        super().__init__(f"{' '.join(warnings)} Send despite_warnings to export it all the same.")


class UnknownModelError(InklingError):
    """A model was asked for that is not served."""


class UnknownRouteError(InklingError):
    """OpenAI's API has this address perhaps, Inkling has not."""


# The first row that fits counts: an address that begins so, an error of that class.
_TABLE: tuple[tuple[str, type[Exception], int], ...] = (
    ("/", RequestValidationError, 400),
    ("/", BodyTooLargeError, 413),
    ("/", QueueFullError, 429),
    ("/", TooManyWatchersError, 429),
    ("/v1", UnknownModelError, 404),
    ("/v1", UnknownRouteError, 404),
    ("/api/chats", ChatNotFoundError, 404),
    ("/api/chats", InklingError, 409),  # what cannot be done now, no model yet included
    ("/api/imports", ImportNotFoundError, 404),
    ("/api/imports", UsageError, 400),
    ("/api/imports", InklingError, 409),
    ("/api/corpus", InklingError, 409),
    ("/api/exports", ExportNotFoundError, 404),
    ("/api/exports", RunError, 404),
    ("/api/exports", InklingError, 409),
    ("/api/inside", UsageError, 400),
    ("/api/inside", NoModelError, 503),
    ("/api/inside", RunError, 404),
    ("/api/inside", InklingError, 409),
    ("/api/runs", RunError, 404),
    ("/api/runs", InklingError, 409),
    ("/", NoSuchModelError, 404),
    ("/", RunError, 503),  # there is no model, or none that can be used
    ("/", Exception, 500),
)


@dataclass(frozen=True)
class Refusal:
    """A status and a sentence; what only one of the shapes has is None elsewhere."""

    status: int
    sentence: str
    param: str | None = None
    """The field that is wrong."""
    code: str | None = None
    retry_after: int | None = None
    """Seconds."""


class ErrorAnswer(BaseModel):
    """Every refusal under /api."""

    error: str


class OpenAIError(TypedDict):
    """What went wrong, as OpenAI's API says it."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorAnswer(TypedDict):
    """Every refusal under /v1, and a frame where a stream breaks off."""

    error: OpenAIError


def explain(error: Exception) -> str:
    """A sentence for whoever asked. What we did not expect is logged, and none of its business."""
    if isinstance(error, InklingError):
        return str(error)
    log.error("a request failed", exc_info=error)
    return UNEXPECTED


def refusal(path: str, error: Exception) -> Refusal:
    """What an error means to the client of an address."""
    status = next(
        status
        for prefix, kind, status in _TABLE
        if path.startswith(prefix) and isinstance(error, kind)
    )
    if isinstance(error, RequestValidationError):
        sentence, param = _first_fault(error)
        return Refusal(status, sentence, param)
    sentence = str(error) if isinstance(error, InklingError) else UNEXPECTED
    if isinstance(error, UnknownModelError):
        return Refusal(status, sentence, "model", "model_not_found")
    if isinstance(error, QueueFullError | TooManyWatchersError):
        return Refusal(status, sentence, code="rate_limit_exceeded", retry_after=error.retry_after)
    return Refusal(status, sentence)


def _first_fault(error: RequestValidationError) -> tuple[str, str | None]:
    """Where and what is wrong with a request, and the field, by the first thing that is."""
    first = error.errors()[0]
    _, *where = first["loc"]  # the first part says body, query or header
    message = first["msg"].removeprefix("Value error, ")
    param = first.get("ctx", {}).get("param") or (str(where[0]) if where else None)
    if first["type"] == SENTENCE:
        return message, param
    place = ".".join(map(str, where)) or "The body"
    sentence = fault_of(place, first)
    if first["type"] == "string_unicode":
        sentence = f"{place}: the text is not valid Unicode."
    if first["type"] == "whole_number":
        sentence = f"{place}: {message}"
    # The name of an unknown field may be half a surrogate pair, which no answer can hold.
    return sentence.encode(errors="replace").decode(), param


def openai_error(found: Refusal) -> OpenAIErrorAnswer:
    """OpenAI's shape."""
    kind = "server_error" if found.status >= 500 else "invalid_request_error"
    if found.status == 429:
        kind = "rate_limit_error"
    return {
        "error": {
            "message": found.sentence,
            "type": kind,
            "param": found.param,
            "code": found.code,
        }
    }


def response(path: str, found: Refusal) -> JSONResponse:
    """A refusal in the shape of its address."""
    body: Any = openai_error(found) if path.startswith(OPENAI) else {"error": found.sentence}
    headers = None if found.retry_after is None else {"Retry-After": str(found.retry_after)}
    return JSONResponse(body, found.status, headers)


def install(app: FastAPI) -> None:
    """Have an application answer every error by the table."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        return response(request.url.path, refusal(request.url.path, error))

    # What is raised for Exception is also logged, by the server that runs the application.
    for kind in (RequestValidationError, InklingError, Exception):
        app.add_exception_handler(kind, answer)
