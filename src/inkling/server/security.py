"""Who may talk to the server: accounts, tokens, hosts, origins, body sizes, response headers.

Knows: HTTP headers, and whose a connection is (server/connections.py). Does not know routes. Plain
ASGI, so that streams pass through untouched.

Another account of this machine must not read the chats: without a token only connections of the
server's own account, and root's, are answered. A page on another site must not read or use the
model: `Host` must be one of ours (DNS rebinding), and what a browser sends from elsewhere (foreign
`Origin`, or `Sec-Fetch-Site: cross-site`) is refused under /api and /v1. Off loopback, and where
the owners of connections are not known, a token is required.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

from inkling.server.account import ROOT
from inkling.server.connections import OWNER
from inkling.server.refusals import Refusal, response

Scope = dict[str, Any]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
GUARDED = ("/api", "/v1")
"""Where what is private is answered."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE = "inkling_token"

_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


# What is answered there is about a person, and in no cache of a browser.
_PRIVATE = (b"cache-control", b"no-store")


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

    def __init__(
        self,
        app: Any,
        hosts: Iterable[str],
        token: str | None,
        max_body: Callable[[str, str], int],
        any_account: bool = False,
    ) -> None:
        """`hosts` are allowed `Host` values; `token` is required where it is not None; `max_body`
        says how many bytes a body has at most, by method and path. With neither a token nor
        `any_account` only connections of this process's account, and root's, are answered."""
        self.app, self.hosts, self.token, self.max_body = app, frozenset(hosts), token, max_body
        self._own_account = token is None and not any_account

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {key: value.decode("latin-1") for key, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            answer = response(scope["path"], refusal)
            await answer(scope, receive, _with_headers(send, [*_HEADERS, _PRIVATE]))
            return
        guarded = scope["path"].startswith(GUARDED)
        if not guarded and scope["method"] == "GET" and self._token_in_query(scope):
            await self._to_address_without_token(scope, send)
            return
        extra = [*_HEADERS, _PRIVATE] if guarded else _HEADERS
        most = self.max_body(scope["method"], scope["path"])
        await self.app(scope, _limited(receive, most), _with_headers(send, extra))

    def _refusal(self, scope: Scope, headers: dict[bytes, str]) -> Refusal | None:
        if self._own_account and not _is_of_our_account(scope):
            return Refusal(
                403,
                "This server answers only the account of this machine that it runs as. For others "
                "start it with inkling serve --token TOKEN, or --any-account.",
            )
        host = headers.get(b"host", "")
        if self.token is None and host_of(host) not in self.hosts:
            return Refusal(
                403,
                f"This server answers only under its own address, not under {host[:100]!r}. With a "
                "token it answers under any: inkling serve --token TOKEN.",
            )
        guarded = scope["path"].startswith(GUARDED)
        if guarded and headers.get(b"sec-fetch-site") == "cross-site":
            return Refusal(403, "Requests from other sites are refused.")
        origin = headers.get(b"origin")
        if guarded and origin is not None and _netloc(origin) != host:
            return Refusal(403, "Requests from other sites are refused.")
        if self.token is not None and not self._has_token(scope, headers):
            return Refusal(
                401,
                "A token is needed: open the address that inkling serve printed, or send its token "
                "as the API key (Authorization: Bearer TOKEN).",
                code="invalid_api_key",
            )
        length = headers.get(b"content-length", "0")
        most = self.max_body(scope["method"], scope["path"])
        if not length.isdigit() or int(length) > most:
            return Refusal(413, f"The request is larger than {most:,} bytes.")
        return None

    async def _to_address_without_token(self, scope: Scope, send: Any) -> None:
        """A token in an address would stay in the browser's history and be copied with it: a
        cookie takes its place."""
        # Lax: a link that is opened from elsewhere, a web mail, would not bring a strict one along.
        cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Lax; Path=/"
        rest = [
            pair
            for pair in parse_qsl(scope["query_string"].decode("latin-1"))
            if pair[0] != "token"
        ]
        # Two slashes, or one turned around, would begin the address of another site.
        address = "/" + quote(scope["path"].lstrip("/")) + ("?" + urlencode(rest) if rest else "")
        headers = [
            *_HEADERS, _PRIVATE, (b"location", address.encode()), (b"set-cookie", cookie.encode()),
            (b"content-length", b"0"),
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

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


def _is_of_our_account(scope: Scope) -> bool:
    owner = scope.get("state", {}).get(OWNER)
    return owner is not None and owner in (os.geteuid(), ROOT)


def _limited(receive: Any, most: int) -> Any:
    """`receive` that ends a body without Content-Length once it is too long."""
    seen = 0

    async def limited() -> dict[str, Any]:
        nonlocal seen
        message: dict[str, Any] = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            return {"type": "http.disconnect"}
        return message

    return limited


def _with_headers(send: Any, headers: Iterable[tuple[bytes, bytes]]) -> Any:
    """`send` that adds headers to a response that does not have them."""

    async def send_with_headers(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = message.get("headers", [])
            there = {name.lower() for name, _ in own}
            message["headers"] = [*own, *(pair for pair in headers if pair[0] not in there)]
        await send(message)

    return send_with_headers
