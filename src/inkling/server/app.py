"""The web server: the chat APIs, OpenAI's API, the runs and imports APIs and the page, on loopback.

Knows: how the parts are put together. Data: workspace -> `Services` -> routes. Nothing here
imports torch: the page is there before it is.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from inkling import __version__
from inkling.errors import ServerError
from inkling.inference.scheduler import Scheduler
from inkling.server import refusals
from inkling.server.chat_api import chat_router
from inkling.server.chat_replies import ChatReplies
from inkling.server.chat_service import ChatService
from inkling.server.chats_api import chats_router
from inkling.server.corpus_api import corpus_router
from inkling.server.counted_corpus import CountedCorpus
from inkling.server.exports_api import exports_router
from inkling.server.import_api import imports_router
from inkling.server.imports import Imports
from inkling.server.inside_api import inside_router
from inkling.server.inspected_models import InspectedModels
from inkling.server.model_cards import ModelCards
from inkling.server.openai_api import openai_router
from inkling.server.page_files import PageFiles
from inkling.server.runs_api import runs_router
from inkling.server.security import LOOPBACK, Security
from inkling.server.services import SamplingDefaults, Services
from inkling.server.training_process import TrainingProcess

STATIC = Path(__file__).parent / "static"

# Streams are sent as they come; tensors would be hardly smaller and take longer.
UNCOMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream")


def create_api() -> FastAPI:
    """The routes and how they refuse, without what they work with: enough for the OpenAPI
    document."""
    # FastAPI's own documentation pages load scripts from elsewhere; nothing here does.
    api = FastAPI(
        title="Inkling", version=__version__, lifespan=_lifespan, docs_url=None, redoc_url=None
    )
    refusals.install(api)
    api.add_middleware(GZipMiddleware, compresslevel=6, exclude_content_types=UNCOMPRESSED)
    for router in (
        chat_router,
        chats_router,
        corpus_router,
        runs_router,
        imports_router,
        exports_router,
        inside_router,
        openai_router,
    ):
        api.include_router(router)
    return api


def create_app(
    scheduler: Scheduler,
    training: TrainingProcess,
    name: str,
    host: str = "127.0.0.1",
    token: str | None = None,
    closing: threading.Event | None = None,
    defaults: SamplingDefaults | None = None,
    any_account: bool = False,
) -> Security:
    """The ASGI application, guarded.

    `name` is the workspace's. `token` is required of every request where given; without one only
    this process's own account is answered, unless `any_account` is. Streams that would never end by
    themselves do so once `closing` is set. `defaults` say how texts are sampled
    where a request does not; without them as Inkling does.
    """
    service = ChatService(training.workspace)
    api = create_api()
    api.state.services = Services(
        name=name,
        scheduler=scheduler,
        training=training,
        chats=service,
        replies=ChatReplies(scheduler, service),
        imports=Imports(training.workspace),
        cards=ModelCards(),
        corpus=CountedCorpus(training.workspace),
        inspected=InspectedModels(training.workspace),
        defaults=defaults or SamplingDefaults(),
        closing=closing or threading.Event(),
    )
    if (STATIC / "index.html").is_file():
        api.mount("/", PageFiles(directory=STATIC, html=True), name="page")
    else:
        api.add_api_route("/", _no_page, include_in_schema=False)
    return Security(api, {*LOOPBACK, host}, token, refusals.body_limit, any_account)


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    services: Services = api.state.services
    services.scheduler.start()
    services.imports.sweep()
    yield
    await services.replies.finish()
    await asyncio.to_thread(services.imports.close)
    services.scheduler.stop()


async def _no_page() -> PlainTextResponse:
    return PlainTextResponse(
        "The page was not built into this installation. Run scripts/install, or reinstall: pip "
        "install --force-reinstall inkling-gpt.",
        status_code=503,
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServerError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Of a socket that does not name its protocol asyncio leaves Nagle's algorithm on: a second
    # piece, e.g. the body behind the headers, then waits 40 ms for the first to be acknowledged.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        if "in use" in reason:
            raise ServerError(
                f"Port {port} is in use, perhaps by another inkling serve. Stop that one, or "
                f"choose another: --port {port + 1}."
            ) from None
        raise ServerError(
            f"Cannot listen on {host}, port {port}: {reason}. Choose another --host or --port."
        ) from None
    return listener
