"""The server's connections: how many at once, how long a request may take to come, what is logged.

Knows: sockets, their limits and whose they are. Does not know HTTP beyond where a request's headers
end, nor what is answered. Data: an application -> `server_config`, with which uvicorn runs it.

A server whose file descriptors run out can open no file and accept nobody, and says so at each try.
So it never comes to that: connections have a limit below the system's, whoever comes beyond it is
sent away at once, and one that sends no request is closed after a while.

Whose a connection is, is asked when it is made, and goes with each request as `state[OWNER]`: later
its other end may have sent what it wanted and be gone, and then nobody knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from inkling.server.account import connection_owner

REQUEST_SECONDS = 15.0
"""How long the headers of a request may take from a connection's first moment, or from the first
byte after another request."""
WANTED_FILES = 4_096
"""File descriptors that are asked of the system, where it allows that many."""
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    b'Connection: close\r\n\r\n{"error": "Too many connections are open. Try again in a moment."}'
)
OWNER = "owner"
LOGGED_A_MINUTE = 20
LOGGERS = ("asyncio", "uvicorn.error", "inkling.server")


def connection_limit() -> int:
    """How many connections there may be at once: half of the file descriptors, the other half being
    for files. Raises this process's limit of them as far as the system lets it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    files = WANTED_FILES if soft == resource.RLIM_INFINITY else min(soft, WANTED_FILES)
    return max(4, (files - 32) // 2)


def server_config(app: Any, closing_seconds: int = 2, limit: int | None = None) -> uvicorn.Config:
    """What uvicorn serves an application with. The number of connections is limited to `limit`, by
    default by the system's file descriptors."""
    most = connection_limit() if limit is None else limit

    class Limited(BoundedConnection):
        limit = most

    config = uvicorn.Config(
        app,
        http=Limited,
        log_level="warning",
        timeout_graceful_shutdown=closing_seconds,
        server_header=False,
        ws="none",
        # Also how many are accepted in one go, before any of them is counted.
        backlog=min(128, most),
    )
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(found, BoundedLog) for found in logger.filters):
            logger.addFilter(BoundedLog())
    return config


class BoundedConnection(H11Protocol):
    """One connection, counted with the others and closed where no request comes."""

    limit: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        if len(self.connections) >= self.limit:
            self.transport = transport
            transport.write(_FULL)
            transport.close()
            return
        super().connection_made(transport)
        self.app_state = {**self.app_state, OWNER: _owner(self.client, self.server)}
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE:
            self.transport.abort()


def _owner(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> int | None:
    if client is None or server is None or server[1] is None:
        return None
    return connection_owner(client, (server[0], server[1]))


class BoundedLog(logging.Filter):
    """Lets so many records of a logger through in a minute, and then says how many it did not."""

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._count = 0.0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        # That the system refuses a connection, and why, is a line; where in Python is no use. Any
        # other error keeps its traceback.
        if record.name == "asyncio" and record.exc_info and isinstance(record.exc_info[1], OSError):
            record.exc_info = None
        now = time.monotonic()
        if now - self._minute >= 60:
            left_out = self._count - LOGGED_A_MINUTE
            self._minute, self._count = now, 0
            if left_out > 0:
                record.msg = (
                    f"{record.getMessage()} ({left_out:,} messages before it were left out)"
                )
                record.args = ()
        self._count += 1
        return self._count <= LOGGED_A_MINUTE
