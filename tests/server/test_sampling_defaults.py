"""The [sampling] table of inkling.toml: what a request leaves out, and where the page begins."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inkling.config import REPLY, TEXT, SamplingSettings
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, start_server, stop_server

TABLE = {"temperature": 1.5, "top_k": 0, "repetition_penalty": 1.0, "max_tokens": 17, "seed": 11}
"""In everything but `best_of` another than Inkling's own."""


@pytest.fixture(scope="module")
def client(nonsense: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server of nonsense whose workspace has the table."""
    folder = tmp_path_factory.mktemp("table") / "wilma"
    shutil.copytree(nonsense.path, folder)
    with open(folder / "inkling.toml", "a", encoding="utf-8") as file:
        file.write("\n[sampling]\n" + "".join(f"{key} = {value}\n" for key, value in TABLE.items()))
        file.write("\n[train]\nminutes = 7\n")
    running = start_server(folder)
    with httpx.Client(base_url=running.url, timeout=PATIENCE) as opened:
        yield opened
    stop_server(running)


def reply(client: httpx.Client, **fields: Any) -> str:
    answer = client.post("api/chat", json={"message": "soup?", **fields})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["reply"])


def completion(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"model": "wilma", "messages": [{"role": "user", "content": "soup?"}], **fields}
    answer = client.post("v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_both_apis_draw_as_the_table_says(client: httpx.Client, nonsense: Workspace) -> None:
    """The reply of the model at those settings, from either; a field that is sent wins."""
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run
    from inkling.runtime import Runtime

    model = ChatModel.load(Run.choose(nonsense, None), Runtime.detect(threads=1))
    table = TEXT.model_copy(update=TABLE)

    def expected(settings: SamplingSettings) -> str:
        return "".join(model.reply("soup?", [], settings))

    own = TEXT.model_copy(update={"seed": 11, "max_tokens": 17})
    assert expected(table) != expected(own)
    assert reply(client) == expected(table)
    found = completion(client)
    assert found["choices"][0]["message"]["content"] == expected(table)
    assert found["usage"]["completion_tokens"] == 17

    cold = table.model_copy(update={"temperature": 0.0, "max_tokens": 9, "seed": 3})
    fields = {"temperature": 0, "max_tokens": 9, "seed": 3}
    assert reply(client, **fields) == expected(cold)
    found = completion(client, **fields)
    assert found["choices"][0]["message"]["content"] == expected(cold)
    assert found["usage"]["completion_tokens"] == 9


def test_a_field_sent_at_inklings_own_default_wins_too(client: httpx.Client) -> None:
    """0.5 that was asked for is not 0.5 that nobody mentioned."""
    assert reply(client, temperature=TEXT.temperature, top_k=TEXT.top_k) != reply(client)


def test_kept_chats_draw_as_the_table_says(client: httpx.Client) -> None:
    """And say so: the settings are stored with the reply."""
    chat = client.post("api/chats").json()["id"]
    client.post(f"api/chats/{chat}/messages", json={"message": "soup?"})
    (variant,) = client.get(f"api/chats/{chat}").json()["messages"][1]["variants"]
    assert variant["seed"] == "11"
    wanted = {key: value for key, value in TABLE.items() if key != "seed"}
    assert variant["settings"].items() >= wanted.items()


def test_the_page_begins_with_the_table(client: httpx.Client, served: Any) -> None:
    """`defaults` of the health: the table over what a reply to a person is drawn with."""
    own = httpx.get(served.url + "api/health", timeout=PATIENCE).json()["defaults"]
    assert {"temperature", "top_k", "top_p", "max_tokens", "best_of"} <= set(own)
    assert own == REPLY.model_dump(include=set(own))
    shown = {key: value for key, value in TABLE.items() if key in own}
    assert client.get("api/health").json()["defaults"] == own | shown


def test_a_table_that_cannot_be_stops_the_server_with_a_sentence(
    nonsense: Workspace, tmp_path: Path, inkling: Any
) -> None:
    """Before anything is served: the file, the key and what is wrong."""
    shutil.copytree(nonsense.path, tmp_path / "broken")
    with open(tmp_path / "broken" / "inkling.toml", "a", encoding="utf-8") as file:
        file.write("\n[sampling]\ntemperature = 9\n")
    result = inkling("serve", "--port", 0, "--no-open", "-w", tmp_path / "broken")
    assert result.status == 1
    assert "sampling.temperature" in result.err


def test_a_training_from_the_page_begins_with_the_minutes_of_the_table(
    client: httpx.Client,
) -> None:
    """`[train]` reaches the field that the page shows."""
    assert client.get("api/runs").json()["default_minutes"] == 7
