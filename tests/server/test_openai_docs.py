"""docs/openai.md as a reader would follow it: every block, against a running server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from inkling.server import openai_schemas, refusals, schemas
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, start_server, stop_server

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "openai.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_blocks_of_the_page_run(served: Server, tmp_path: Path, number: int) -> None:
    """Each exits 0 and says something; only the two that show refusals are refused."""
    language, block = BLOCKS[number]
    if "curl" in block and shutil.which("curl") is None:
        pytest.skip("this machine has no curl")
    block = block.replace("http://127.0.0.1:5050/", served.url)
    block = re.sub(r"\bmine\b(?!-text)", "wilma", block)
    command = {"sh": ["sh", "-ec"], "python": [sys.executable, "-c"]}[language]
    programs = str(Path(sys.executable).parent)
    done = subprocess.run(
        [*command, block],
        env={
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "LLM_USER_PATH": str(tmp_path / "llm"),
        },
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    refused = done.stdout.count('"error"')
    assert refused == (2 if "403" in block else 0), done.stdout


def test_no_block_is_left_out() -> None:
    """Blocks of another language would not be run."""
    assert {language for language, _ in BLOCKS} == {"sh", "python"}
    assert len(BLOCKS) == PAGE.count("\n```") / 2


def test_the_limits_on_the_page_are_the_codes() -> None:
    """Numbers that a reader relies on."""
    for sentence in (
        f"`n` ({openai_schemas.MAX_CHOICES} at\nmost)",
        f"a text or {openai_schemas.MAX_STOPS} of them",
        f"`top_logprobs` ({openai_schemas.MAX_TOP_LOGPROBS} at most)",
        f"a body of {refusals.MAX_BODY_BYTES // 1_000_000} MB",
        f"{schemas.MAX_HISTORY:,} messages of {schemas.MAX_MESSAGE_CHARACTERS:,} characters",
        f"{schemas.MAX_REPLY_TOKENS:,} tokens a text",
    ):
        assert sentence in PAGE, sentence
    for name in openai_schemas._UNSUPPORTED:
        said = {"tool_choice": "tools", "modalities": "sound", "audio": "sound"}.get(name, name)
        assert f"`{said}`" in PAGE or said == "sound", name


def webui(host: str, key: str) -> dict[str, str]:
    """The headers of Open WebUI's server in a container."""
    return {
        "Host": host,
        "Content-Type": "application/json",
        "Authorization": f"Bearer {key}",
        "User-Agent": "Python/3.11 aiohttp/3.12",
        "Accept": "*/*",
    }


def test_the_requests_of_open_webui(nonsense: Workspace) -> None:
    """From a container: refused under another name without the token, and answered with it:
    the check of the connection, a streamed chat with usage, a title."""
    token = "a-token-of-24-characters"
    running = start_server(nonsense.path, "--token", token)
    base = running.url.split("?")[0] + "v1/"
    host = f"host.docker.internal:{running.port}"
    chat = {
        "model": "wilma", "stream": True, "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "soup?", "cache_control": {"type": "ephemeral"}},
            ]},
        ],
        "max_tokens": 12,
    }  # fmt: skip
    title = {
        "model": "wilma", "stream": False, "max_tokens": 12,
        "messages": [{"role": "user", "content": "### Task:\nA title.\n" * 100}],
    }  # fmt: skip
    try:
        with httpx.Client(base_url=base, timeout=60, headers=webui(host, token)) as client:
            assert [m["id"] for m in client.get("models").json()["data"]] == ["wilma", "random"]
            streamed = client.post("chat/completions", json=chat)
            assert streamed.headers["content-type"].startswith("text/event-stream")
            assert streamed.text.endswith("data: [DONE]\n\n")
            assert '"completion_tokens": 12' in streamed.text
            found = client.post("chat/completions", json=title).json()
            assert found["choices"][0]["message"]["content"]
        refused = httpx.get(base + "models", headers=webui(host, "wrong"), timeout=PATIENCE)
        assert refused.status_code == 401
        assert "API key" in refused.json()["error"]["message"]
    finally:
        stop_server(running)


def test_another_name_is_refused_with_the_way_out(served: Server) -> None:
    """A container that calls a server without a token reads what to type."""
    host = f"host.docker.internal:{served.port}"
    refused = httpx.get(served.url + "v1/models", headers=webui(host, "none"), timeout=PATIENCE)
    assert refused.status_code == 403
    message = refused.json()["error"]["message"]
    assert host in message
    assert "inkling serve --token" in message
