"""The imports API: what `inkling add` does, for a page.

Knows: the routes under `/api/imports`. Does not know what may be done when
(imports.py), where files lie meanwhile (sent_files.py) or how anything is read (import_job.py).
Data: what will be sent -> an id; the files one behind the other -> a preview; names -> what was
added. Events `now` tell how far it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect

from inkling.corpus.importing.registry import importers
from inkling.errors import InklingError
from inkling.server.import_job import ImportJob
from inkling.server.import_requests import ConfirmRequest, ImportRequest, ReadAgainRequest
from inkling.server.import_schemas import (
    ImportAnswer,
    ImportEvents,
    ImportNow,
    KnownSource,
    KnownSources,
)
from inkling.server.json_route import JsonRoute
from inkling.server.refusals import ErrorAnswer, ImportNotFoundError, TooManyWatchersError
from inkling.server.runs_api import FULL_RETRY_SECONDS, HEARTBEAT_SECONDS, MAX_WATCHERS
from inkling.server.services import Served, Services
from inkling.server.sse import HEARTBEAT, EventStream, described, event, reconnect_after

POLL_SECONDS = 0.25
RECONNECT_MILLISECONDS = 1_000
PIECE_BYTES = 1 << 20
"""That are written at once, off the event loop."""

_REFUSALS: dict[int | str, dict[str, Any]] = {"default": {"model": ErrorAnswer}}
imports_router = APIRouter(prefix="/api/imports", route_class=JsonRoute, responses=_REFUSALS)

_BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@imports_router.get("")
def read_import(services: Served) -> ImportAnswer:
    """The import there is, whoever began it."""
    return ImportAnswer(now=services.imports.current())


@imports_router.get("/sources")
def read_sources() -> KnownSources:
    """Everything that can be imported, with where its export is found."""
    known = sorted(importers(), key=lambda importer: importer.title.casefold())
    return KnownSources(sources=[KnownSource.of(importer) for importer in known])


@imports_router.post("", status_code=201)
def begin_import(services: Served, body: ImportRequest) -> ImportNow:
    """Announce files, which are sent next, or give an address, which is read at once."""
    return services.imports.begin(body)


@imports_router.put("/{import_id}/files", openapi_extra=_BYTES)
async def send_files(import_id: str, services: Served, request: Request) -> ImportNow:
    """All files that were announced, one behind the other, without anything between them. They are
    read when the last byte is here."""
    job = await asyncio.to_thread(services.imports.receive, import_id)
    try:
        async for piece in _pieces(request):
            await asyncio.to_thread(job.files.write, piece)
            job.touched = time.monotonic()
        return await asyncio.to_thread(services.imports.received, job)
    except ClientDisconnect:
        await asyncio.to_thread(_abandon, services, job)
        return job.now()  # nobody reads it
    except ImportNotFoundError:
        raise
    except InklingError as error:
        job.fail(str(error))
        raise
    finally:
        job.receiving = False


@imports_router.get("/{import_id}")
def read_one_import(import_id: str, services: Served) -> ImportNow:
    """How an import is."""
    return services.imports.now(import_id)


@imports_router.post("/{import_id}/read", status_code=202)
def read_import_again(import_id: str, services: Served, body: ReadAgainRequest) -> ImportNow:
    """Read what was sent once more, as a person says what it is, how its text is encoded, who they
    are in it. Before it is confirmed, or where nothing could be read."""
    return services.imports.read_again(import_id, body)


@imports_router.post("/{import_id}/confirm", status_code=202)
def confirm_import(
    import_id: str,
    services: Served,
    body: ConfirmRequest = ConfirmRequest(),  # noqa: B008
) -> ImportNow:
    """Add what was found. Confirmed twice, it is added once."""
    return services.imports.confirm(import_id, body)


@imports_router.delete("/{import_id}", status_code=204)
def cancel_import(import_id: str, services: Served) -> None:
    """End an import, or take one away that is over."""
    services.imports.cancel(import_id)


@imports_router.get(
    "/{import_id}/events", response_class=EventStream, responses=described(ImportEvents)
)
async def watch_import(import_id: str, services: Served) -> EventStream:
    """How an import is, whenever that has changed, until it is taken away."""
    services.imports.now(import_id)
    if len(services.watchers) >= MAX_WATCHERS:
        raise TooManyWatchersError(MAX_WATCHERS, FULL_RETRY_SECONDS)
    watcher = object()
    services.watchers.add(watcher)
    return EventStream(_frames(services, import_id), lambda: services.watchers.discard(watcher))


async def _frames(services: Services, import_id: str) -> AsyncGenerator[str]:
    yield reconnect_after(RECONNECT_MILLISECONDS)
    sent: ImportNow | None = None
    last = time.monotonic()
    while not services.closing.is_set():
        try:
            now = services.imports.now(import_id)
        except ImportNotFoundError:
            return
        if now != sent:
            sent, last = now, time.monotonic()
            yield event(now.model_dump(), "now")
        elif time.monotonic() - last >= HEARTBEAT_SECONDS:
            last = time.monotonic()
            yield HEARTBEAT
        await asyncio.sleep(POLL_SECONDS)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces that are worth a step to another thread."""
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _abandon(services: Services, job: ImportJob) -> None:
    """Whoever sent it has left."""
    try:
        services.imports.cancel(job.id)
    except ImportNotFoundError:
        job.cancel()
