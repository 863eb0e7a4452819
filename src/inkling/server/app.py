"""The web server: the chat APIs, OpenAI's API, the runs API and the page, on loopback.

Knows: how the pieces are put together and started. Data: workspace -> Scheduler and Trainings
-> routes. Nothing here imports torch: the page is there before it is.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles

from inkling import __version__
from inkling.errors import ServerError
from inkling.inference.scheduler import Scheduler
from inkling.server.chat_api import chat_router
from inkling.server.chats_api import chats_router
from inkling.server.conversations import Conversations
from inkling.server.kept_replies import Replies
from inkling.server.openai_api import openai_router
from inkling.server.runs_api import runs_router
from inkling.server.schemas import MAX_BODY_BYTES
from inkling.server.security import LOOPBACK, Security
from inkling.server.trainings import Trainings

STATIC = Path(__file__).parent / "static"


def make_app(
    scheduler: Scheduler,
    trainings: Trainings,
    name: str,
    host: str = "127.0.0.1",
    token: str | None = None,
    closing: threading.Event | None = None,
) -> Security:
    """The ASGI application, guarded. `token` is required of every request where given; streams
    that would never end by themselves do so once `closing` is set."""

    conversations = Conversations(trainings.workspace)
    replies = Replies(scheduler, conversations)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        scheduler.start()
        yield
        await replies.finish()
        scheduler.stop()

    # FastAPI's own documentation pages load scripts from elsewhere; nothing here does.
    app = FastAPI(
        title="Inkling", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.include_router(chat_router(scheduler, name))
    app.include_router(chats_router(conversations, replies, scheduler))
    app.include_router(openai_router(scheduler, name))
    app.include_router(runs_router(trainings, name, closing or threading.Event()))
    if (STATIC / "index.html").is_file():
        app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
    else:

        @app.get("/")
        async def no_page() -> PlainTextResponse:
            return PlainTextResponse(
                "The page was not built into this installation. Run scripts/install, or "
                "reinstall: pip install --force-reinstall inkling-gpt.",
                status_code=503,
            )

    return Security(app, {*LOOPBACK, host}, token, MAX_BODY_BYTES)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServerError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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
