"""Bodies are JSON, whatever the Content-Type says.

Knows: how the bytes of a request become the value that a route's model validates. Does not know
fields.
Data: bytes -> `JsonRequest.json` -> a `RequestBody`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from inkling.server.bodies import NOT_JSON
from inkling.server.refusals import BodyTooLargeError, body_limit


class JsonRequest(Request):
    """A request whose body is JSON. Sending nothing means sending an empty object."""

    def __init__(self, request: Request) -> None:
        # curl -d says that it sends a form, and many clients say nothing.
        others = [(key, value) for key, value in request.scope["headers"] if key != b"content-type"]
        headers = [*others, (b"content-type", b"application/json")]
        super().__init__({**request.scope, "headers": headers}, request.receive)

    async def body(self) -> bytes:
        try:
            return (await super().body()).strip() or b"{}"
        except ClientDisconnect:
            # A body cut off by the size limit looks like a client that left; if it did leave,
            # nobody reads this.
            raise BodyTooLargeError(body_limit(self.method, self.url.path)) from None

    async def json(self) -> Any:
        try:
            data = json.loads(await self.body())
        except (ValueError, RecursionError):
            return NOT_JSON
        # FastAPI takes None for a body that was not sent; to a model [] is as wrong as null.
        return [] if data is None else data


class JsonRoute(APIRoute):
    """A route that reads its body as a `JsonRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def with_json(request: Request) -> Response:
            read = JsonRequest(request)
            await read.body()  # here, because FastAPI makes a 400 of whatever is raised later
            return await handle(read)

        return with_json
