"""A site on this machine that plays what a test wants of it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]
Answering = Callable[[str], "Answer | None"]


@dataclass
class Site:
    """Answers by `answer(path with query)`; None leaves a connection hanging until the end."""

    address: str
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0


def page(text: str, kind: str = "text/html; charset=utf-8", status: int = 200) -> Answer:
    return status, {"Content-Type": kind}, text.encode()


def as_json(value: object, **headers: str) -> Answer:
    return 200, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


MISSING: Answer = (404, {}, b"no")


@contextlib.contextmanager
def serving(answer: Answering, host: str = "127.0.0.1") -> Iterator[Site]:
    """Serve until the block ends."""
    site = Site("")
    lock = threading.Lock()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                site.asked.append(self.path)
                site.agents.add(self.headers["User-Agent"])
                site.at_once += 1
                site.most_at_once = max(site.most_at_once, site.at_once)
            answering = True

            def counted() -> None:
                nonlocal answering
                with lock:
                    site.at_once -= answering
                    answering = False

            try:
                found = answer(self.path)
                if found is None:
                    ended.wait(10)
                    return
                status, headers, body = found
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    counted()  # before the last byte: whoever has it may ask again at once
                    self.end_headers()
                    self.wfile.write(body)
            finally:
                counted()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    name = "localhost" if host == "localhost" else "127.0.0.1"
    site.address = f"http://{name}:{server.server_address[1]}"
    try:
        yield site
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
