"""Who may talk to the server: hosts, origins, body sizes, tokens, response headers.

Knows: HTTP headers. Does not know routes. Plain ASGI, so that streams pass through untouched.

A page on another site must not read or use the model: `Host` must be one of ours (DNS
rebinding), and what a browser sends from elsewhere (foreign `Origin`, or `Sec-Fetch-Site:
cross-site`) is refused under /api and /v1. Off loopback a token is required as well.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from inkling.server.openai_schemas import error_body

Scope = dict[str, Any]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "inkling_token"

_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def is_loopback(host: str) -> bool:
    return host in LOOPBACK or host.startswith("127.")


def host_of(header: str) -> str:
    """The host of a `Host` header, without port and brackets."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    """Host and port of an `Origin` header; empty where it is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


class Security:
    """ASGI middleware that refuses what should not reach the routes."""

    def __init__(self, app: Any, hosts: Iterable[str], token: str | None, max_body: int) -> None:
        """`hosts` are allowed `Host` values; `token` is required where it is not None."""
        self.app, self.hosts, self.token, self.max_body = app, frozenset(hosts), token, max_body

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {key: value.decode("latin-1") for key, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _respond(send, scope["path"], *refusal)
            return
        extra: list[tuple[bytes, bytes]] = list(_HEADERS)
        if self.token is not None and self._token_in_query(scope):
            cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            extra.append((b"set-cookie", cookie.encode()))

        async def send_with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        await self.app(scope, self._limited(receive), send_with_headers)

    def _refusal(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if self.token is None and host_of(host) not in self.hosts:
            return 403, (
                f"This server answers only under its own address, not under {host[:100]!r}. With a "
                "token it answers under any: inkling serve --token TOKEN."
            )
        guarded = scope["path"].startswith(("/api", "/v1"))
        if guarded and headers.get(b"sec-fetch-site") == "cross-site":
            return 403, "Requests from other sites are refused."
        origin = headers.get(b"origin")
        if guarded and origin is not None and _netloc(origin) != host:
            return 403, "Requests from other sites are refused."
        if self.token is not None and not self._has_token(scope, headers):
            return 401, (
                "A token is needed: open the address that inkling serve printed, or send its token "
                "as the API key (Authorization: Bearer TOKEN)."
            )
        length = headers.get(b"content-length", "0")
        if not length.isdigit() or int(length) > self.max_body:
            return 413, f"The request is larger than {self.max_body:,} bytes."
        return None

    def _token_in_query(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return self._is_token(given)

    def _is_token(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def _has_token(self, scope: Scope, headers: dict[bytes, str]) -> bool:
        bearer = headers.get(b"authorization", "").removeprefix("Bearer ")
        try:
            cookie = SimpleCookie(headers.get(b"cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        in_cookie = cookie is not None and self._is_token(cookie.value)
        return self._is_token(bearer) or in_cookie or self._token_in_query(scope)

    def _limited(self, receive: Any) -> Any:
        """`receive` that ends a body without Content-Length once it is too long."""
        seen = 0

        async def limited() -> dict[str, Any]:
            nonlocal seen
            message: dict[str, Any] = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_body:
                return {"type": "http.disconnect"}
            return message

        return limited


async def _respond(send: Any, path: str, status: int, sentence: str) -> None:
    error: Any = sentence
    if path.startswith("/v1"):
        code = "invalid_api_key" if status == 401 else None
        error = error_body(sentence, "invalid_request_error", code=code)["error"]
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *_HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
