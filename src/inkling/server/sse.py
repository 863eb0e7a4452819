"""Server-sent events as every stream here sends them.

Knows: the grammar of a frame, the headers of a stream, what is closed when a stream is over.
Does not know what the data means.
Data: JSON -> `event` -> `EventStream` -> the client.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

HEADERS = {"Cache-Control": "no-cache, no-store", "X-Accel-Buffering": "no"}
MEDIA_TYPE = "text/event-stream"
HEARTBEAT = ": alive\n\n"
"""A comment: it keeps a connection open and is no event."""


def event(data: Mapping[str, Any] | str, kind: str | None = None, id: int | None = None) -> str:
    """One event. `data` is sent as JSON, a string as it is; `kind` is its `event:` field."""
    # ASCII only: U+2028 and U+0085 would end a line for some SSE readers.
    text = data if isinstance(data, str) else json.dumps(data)
    head = "" if id is None else f"id: {id}\n"
    head += "" if kind is None else f"event: {kind}\n"
    return f"{head}data: {text}\n\n"


def reconnect_after(milliseconds: int) -> str:
    """Tells the client how long to wait before it connects again."""
    return f"retry: {milliseconds}\n\n"


def described(data: Any) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a route whose events hold `data`, a type."""
    schema = TypeAdapter(data).json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, list):
            return [inlined(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return inlined(definitions[value["$ref"].rpartition("/")[2]])
        return {key: inlined(item) for key, item in value.items()}

    return {200: {"content": {MEDIA_TYPE: {"schema": inlined(schema)}}}}


class EventStream(StreamingResponse):
    """A stream of events. `close` is called when the response is over, however it ended and
    whether or not a single frame was read."""

    def __init__(
        self,
        frames: AsyncGenerator[str],
        close: Callable[[], None],
        status_code: int = 200,  # where FastAPI looks for what the OpenAPI document says
    ) -> None:
        # Not an attribute of the class: the document would say it of refusals too.
        super().__init__(frames, status_code, HEADERS, MEDIA_TYPE)
        self._frames, self._close = frames, close

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()
            await self._frames.aclose()
