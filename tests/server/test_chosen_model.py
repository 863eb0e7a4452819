"""Which model replies is chosen, and every reply says which one it was; runs named and deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inkling.chats import ChatStore
from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel
from inkling.inference.model_provider import ModelProvider
from inkling.inference.requests import ModelChoice
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.server import chat_replies
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Inside, once, server_inside
from tests.server.test_chat_api import frames
from tests.voices import CONTEXT, random_run

SETTINGS = {"seed": 3, "max_tokens": 20, "temperature": 1.0, "top_k": 0, "best_of": 1, "memory": 0}


def call_two_runs(workspace: Workspace) -> None:
    """`first` with the checkpoints 1 and 2, and `second`, which is newer, with 5."""
    random_run(workspace, "first", seed=0)
    random_run(workspace, "first", seed=1)
    random_run(workspace, "second", seed=4)
    path = workspace.runs_path / "second" / "config.json"
    config = json.loads(path.read_text()) | {"created": "2026-02-01T00:00:00.000000"}
    path.write_text(json.dumps(config))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.create(tmp_path_factory.mktemp("chosen") / "wilma")
    call_two_runs(made)
    return made


@pytest.fixture(scope="module")
def inside(workspace: Workspace) -> Iterator[Inside]:
    with server_inside(workspace) as running:
        yield running


@pytest.fixture
def client(inside: Inside) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=inside.url + "api/", timeout=PATIENCE) as opened:
        yield opened


def spoken(workspace: Workspace, run: str, step: int) -> str:
    """What that checkpoint says to "soup?", without a server."""
    model = ChatModel.load(Run.open(workspace, run), Runtime.detect(threads=1), step)
    return "".join(model.reply("soup?", [], SamplingSettings.model_validate(SETTINGS)))


CHOICES = [
    ({}, "second", 5),
    ({"run": "first"}, "first", 2),
    ({"run": "first", "step": 1}, "first", 1),
    ({"run": "second"}, "second", 5),
]


@pytest.mark.parametrize(("choice", "run", "step"), CHOICES)
def test_the_chosen_model_replies_and_the_reply_says_so(
    client: httpx.Client, workspace: Workspace, choice: dict[str, Any], run: str, step: int
) -> None:
    """In both APIs: the text is that checkpoint's, the frame and what is kept name it; health
    introduces it."""
    said = spoken(workspace, run, step)
    body = {"message": "soup?", **SETTINGS, **choice}
    assert client.post("chat", json=body).json() == {"reply": said}
    found = frames(client.post("chat/stream", json={**body, "origin": True}))
    assert "".join(frame.get("text", "") for frame in found) == said
    assert found[-1] == {"done": True, "run": run, "step": step}
    assert frames(client.post("chat/stream", json=body))[-1] == {"done": True}

    first, *_, last = frames(client.post("chats/messages", json=body))
    assert (last["run"], last["step"], last["position"]) == (run, step, 1)
    chat = client.get(f"chats/{first['chat']}").json()
    assert [m["variants"][0]["text"] for m in chat["messages"]] == ["soup?", said]
    assert (chat["messages"][1]["variants"][0]["step"], chat["replying"]) == (step, None)
    again = frames(client.post(f"chats/{first['chat']}/regenerate", json={**SETTINGS, **choice}))
    assert (again[-1]["run"], again[-1]["step"], again[-1]["variant"]) == (run, step, 1)

    health = client.get("health", params=choice).json()
    assert (health["model"]["run"], health["model"]["step"]) == (run, step)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"run": "gone"}, "There is no run called 'gone'. There are: first, second."),
        ({"run": "first", "step": 9}, "Run first has no checkpoint 9. It has: 1, 2."),
        ({"run": "../x"}, "not a run name"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_is_stored(
    client: httpx.Client, choice: dict[str, Any], words: str
) -> None:
    """A sentence under every route; the message begins no chat."""
    before = client.get("chats").json()
    body = {"message": "soup?", **choice}
    for path, status in (("chat", 404), ("chat/stream", 404), ("chats/messages", 409)):
        answer = client.post(path, json=body)
        assert answer.status_code == status
        assert words in answer.json()["error"]
    assert client.get("chats").json() == before
    health = client.get("health", params=choice).json()
    assert (health["ok"], words in health["error"]) == (False, True)


def test_going_back_and_forth_loads_nothing(workspace: Workspace) -> None:
    """Three choices are held; of two that mean the same checkpoint the model is one."""
    provider = ModelProvider(workspace, look_seconds=0)
    newest = provider.model()
    chosen = provider.model(ModelChoice("first"))
    assert provider.model(ModelChoice("second")) is newest
    assert provider.model(ModelChoice("first", 2)) is chosen
    provider.model(ModelChoice("first", 1))
    assert provider.latest(ModelChoice()) is None  # used longest ago
    assert provider.model() is newest  # by its other name
    assert provider.holds(newest)


def test_a_run_given_an_old_name_is_another_model(tmp_path: Path) -> None:
    """Deleted under a running server: said, let go of, and the next run of that name is not it."""
    workspace = Workspace.create(tmp_path / "again")
    call_two_runs(workspace)
    provider = ModelProvider(workspace, look_seconds=0)
    old = provider.model(ModelChoice("second"))
    shutil.rmtree(workspace.runs_path / "second")
    assert provider.holds(old)  # until something is asked
    with pytest.raises(Exception, match="no run called 'second'"):
        provider.model(ModelChoice("second"))
    assert not provider.holds(old)
    random_run(workspace, "second", seed=4)
    assert provider.model(ModelChoice("second")) is not old


def test_a_page_that_is_reloaded_finds_its_reply(
    inside: Inside, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who listens later hears it from the first character on; who stays away ends it."""
    endless = {"message": "go on", **SETTINGS, "max_tokens": 2000, "run": "first"}
    with client.stream("POST", "chats/messages", json=endless) as response:
        lines = (line for line in response.iter_lines() if line)
        chat = json.loads(next(lines).removeprefix("data: "))["chat"]
        shown = json.loads(next(lines).removeprefix("data: "))["text"]
        assert client.get(f"chats/{chat}").json()["replying"] == "first"
    monkeypatch.setattr(chat_replies.ReplyInProgress, "_cancel_if_alone", lambda self: None)
    with client.stream("GET", f"chats/{chat}/reply") as response:
        texts = []
        for line in response.iter_lines():
            if line:
                frame = json.loads(line.removeprefix("data: "))
                texts.append(frame.get("text", ""))
    assert "".join(texts).startswith(shown)
    stored = client.get(f"chats/{chat}").json()["messages"][1]["variants"][0]["text"]
    assert stored == "".join(texts)
    assert client.get(f"chats/{chat}/reply").status_code == 404

    monkeypatch.undo()
    monkeypatch.setattr(chat_replies, "COME_BACK_SECONDS", 0.0)
    with client.stream("POST", f"chats/{chat}/messages", json=endless) as response:
        next(response.iter_lines())
    once(inside.is_idle)


def test_a_copy_goes_on_from_an_earlier_message(client: httpx.Client) -> None:
    """What was said before it, variants and origins included; the first chat stays as it is."""
    body = {"message": "soup?", **SETTINGS}
    chat = frames(client.post("chats/messages", json=body))[0]["chat"]
    frames(client.post(f"chats/{chat}/regenerate", json=SETTINGS))
    frames(client.post(f"chats/{chat}/messages", json=body))
    whole = client.get(f"chats/{chat}").json()["messages"]
    copied = client.post(f"chats/{chat}/copy", json={"before": 2})
    assert copied.status_code == 201
    assert copied.json()["title"] == "soup?"
    assert client.get(f"chats/{copied.json()['id']}").json()["messages"] == whole[:2]
    assert client.get(f"chats/{chat}").json()["messages"] == whole
    assert client.post("chats/99999/copy", json={"before": 2}).status_code == 404


@pytest.mark.parametrize("phase", ["finetune", "train"])
def test_what_does_not_fit_the_context_is_told(workspace: Workspace, phase: str) -> None:
    """The characters counted as unread are those that are not in the ids, to the character: the
    model reads the same without them."""
    model = ChatModel.load(Run.open(workspace, "first"), Runtime.detect(threads=1), 1)
    model.tuned = phase == "finetune"
    assert model.prompt("short enough", []).unread == 0
    message = "abc de f ghij " * 30 + "the end"
    prompt = model.prompt(message, [])
    assert 0 < prompt.unread < len(message)
    rest = message[prompt.unread :]
    read = model.tokenizer.decode(prompt.ids[-(CONTEXT - 1) :]).strip()
    assert read == rest.strip() or read.endswith(rest.strip())
    assert len(rest) >= len(read)


def test_a_run_is_named_and_deleted(tmp_path: Path, inkling: Any) -> None:
    """The name is shown by the API and the command line; the folder's stays. Deleting is for good,
    and not for what trains."""
    workspace = Workspace.create(tmp_path / "wilma")
    call_two_runs(workspace)
    with (
        server_inside(workspace) as running,
        httpx.Client(base_url=running.url + "api/", timeout=PATIENCE) as client,
    ):
        assert client.patch("runs/first", json={"title": " The\ngood one "}).status_code == 204
        rows = {row["name"]: row for row in client.get("runs").json()["runs"]}
        assert (rows["first"]["title"], rows["second"]["title"]) == ("The good one", "")
        assert rows["first"]["checkpoints"] == [1, 2]
        assert "first (The good one)" in inkling("runs", "-w", workspace.path).out
        assert json.loads(inkling("runs", "--json", "-w", workspace.path).out)[0]["title"]
        assert client.patch("runs/first", json={"title": "x" * 61}).status_code == 400
        assert client.patch("runs/gone", json={"title": "x"}).status_code == 404
        assert client.patch("runs/first", json={"title": ""}).status_code == 204
        assert client.get("runs").json()["runs"][1]["title"] == ""

        with workspace.training_lock():
            busy = client.delete("runs/first")
            assert busy.status_code == 409
            assert "being trained" in busy.json()["error"]
        assert client.delete("runs/first").status_code == 204
        assert [row["name"] for row in client.get("runs").json()["runs"]] == ["second"]
        assert [each.name for each in workspace.runs_path.iterdir()] == ["second"]
        assert client.delete("runs/first").status_code == 404


def test_a_chat_and_its_first_message_are_one_write(tmp_path: Path) -> None:
    """Both or neither: what cannot be stored leaves no empty chat."""
    with ChatStore(tmp_path / "chats.db") as store:
        with pytest.raises(Exception):  # noqa: B017  the type is SQLite's matter
            store.begin("page", None)  # type: ignore[arg-type]
        assert store.list() == []
        chat = store.begin("page", "soup?", "first")
        assert [m.text for m in store.open(chat)] == ["soup?"]
        assert store.summary(chat).title == "soup?"
