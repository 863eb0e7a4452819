"""The chat API over real HTTP: exact shapes, bad input, disconnects, strangers."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from inkling.cli.main import main
from inkling.workspace import Workspace
from tests.conftest import Result
from tests.server.conftest import PATIENCE, Server, start_server, stop_server


def post(server: Server, path: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return httpx.post(
        server.url + path.lstrip("/"), content=content, headers=headers, timeout=PATIENCE
    )


def frames(response: httpx.Response) -> list[dict[str, Any]]:
    """The frames of a stream, by a reader that knows only the grammar in the docs."""
    parts = response.text.split("\n\n")
    assert parts[-1] == ""
    assert all(part.startswith("data: ") for part in parts[:-1])
    return [json.loads(part.removeprefix("data: ")) for part in parts[:-1]]


def test_chat_replies(server: Server) -> None:
    """`{"reply": str}`, the same for the same seed."""
    body = {
        "message": "do you have pets?",
        "history": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}],
        "temperature": 0.5, "top_k": 25, "max_tokens": 30, "seed": 5,
    }  # fmt: skip
    one, two = post(server, "/api/chat", body), post(server, "/api/chat", body)
    assert one.status_code == 200
    assert set(one.json()) == {"reply"}
    assert one.json()["reply"].strip()
    assert one.json() == two.json()


def test_the_stream_spells_the_same_reply(server: Server) -> None:
    """Frames `{"text"}` and a last `{"done": true}`; joined they are the reply."""
    body = {"message": "tell me about the van", "seed": 9, "max_tokens": 60}
    whole = post(server, "/api/chat", body).json()["reply"]
    response = post(server, "/api/chat/stream", body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache, no-store"
    assert response.headers["x-accel-buffering"] == "no"
    found = frames(response)
    assert found[-1] == {"done": True}
    assert all(set(frame) == {"text"} for frame in found[:-1])
    assert "".join(frame["text"] for frame in found[:-1]) == whole


def test_health_says_what_there_is(server: Server, trained: Workspace) -> None:
    """ok, name, stream, and the model's facts as in its config."""
    health = httpx.get(server.url + "api/health", timeout=PATIENCE).json()
    assert (health["ok"], health["name"], health["stream"]) == (True, "wilma", True)
    config = json.loads((trained.runs_path / "tiny" / "config.json").read_text())
    assert health["model"]["blocks"] == config["model"]["n_layer"]
    assert health["model"]["vocabulary"] == config["model"]["vocab_size"]
    assert health["model"]["corpus_characters"] == config["data"]["train_characters"]
    assert health["model"]["tuned"] is True
    assert health["opening"]
    assert health["starters"]


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"{}", b"[]", b"not json", b'{"message": ""}', b'{"message": "  \\n"}',
             b'{"message": null}', b"\xff\xfe", b"[" * 50_000]
)  # fmt: skip
def test_an_empty_message_is_400(server: Server, path: str, body: bytes) -> None:
    """Exactly `{"error": "empty message"}`."""
    response = post(server, path, body)
    assert response.status_code == 400
    assert response.json() == {"error": "empty message"}


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message", 7), ("message", ["a"]), ("message", "x" * 20_001), ("message", "\ud800"),
        ("temperature", "hot"), ("temperature", -1), ("temperature", float("nan")),
        ("temperature", float("inf")), ("top_k", -1), ("top_k", 1.5), ("top_k", 10**30),
        ("max_tokens", 0), ("max_tokens", 10**9), ("history", "none"), ("history", [1]),
        ("history", [{"role": "system", "content": "x"}]), ("history", [{"role": "user"}]),
        ("seed", -1), ("seed", 2**63),
    ],
)  # fmt: skip
def test_wrong_fields_get_a_sentence(server: Server, path: str, field: str, value: Any) -> None:
    """400 with the field's name, never a 500; huge top_k is fine."""
    response = post(server, path, {"message": "hi", "max_tokens": 5} | {field: value})
    if (field, value) == ("top_k", 10**30):
        assert response.status_code in (200, 400)
        return
    assert response.status_code == 400
    assert response.json()["error"].startswith(field)


def test_long_history_and_unknown_fields_are_fine(server: Server) -> None:
    """Old turns are left out, unknown fields ignored."""
    history = [
        {"role": "user", "content": "soup?", "at": 1},
        {"role": "assistant", "content": "soup"},
    ]
    response = post(server, "/api/chat", {"message": "why", "history": history * 400, "x": 1,
                                          "max_tokens": 5})  # fmt: skip
    assert response.status_code == 200


def test_too_large_a_body_is_refused(server: Server) -> None:
    """413 by Content-Length, and a chunked body is cut off without a 500."""
    assert post(server, "/api/chat", b"x" * 1_000_001).status_code == 413
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request(
            "POST", "/api/chat", body=(b"x" * 100_000 for _ in range(30)), encode_chunked=True
        )
        status = connection.getresponse().status
    except (ConnectionError, http.client.HTTPException):
        status = 400  # hung up on: as good
    finally:
        connection.close()
    assert 400 <= status < 500
    assert httpx.get(server.url + "api/health", timeout=PATIENCE).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:5050"},
     {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://["},
     {"Sec-Fetch-Site": "cross-site"}],
)  # fmt: skip
def test_strangers_are_refused(server: Server, headers: dict[str, str]) -> None:
    """A rebinding Host, a foreign Origin, a cross-site form: 403."""
    response = post(server, "/api/chat", {"message": "hi"}, **headers)
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


def test_the_page_is_served_with_its_policy(server: Server) -> None:
    """The built page, under a policy that allows nothing from elsewhere."""
    page = httpx.get(server.url, timeout=PATIENCE)
    assert page.status_code == 200
    assert '<div id="app">' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    # FastAPI's own docs would load from elsewhere.
    for missing in ("nothing-here", "docs", "..%2f..%2fapp.py"):
        assert httpx.get(server.url + missing, timeout=PATIENCE).status_code == 404


def test_the_page_is_compressed_and_kept(server: Server) -> None:
    """What may be compressed is, tensors aside; hashed files are kept for a year, the page that
    names them is asked for again, what is private is kept nowhere."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        page = client.get("/")
        assert page.headers["cache-control"] == "no-cache"
        assert page.headers["content-encoding"] == "gzip"
        tag = {"If-None-Match": page.headers["etag"]}
        assert client.get("/", headers=tag).status_code == 304
        hashed = re.findall(r'"\./(assets/[^"]+)"', page.text)
        assert len(hashed) >= 2
        for path in hashed:
            file = client.get(path)
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert file.headers["content-encoding"] == "gzip"
            assert file.num_bytes_downloaded < 0.6 * len(file.content)
            plain = client.get(path, headers={"Accept-Encoding": "identity"})
            assert "content-encoding" not in plain.headers
            assert plain.content == file.content
        runs = client.get("api/runs")
        assert (runs.headers["content-encoding"], runs.headers["cache-control"]) == (
            "gzip", "no-store"
        )  # fmt: skip
        tensors = client.post("api/inside/tiles", json={"text": "the piano " * 20})
        assert "content-encoding" not in tensors.headers


def test_without_a_model_the_server_starts_and_says_so(
    empty_server: Server, trained: Workspace, tmp_path: Path
) -> None:
    """503 and ok: false; a model trained meanwhile is found without a restart."""
    health = httpx.get(empty_server.url + "api/health", timeout=PATIENCE).json()
    assert health["ok"] is False
    assert "inkling train" in health["error"]
    for path in ("/api/chat", "/api/chat/stream"):
        response = post(empty_server, path, {"message": "hi"})
        assert response.status_code == 503
        assert "inkling train" in response.json()["error"]
    shutil.copytree(trained.runs_path, tmp_path / "empty" / "runs")
    assert httpx.get(empty_server.url + "api/health", timeout=PATIENCE).json()["ok"] is True
    assert post(empty_server, "/api/chat", {"message": "hi", "max_tokens": 5}).status_code == 200


def test_a_port_in_use_is_one_sentence(inkling: Callable[..., Result], trained: Workspace) -> None:
    """Names the port and the way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = inkling("serve", "--port", port, "--no-open", "-w", trained.path)
    assert result.status == 1
    assert f"Port {port} is in use" in result.err
    assert f"--port {port + 1}" in result.err


def test_off_loopback_a_token_is_required(trained: Workspace) -> None:
    """Without it 401; with it in the address, a cookie carries it on."""
    running = start_server(trained.path, "--host", "0.0.0.0")
    try:
        token = running.url.split("token=")[1]
        base = running.url.split("?")[0].replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(base + "api/health", timeout=PATIENCE).status_code == 401
        assert httpx.get(base + "api/health?token=wrong", timeout=PATIENCE).status_code == 401
        with httpx.Client(timeout=PATIENCE) as client:
            opened = client.get(base + f"?token={token}")
            assert (opened.status_code, opened.headers["location"]) == (303, "/")
            assert client.get(base).status_code == 200
            assert client.get(base + "api/health").status_code == 200
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx.get(base + "api/health", headers=bearer, timeout=PATIENCE).status_code == 200
    finally:
        stop_server(running)


def test_ctrl_c_ends_the_server_quietly(trained: Workspace) -> None:
    """No traceback, exit 130 or 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inkling", "serve", "--port", "0", "--no-open", "-w",
         str(trained.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(2)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 130)
    assert "Traceback" not in err


def test_ctrl_c_cuts_off_what_is_under_way_quietly(tmp_path: Path) -> None:
    """A request whose body never comes holds nobody up, and no traceback tells of it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inkling", "serve", "--port", "0", "--no-open", "-w",
         str(Workspace.create(tmp_path / "empty").path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    port = int(process.stdout.readline().split("/")[2].split(":")[1])
    with socket.create_connection(("127.0.0.1", port)) as half:
        head = f"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 9\r\n\r\n"
        half.sendall(head.encode() + b"{")
        # Answered after it: the half request is in the server's hands.
        assert httpx.get(f"http://127.0.0.1:{port}/api/runs", timeout=PATIENCE).status_code == 200
        process.send_signal(2)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 130)
    assert "Traceback" not in err
    assert "ERROR" not in err


def test_start_serves_at_the_end() -> None:
    """`start --yes --no-serve` does everything but serve; a second call trains nothing."""
    Path("notes").mkdir()
    from tests.conftest import DEMO

    for post_path in sorted((DEMO / "posts").glob("*.md"))[:2]:
        shutil.copy(post_path, "notes")
    arguments = ["start", "notes", "--yes", "--no-serve", "--minutes", "0.2", "--name", "W"]
    assert main(arguments) == 0
    assert Workspace(Path("inkling-workspace")).name == "W"
    runs = Workspace(Path("inkling-workspace")).run_names()
    assert len(runs) == 1
    assert main(arguments) == 0
    assert Workspace(Path("inkling-workspace")).run_names() == runs
