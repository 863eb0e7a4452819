"""The server's limits: connections, file descriptors, headers that never end, and the smallest and
largest number that every parameter allows."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from inkling.config import SamplingSettings
from inkling.server import connections
from inkling.server.connections import LOGGED_A_MINUTE, BoundedLog, connection_limit
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, once, server_inside


def half_open(port: int, count: int) -> list[socket.socket]:
    """Connections that send the beginning of a request and no more."""
    made = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            made.append(one)
    return made


def test_file_descriptors_never_run_out(nonsense: Workspace) -> None:
    """With 64 of them and 100 half-open connections: no traceback, a short log, and once they are
    gone it answers."""

    process = subprocess.Popen(
        ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", sys.executable, "-m", "inkling", "serve",
         "--port", "0", "--no-open", "-w", str(nonsense.path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        address = next(
            word for word in process.stdout.readline().split() if word.startswith("http")
        )
        port = httpx.URL(address).port
        assert port is not None
        held = half_open(port, 100)
        for one in held:
            one.close()

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(address + "api/chats", timeout=PATIENCE).status_code == 200
            return False

        once(answers)
    finally:
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    assert len(err) < 20_000


def test_too_many_connections_are_sent_away(
    nonsense: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a status and a sentence; whoever sends no request is closed after a while."""
    monkeypatch.setattr(connections, "connection_limit", lambda: 3)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.5)
    with server_inside(nonsense) as served:
        port = httpx.URL(served.url).port
        assert port is not None
        held = half_open(port, 3)
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as one_more:
            answer = one_more.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 503")
        assert json.loads(answer.split(b"\r\n\r\n")[1])["error"]
        for one in held:
            with contextlib.suppress(ConnectionResetError):
                assert one.recv(1) == b""
            one.close()
        assert httpx.get(served.url + "api/chats", timeout=PATIENCE).status_code == 200


def test_the_limit_is_below_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the descriptors are for files."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (232, 232))
    assert connection_limit() == 100


def test_a_log_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many records a minute; the next minute tells how many were left out."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = BoundedLog()

    def record() -> logging.LogRecord:
        return logging.LogRecord("x", logging.ERROR, "", 0, "failed: %s", ("why",), None)

    assert sum(log.filter(record()) for _ in range(10_000)) == LOGGED_A_MINUTE
    now[0] += 61
    last = record()
    assert log.filter(last)
    assert (
        last.getMessage() == f"failed: why ({10_000 - LOGGED_A_MINUTE:,} messages before it "
        "were left out)"
    )


def legal_extremes(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[Any]:
    """The smallest and the largest value that a schema allows, and a number next to nothing."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from legal_extremes(document["components"]["schemas"][name], document)
    for inner in schema.get("anyOf", ()):
        yield from legal_extremes(inner, document)
    if schema.get("type") not in ("number", "integer"):
        return
    whole = schema["type"] == "integer"
    for bound, other, towards in (
        ("minimum", "exclusiveMinimum", math.inf), ("maximum", "exclusiveMaximum", -math.inf),
    ):  # fmt: skip
        if bound in schema:
            yield schema[bound]
        elif other in schema:
            step = 1 if towards > 0 else -1
            yield schema[other] + step if whole else math.nextafter(schema[other], towards)
    if not whole and schema.get("minimum", schema.get("exclusiveMinimum", 1)) <= 0:
        yield 5e-324


def test_next_to_nothing_is_still_something() -> None:
    """Threads that compute with a model take smaller numbers for zero, which is no legal top_p."""
    assert SamplingSettings(top_p=5e-324).top_p == sys.float_info.min


def test_the_smallest_and_largest_legal_numbers_are_served(
    served: Server, nonsense: Workspace
) -> None:
    """Of every parameter of every endpoint: none is a failure of the server. Twice, for after the
    first reply the model's threads take what is next to nothing for nothing."""
    document = httpx.get(served.url + "openapi.json", timeout=PATIENCE).json()
    base = {
        "model": "wilma", "message": "hi", "messages": [{"role": "user", "content": "hi"}],
        "prompt": "hi",
    }  # fmt: skip
    with (
        nonsense.training_lock(),
        nonsense.importing_lock(),
        httpx.Client(base_url=served.url, timeout=PATIENCE) as client,
    ):
        client.post("api/chat", json={"message": "hi", "max_tokens": 3})

        def ask(method: str, path: str, **said: Any) -> None:
            with client.stream(method, path.replace("{", "").replace("}", ""), **said) as answer:
                assert answer.status_code < 500, (path, said, answer.read())

        tried = 0
        for path, methods in document["paths"].items():
            for method, route in methods.items():
                for parameter in route.get("parameters", ()):
                    name = parameter["name"]
                    for value in legal_extremes(parameter["schema"], document):
                        if parameter["in"] == "query":
                            ask(method, path, params={name: value})
                        else:
                            ask(method, path.replace(f"{{{name}}}", str(value)))
                        tried += 1
                content = route.get("requestBody", {}).get("content", {}).get("application/json")
                if content is None:
                    continue
                name = str(content["schema"].get("$ref", "")).rpartition("/")[2]
                fields = document["components"]["schemas"].get(name, {}).get("properties", {})
                for field, schema in fields.items():
                    for value in legal_extremes(schema, document):
                        body = {k: v for k, v in base.items() if k in fields} | {field: value}
                        few = "max_completion_tokens" if field == "max_tokens" else "max_tokens"
                        if few in fields and field not in ("max_tokens", "max_completion_tokens"):
                            body["max_tokens"] = 3
                        elif value > 1_000:  # texts of that length take minutes
                            continue
                        ask(method, path, json=body)
                        tried += 1
    assert tried > 100
