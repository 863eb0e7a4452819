"""Streams under stress: every split of the bytes, a full queue, clients that leave."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from inkling.config import SamplingSettings
from inkling.server.connections import BoundedConnection
from inkling.server.sse import event
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Inside, Server, once, server_inside


class SeedClient:
    """Reads frames as the first chat page did: bytes as they come, decoded as they come, cut at
    blank lines, each part a `data: ` line of JSON."""

    def __init__(self) -> None:
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""
        self.frames: list[dict[str, Any]] = []

    def feed(self, data: bytes) -> None:
        self._buffer += self._decoder.decode(data)
        *parts, self._buffer = self._buffer.split("\n\n")
        for part in parts:
            for line in part.splitlines():
                assert line.startswith("data: ")
                self.frames.append(json.loads(line[len("data: ") :]))


def test_the_seeds_client_reads_a_stream_split_at_every_byte(served: Server) -> None:
    """The same frames however the bytes fall; joined they are the reply of /api/chat."""
    body = {"message": "soup?", "history": [], "temperature": 1.0, "seed": 3, "max_tokens": 120}
    reply = httpx.post(served.url + "api/chat", json=body, timeout=PATIENCE).json()["reply"]
    assert not reply.isascii()
    raw = httpx.post(served.url + "api/chat/stream", json=body, timeout=PATIENCE).content
    whole = SeedClient()
    whole.feed(raw)
    assert whole.frames[-1] == {"done": True}
    assert all(list(frame) == ["text"] for frame in whole.frames[:-1])
    assert "".join(frame["text"] for frame in whole.frames[:-1]) == reply
    one_by_one = SeedClient()
    for byte in raw:
        one_by_one.feed(bytes([byte]))
    assert one_by_one.frames == whole.frames
    for cut in range(len(raw)):
        client = SeedClient()
        client.feed(raw[:cut])
        client.feed(raw[cut:])
        assert client.frames == whole.frames


def test_no_character_of_a_text_ends_a_line() -> None:
    """Line breaks of every script survive: readers of lines see one, and all of the text."""
    text = "a\n\nb\r\nc\u2028d\u2029e\x85f\x0bg"
    (line, blank) = event({"text": text})[:-1].split("\n")
    assert line.splitlines() == [line]
    assert blank == ""
    assert json.loads(line.removeprefix("data: ")) == {"text": text}


@pytest.mark.parametrize("path", ["api/chat", "api/chat/stream"])
@pytest.mark.parametrize("turns", [10_000, 100_000])
def test_an_endless_history_is_refused(served: Server, path: str, turns: int) -> None:
    """Too many turns, or too many bytes of them: 4xx with a sentence."""
    history = [{"role": "user", "content": "x"}] * turns
    response = httpx.post(
        served.url + path, json={"message": "hi", "history": history}, timeout=PATIENCE
    )
    assert response.status_code == (400 if turns == 10_000 else 413)
    assert response.json()["error"]


@pytest.fixture
def small(nonsense: Workspace) -> Iterator[Inside]:
    """One slot, and room for one to wait."""
    with server_inside(nonsense, slots=1, max_waiting=1) as running:
        yield running


BODY: dict[str, Any] = {"message": "hi", "max_tokens": 5, "seed": 1}


def test_whoever_asks_is_told_the_place_in_the_queue(small: Inside) -> None:
    """`queued` frames come first, and only to a client that wants them; then the reply."""
    endless = small.occupy()
    client = SeedClient()
    with httpx.stream(
        "POST", small.url + "api/chat/stream", json=BODY | {"queue": True}, timeout=PATIENCE
    ) as response:
        for chunk in response.iter_bytes():
            client.feed(chunk)
            endless.cancel()
    assert client.frames[0] == {"queued": 1}
    assert client.frames[-1] == {"done": True}
    text = "".join(frame["text"] for frame in client.frames[1:-1])
    plain = httpx.post(small.url + "api/chat", json=BODY, timeout=PATIENCE).json()["reply"]
    assert text == plain


def test_a_full_queue_says_when_to_come_back(small: Inside) -> None:
    """429 with Retry-After on every route, in the shape of each; room again once one left."""
    endless = small.occupy()
    settings = SamplingSettings(max_tokens=5)
    waiting = small.scheduler.submit(lambda model: model.reply_spec("next", [], settings))
    for path in ("api/chat", "api/chat/stream"):
        response = httpx.post(small.url + path, json=BODY, timeout=PATIENCE)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) >= 1
        assert "waiting already" in response.json()["error"]
    with openai.OpenAI(base_url=small.url + "v1", api_key="x", max_retries=0) as client:
        ask: Any = {"model": "wilma", "prompt": "abc", "max_tokens": 5}
        with pytest.raises(openai.RateLimitError, match="waiting already") as refused:
            client.completions.create(**ask)
        assert int(refused.value.response.headers["retry-after"]) >= 1
        waiting.cancel()
        endless.cancel()
        assert client.completions.create(**ask).choices[0].text


@pytest.mark.parametrize("path", ["api/chat", "api/chat/stream", "v1/chat/completions"])
def test_a_client_that_leaves_while_it_waits_frees_its_place(small: Inside, path: str) -> None:
    """Hanging up in the queue is noticed, streamed or not, and the place is free again."""
    endless = small.occupy()
    ask = {"model": "wilma", "messages": [{"role": "user", "content": "hi"}], "message": "hi"}
    body = json.dumps(ask).encode()
    port = int(small.url.rstrip("/").rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(
            f"POST /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
            .encode() + body
        )  # fmt: skip
        once(lambda: len(small.scheduler._waiting) == 1)
    once(lambda: not small.scheduler._waiting)
    endless.cancel()


def test_a_client_that_leaves_stops_its_writing(small: Inside) -> None:
    """A stream that is hung up on gives its slot to the next, long before its end."""
    long = BODY | {"max_tokens": 2_000, "temperature": 1.0}
    with httpx.stream(
        "POST", small.url + "api/chat/stream", json=long, timeout=PATIENCE
    ) as response:
        next(response.iter_bytes())
    once(lambda: small.scheduler._active() == 0)
    assert small.scheduler.tokens_written < 2_000


def test_who_reads_nothing_holds_nobody_up(small: Inside) -> None:
    """A reply whose reader is asleep is written to its end, and the next one begins."""
    with httpx.stream(
        "POST", small.url + "api/chat/stream", json=BODY | {"max_tokens": 400}, timeout=PATIENCE
    ) as asleep:
        other = httpx.post(small.url + "api/chat", json=BODY, timeout=PATIENCE)
        assert other.json()["reply"]
        client = SeedClient()
        for chunk in asleep.iter_bytes():
            client.feed(chunk)
    assert client.frames[-1] == {"done": True}


def test_what_is_written_is_sent_at_once(small: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nagle's algorithm is off: it holds back a body behind its headers until the client has
    acknowledged those, 40 ms later."""
    made, at_once = BoundedConnection.connection_made, []

    def looked(connection: BoundedConnection, transport: Any) -> None:
        made(connection, transport)
        held = transport.get_extra_info("socket")
        at_once.append(held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(BoundedConnection, "connection_made", looked)
    assert httpx.get(small.url + "api/health", timeout=PATIENCE).is_success
    assert at_once
    assert all(at_once)
