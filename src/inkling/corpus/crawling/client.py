"""One polite visitor of one site.

Knows: pauses, back-off, redirects, limits of time and size, robots.txt. Does not know: what it
fetches. Data: url -> `Client.get` -> `Reply`.

One request at a time, with a pause before each. 429 and 5xx are waited out as Retry-After says,
else longer each time. Only the host that a person named is visited, and the one that its first
answer names as its new address; never an address of the local network that nobody named.
"""

from __future__ import annotations

import email.utils
import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import inkling
from inkling.corpus.crawling.robots import Robots, read_robots

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_AGAIN = frozenset((429, 500, 502, 503, 504))
_MOVES = 2
"""Hosts that the first answers may lead to: example.org, www.example.org, blog.example.org."""


class FetchError(Exception):
    """A page that was not fetched; the message is the reason, for a person."""

    def __init__(self, reason: str, stop: bool = False, trouble: bool = True) -> None:
        super().__init__(reason)
        self.stop = stop
        """Whether the site should be left alone now."""
        self.trouble = trouble
        """Whether it is about the site, and not about this page only."""


@dataclass(frozen=True)
class Reply:
    """A page as it came."""

    url: str
    """Where it was found in the end."""
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class Client:
    """Fetches pages of the site at `address`."""

    address: str
    pause: float = 1.0
    """Seconds between an answer and the next request."""
    timeout: float = 20.0
    """Seconds in which a connection must answer something."""
    total_timeout: float = 90.0
    """Seconds for one page."""
    max_bytes: int = 30_000_000
    attempts: int = 5
    longest_wait: float = 300.0
    """A site that asks to wait longer is left for another day."""
    obey_robots: bool = True
    """Off for interfaces made for programs."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    hosts: set[str] = field(default_factory=set)
    """Host and port of each place that may be visited."""
    robots: dict[str, Robots] = field(default_factory=dict)
    _last: float | None = None
    _moves_left: int = _MOVES

    def __post_init__(self) -> None:
        self.hosts.add(_host(self.address))
        self._local = _is_local(self.address)

    def get(self, url: str, accept: str = "*/*", missing: bool = False) -> Reply:
        """The page at an address.

        With `missing`, an answer of 4xx is a reply too. Raises FetchError.
        """
        for _ in range(6):
            self._check(url)
            reply = self._patient(url, accept)
            if reply.status not in _REDIRECTS:
                if reply.status >= 400 and not missing:
                    raise FetchError(f"the site answered {reply.status}", trouble=False)
                # A site moves with its first answer, or not at all.
                self._moves_left = 0
                return reply
            url = self._redirected(url, reply)
        raise FetchError("it leads from address to address without an end")

    def is_of_site(self, url: str) -> bool:
        """Whether an address is one of the site's."""
        return _host(url) in self.hosts

    def base(self) -> str:
        """Scheme and host of the site, after it moved."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def rules(self, url: str) -> Robots:
        """The robots.txt of a host, fetched once. Raises FetchError where the site is down."""
        parts = urlsplit(url)
        host = _host(url)
        if host not in self.robots:
            reply = self._patient(f"{parts.scheme}://{parts.netloc}/robots.txt", "text/plain")
            found = reply.body.decode("utf-8", "replace") if reply.status == 200 else ""
            self.robots[host] = read_robots(found)
            self.pause = max(self.pause, self.robots[host].delay or 0.0)
        return self.robots[host]

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise FetchError("not an address of the web", trouble=False) from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchError("not an address of the web", trouble=False)
        if _host(url) not in self.hosts:
            raise FetchError(f"it leads to another site ({parts.hostname})", trouble=False)
        if not self.obey_robots:
            return
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not self.rules(url).allows(path):
            raise FetchError("the site asks programs not to fetch it (robots.txt)", trouble=False)

    def _redirected(self, url: str, reply: Reply) -> str:
        try:
            target = urljoin(url, reply.headers.get("location", ""))
            old, new = urlsplit(url), urlsplit(target)
        except ValueError as error:
            raise FetchError("it leads to no address of the web") from error
        if new.scheme not in ("http", "https") or not new.hostname:
            raise FetchError("it leads to no address of the web")
        if old.scheme == "https" and new.scheme == "http":
            raise FetchError("it leads from https to http")
        if _host(target) not in self.hosts:
            if self._moves_left <= 0:
                raise FetchError(f"it leads to another site ({new.hostname})", trouble=False)
            if not self._local and _is_local(target):
                raise FetchError("it leads into the local network")
            self._moves_left -= 1
            self.hosts.add(_host(target))
        if self._moves_left >= 0 and urlsplit(self.address).netloc == old.netloc:
            self.address = f"{new.scheme}://{new.netloc}{urlsplit(self.address).path}"
        return target

    def _patient(self, url: str, accept: str) -> Reply:
        """Ask until there is an answer that is not "later"."""
        wait = 2.0 * max(self.pause, 0.5)
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            try:
                reply = self._once(url, accept)
            except FetchError as error:
                if last or error.stop:
                    raise
                self.sleep(wait)
                wait *= 2
                continue
            if reply.status not in _AGAIN:
                return reply
            asked = _retry_after(reply.headers.get("retry-after"))
            if asked is None and reply.headers.get("x-ratelimit-remaining") == "0":
                return reply  # tells when itself, in a way that its reader knows
            if asked is not None and asked > self.longest_wait:
                minutes = max(1, round(asked / 60))
                raise FetchError(f"the site asks to come back in {minutes} minutes", stop=True)
            if last:
                raise FetchError(f"the site answered {reply.status} again and again", stop=True)
            self.sleep(asked if asked is not None else wait)
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _once(self, url: str, accept: str) -> Reply:
        if self._last is not None:
            self.sleep(max(0.0, self.pause - (self.clock() - self._last)))
        request = urllib.request.Request(
            _ascii(url),
            headers={
                "User-Agent": f"Inkling/{inkling.__version__} (imports its user's own posts)",
                "Accept": accept,
            },
        )
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if self._local:
            handlers.append(urllib.request.ProxyHandler({}))
        opener = urllib.request.build_opener(*handlers)
        end = self.clock() + self.total_timeout
        try:
            try:
                response = opener.open(request, timeout=self.timeout)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                headers = {key.lower(): value for key, value in response.headers.items()}
                return Reply(url, response.status or 0, headers, self._body(response, end))
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Where there is no such site, there is none in ten seconds either.
            no_site = isinstance(getattr(error, "reason", error), socket.gaierror)
            raise FetchError(_told(error), stop=no_site) from error
        finally:
            self._last = self.clock()

    def _body(self, response: Any, end: float) -> bytes:
        """All of an answer. Raises FetchError where it is too long, or takes too long."""
        blocks: list[bytes] = []
        size = 0
        while block := response.read1(1 << 16):
            blocks.append(block)
            size += len(block)
            if size > self.max_bytes:
                raise FetchError(f"larger than {self.max_bytes // 1_000_000} MB", stop=False)
            if self.clock() > end:
                raise FetchError("the answer takes too long")
        return b"".join(blocks)


def _ascii(url: str) -> str:
    """An address with what is no ASCII, and spaces, escaped."""
    parts = urlsplit(url)
    kept = "%/:?@!$&'()*+,;=~-._[]"
    return urlunsplit(
        (
            parts.scheme,
            parts.netloc,
            quote(parts.path, safe=kept),
            quote(parts.query, safe=kept),
            "",
        )
    )


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    # http and https of one host are one site.
    named = "" if port in (None, 80, 443) else f":{port}"
    return f"{(parts.hostname or '').lower().rstrip('.')}{named}"


def _is_local(url: str) -> bool:
    """Whether a host is this machine or one of its network."""
    host = urlsplit(url).hostname or ""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False  # an address that does not exist fails when it is asked
    return any(not ipaddress.ip_address(str(a).partition("%")[0]).is_global for a in found)


def _retry_after(value: str | None) -> float | None:
    """Seconds that an answer asks to wait."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return max(0.0, moment.timestamp() - time.time())


def _told(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "the site does not answer"
    if isinstance(reason, socket.gaierror):
        return "there is no such site"
    if isinstance(reason, ConnectionError):
        return "the connection was refused or cut"
    return f"the connection failed ({type(reason).__name__})"
