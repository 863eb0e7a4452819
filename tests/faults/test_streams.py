"""Many at once, and everything that can go wrong with them: nobody else notices."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from inkling.config import SamplingSettings
from inkling.inference.decoder import SmallModelDecoder
from inkling.inference.requests import GenerationRequest
from inkling.inference.sequence import TokenSequence
from inkling.server.refusals import UNEXPECTED
from inkling.server.reply_stream import ReplyStream
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Inside, Server, awaited, once, server_inside
from tests.server.test_streams import SeedClient
from tests.voices import random_run

STREAMS, SLOTS, TOKENS = 40, 4, 30
HANG_UPS = 30
HI: Any = [{"role": "user", "content": "hi"}]


@pytest.fixture
def inside(nonsense: Workspace) -> Iterator[Inside]:
    with server_inside(nonsense, slots=SLOTS) as running:
        yield running


def kept_alive() -> int:
    """Objects of replies that something still holds."""
    gc.collect()
    return sum(
        type(each) in (GenerationRequest, TokenSequence, ReplyStream) for each in gc.get_objects()
    )


def test_ten_times_as_many_streams_as_slots(inside: Inside) -> None:
    """None is lost, each is its own seed's text, those who vanish harm nobody, and twice over
    nothing is left behind."""

    async def follow(client: openai.AsyncOpenAI, seed: int) -> str | None:
        stream = await client.completions.create(
            model="wilma", prompt=f"{seed}", seed=seed, max_tokens=TOKENS, stream=True
        )
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].text
            if seed % 8 == 0:
                await stream.close()
                return None
        assert chunk.choices[0].finish_reason == "length"
        return text

    async def all_at_once() -> list[str | None]:
        async with openai.AsyncOpenAI(
            base_url=inside.url + "v1", api_key="none", max_retries=0, timeout=PATIENCE
        ) as client:
            return await asyncio.gather(*(follow(client, seed) for seed in range(STREAMS)))

    before = kept_alive()
    voice = inside.scheduler.model()
    for _ in range(2):
        for seed, text in enumerate(awaited(all_at_once())):
            settings = SamplingSettings(seed=seed, max_tokens=TOKENS)
            expected = "".join(voice.complete(f"{seed}", settings))
            assert text == (None if seed % 8 == 0 else expected)
        once(inside.is_idle)
        once(lambda: kept_alive() == before)


def test_a_step_that_fails_is_said_in_every_shape(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a stream a last frame, elsewhere a 500; the next reply is whole again."""
    decode, steps = SmallModelDecoder.decode, 0

    def broken(decoder: SmallModelDecoder, ids: Any, positions: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps % 6 == 0:
            raise MemoryError("a detail that is nobody's business")
        return decode(decoder, ids, positions)

    with openai.OpenAI(base_url=inside.url + "v1", api_key="none", max_retries=0) as client:
        ask: Any = {"model": "wilma", "messages": HI, "max_tokens": 30, "seed": 1}
        with monkeypatch.context() as patch:
            patch.setattr(SmallModelDecoder, "decode", broken)
            seen: list[str] = []
            stream = client.chat.completions.create(**ask, stream=True)
            with pytest.raises(openai.APIError) as failed:
                seen.extend(chunk.choices[0].delta.content or "" for chunk in stream)
            assert failed.value.message == UNEXPECTED
            assert "".join(seen)
            with pytest.raises(openai.InternalServerError, match="Try again") as refused:
                client.chat.completions.create(**ask)
            assert refused.value.type == "server_error"
            steps = 0
            reader = SeedClient()
            body = {"message": "hi", "max_tokens": 30, "seed": 1}
            streamed = httpx.post(inside.url + "api/chat/stream", json=body, timeout=PATIENCE)
            reader.feed(streamed.content)
            assert "text" in reader.frames[0]
            assert reader.frames[-1] == {"error": UNEXPECTED}
        whole = client.chat.completions.create(**ask).choices[0]
    assert (whole.message.content or "").startswith("".join(seen))
    assert whole.finish_reason == "length"


@pytest.mark.parametrize("way", ["hangs up", "stop"])
def test_the_writing_ends_with_the_step_under_way(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Whoever hangs up or presses Stop while a token is computed: no other is begun."""
    decode, steps = SmallModelDecoder.decode, 0
    reached, go_on = threading.Event(), threading.Event()

    def held(decoder: SmallModelDecoder, ids: Any, positions: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == 5:
            reached.set()
            assert go_on.wait(PATIENCE)
        return decode(decoder, ids, positions)

    monkeypatch.setattr(SmallModelDecoder, "decode", held)
    body = {"message": "hi", "max_tokens": 2_000}
    with httpx.Client(base_url=inside.url + "api/", timeout=PATIENCE) as client:
        chat = client.post("chats").json()["id"] if way == "stop" else None
        path = "chat/stream" if chat is None else f"chats/{chat}/messages"
        with client.stream("POST", path, json=body) as response:
            chunks = response.iter_bytes()  # held: letting go of it would hang up
            next(chunks)
            assert reached.wait(PATIENCE)
            (batch,) = inside.scheduler._batches.values()
            (request,) = batch.requests
            if chat is not None:
                client.post(f"chats/{chat}/stop")
        once(request.cancelled)
        go_on.set()
        once(inside.is_idle)
        assert steps == 5
        if chat is not None:
            client.delete(f"chats/{chat}")


def test_whoever_hangs_up_frees_the_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty, one after the other, in the middle of a reply that takes seconds: far less is
    written than they asked for, and whoever comes next is answered."""
    decode, steps = SmallModelDecoder.decode, 0

    def counted(decoder: SmallModelDecoder, ids: Any, positions: Any) -> Any:
        nonlocal steps
        steps += 1
        return decode(decoder, ids, positions)

    monkeypatch.setattr(SmallModelDecoder, "decode", counted)
    body = json.dumps({"message": "hi", "max_tokens": 2_000}).encode()
    request = (
        b"POST /api/chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
        + str(len(body)).encode() + b"\r\n\r\n" + body
    )  # fmt: skip
    slow = Workspace.create(tmp_path / "slow")
    random_run(slow, slow=True)
    with server_inside(slow, slots=SLOTS) as inside:
        for _ in range(HANG_UPS):
            with socket.create_connection(("127.0.0.1", httpx.URL(inside.url).port)) as raw:
                raw.settimeout(PATIENCE)
                raw.sendall(request)
                assert raw.recv(100).startswith(b"HTTP/1.1 200")
        answer = httpx.post(inside.url + "api/chat", json={"message": "hi", "max_tokens": 3},
                            timeout=PATIENCE)  # fmt: skip
        assert answer.is_success
        once(inside.is_idle)
    assert steps < HANG_UPS * 2_000 / SLOTS / 10


def test_a_reader_that_is_slow_gets_all_of_it(inside: Inside) -> None:
    """Megabytes for one that reads nothing: the writer goes on to the end and to others, and
    when it reads at last, every token is there."""
    body = json.dumps(
        {"model": "wilma", "prompt": "abc", "stream": True, "max_tokens": 2_000, "logprobs": 20}
    ).encode()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.settimeout(PATIENCE)
        slow.connect(("127.0.0.1", httpx.URL(inside.url).port))
        slow.sendall(
            b"POST /v1/completions HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body
        )  # fmt: skip
        received = slow.recv(100)
        for _ in range(3):
            other = {"message": "hi", "max_tokens": 5}
            assert httpx.post(inside.url + "api/chat", json=other, timeout=PATIENCE).is_success
        once(inside.is_idle)
        while data := slow.recv(1 << 16):
            received += data
    frames = received.split(b"\r\n\r\n", 1)[1].decode().split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    found = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    told = [choice["logprobs"] for chunk in found for choice in chunk["choices"]]
    assert sum(len(each["tokens"]) for each in told if each) == 2_000
    assert len(received) > 1_000_000


def test_thirty_megabytes_are_refused_on_every_route(served: Server) -> None:
    """413 with a sentence before any of it is read, in the shape of the route. Files for an import
    may be large; for one that there is not they are refused as early."""
    document = httpx.get(served.url + "openapi.json", timeout=PATIENCE).json()
    routes = [
        (method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("post", "put", "patch")
    ]
    assert len(routes) > 10
    for method, path in routes:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        connection.putrequest(method.upper(), path.replace("{", "").replace("}", ""))
        connection.putheader("Content-Length", "30000000")
        connection.endheaders(b"{" * 1_000)
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
        connection.close()
        if (method, path) == ("put", "/api/imports/{import_id}/files"):
            assert response.status == 404
            continue
        assert response.status == 413, path
        assert "larger than" in (error["message"] if path.startswith("/v1") else error)
