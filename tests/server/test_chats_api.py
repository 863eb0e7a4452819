"""Kept chats over real HTTP: what is said stays, whatever happens to the reply."""

from __future__ import annotations

import json
import math
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inkling.chats import ChatStore
from inkling.config import MEMORY, TEXT
from inkling.corpus.importers import read_path
from inkling.corpus.store import CorpusStore
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, start_server, stop_server
from tests.server.test_chat_api import frames

EVIL = "<script>document.title='pwned'</script>"
ENDLESS = {"message": "go on", "max_tokens": 2000, "temperature": 5, "top_k": 0, "seed": 6}


@pytest.fixture(scope="module")
def kept(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the trained workspace, so that what is said here stays here."""
    copy = Workspace(tmp_path_factory.mktemp("kept") / "wilma")
    shutil.copytree(trained.path, copy.path)
    return copy


@pytest.fixture(scope="module")
def client(kept: Workspace) -> Iterator[httpx.Client]:
    running = start_server(kept.path)
    with httpx.Client(base_url=running.url + "api/", timeout=PATIENCE) as opened:
        yield opened
    assert stop_server(running) in (0, 130)


def new(client: httpx.Client) -> int:
    response = client.post("chats")
    assert response.status_code == 201
    return int(response.json()["id"])


def say(client: httpx.Client, chat: int, message: str, **settings: Any) -> list[dict[str, Any]]:
    body = {"message": message, "max_tokens": 12, **settings}
    return frames(client.post(f"chats/{chat}/messages", json=body))


def messages(client: httpx.Client, chat: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"chats/{chat}").json()["messages"]
    return found


def learned(workspace: Workspace) -> list[list[str]]:
    with CorpusStore(workspace.corpus_path) as corpus:
        return [
            [message.text for message in conversation.messages]
            for conversation in corpus.conversations()
            if conversation.source == "edits"
        ]


def test_a_question_and_its_reply_are_kept(client: httpx.Client) -> None:
    """The frames spell what is stored, with seed, settings, run and step; the same seed in the
    stateless API writes the same."""
    chat = new(client)
    found = say(client, chat, "do you have pets?", seed=5, top_p=0.9)
    text = "".join(frame["text"] for frame in found[:-1])
    assert found[-1] == {
        "done": True, "position": 1, "variant": 0, "seed": "5", "run": "tiny",
        "step": client.get("health").json()["model"]["step"],
    }  # fmt: skip
    asked, reply = messages(client, chat)
    assert (asked["role"], asked["variants"][0]["text"]) == ("user", "do you have pets?")
    (variant,) = reply["variants"]
    assert (variant["text"], variant["seed"], variant["run"]) == (text, "5", "tiny")
    assert (variant["settings"]["top_p"], variant["settings"]["max_tokens"]) == (0.9, 12)
    body = {"message": "do you have pets?", "seed": 5, "top_p": 0.9, "max_tokens": 12}
    assert client.post("chat", json=body).json()["reply"] == text
    row = client.get("chats").json()["chats"][0]
    assert (row["id"], row["title"], row["source"]) == (chat, "do you have pets?", "page")
    assert (row["messages"], row["corrections"]) == (2, 0)


def test_the_history_is_read_before_a_reply(client: httpx.Client) -> None:
    """The second reply is that of the stateless API with the first exchange as history."""
    chat = new(client)
    first = "".join(f.get("text", "") for f in say(client, chat, "soup?", seed=1))
    second = "".join(f.get("text", "") for f in say(client, chat, "why?", seed=2, max_tokens=40))
    history = [{"role": "user", "content": "soup?"}, {"role": "assistant", "content": first}]
    body = {"message": "why?", "seed": 2, "max_tokens": 40, "history": history}
    assert client.post("chat", json=body).json()["reply"] == second


def test_another_reply_is_a_variant(client: httpx.Client) -> None:
    """None is lost, the next free seed is taken, an earlier one can be chosen again."""
    chat = new(client)
    say(client, chat, "soup?", seed=7)
    url = f"chats/{chat}/regenerate"
    done = frames(client.post(url, json={"seed": 7, "max_tokens": 12}))[-1]
    assert (done["position"], done["variant"], done["seed"]) == (1, 1, "8")
    reply = messages(client, chat)[1]
    assert [v["seed"] for v in reply["variants"]] == ["7", "8"]
    assert reply["chosen"] == 1
    chosen = client.post(f"chats/{chat}/choose", json={"position": 1, "variant": 0})
    assert chosen.json()["messages"][1]["chosen"] == 0
    assert messages(client, chat)[1]["chosen"] == 0


def test_a_correction_becomes_a_training_pair(client: httpx.Client, kept: Workspace) -> None:
    """PUT teaches it, DELETE takes it back, deleting the chat takes it back as well."""
    chat = new(client)
    say(client, chat, "what is your aunt called?")
    before = messages(client, chat)[1]["variants"][0]["text"]
    url = f"chats/{chat}/messages/1"
    answer = client.put(url, json={"text": f"Hedwig {EVIL}"}).json()
    assert answer["learned"] is True
    assert answer["messages"][1]["variants"][0]["text"] == f"Hedwig {EVIL}"
    assert answer["messages"][1]["variants"][0]["corrected"] is True
    assert answer["chat"]["corrections"] == 1
    assert learned(kept) == [["what is your aunt called?", f"Hedwig {EVIL}"]]
    undone = client.delete(f"{url}/correction").json()
    assert undone["messages"][1]["variants"][0]["text"] == before
    assert learned(kept) == []
    client.put(url, json={"text": "Hedwig"})
    assert client.delete(f"chats/{chat}").status_code == 204
    assert learned(kept) == []
    assert client.get(f"chats/{chat}").status_code == 404


def test_why_traces_a_reply(client: httpx.Client, kept: Workspace, posts: list[Path]) -> None:
    """A reply that stands in a post is traced there, word for word."""
    chat = new(client)
    say(client, chat, "tell me")
    with ChatStore(kept.chats_path) as store:
        origin = store.open(chat)[1].variants[0].origin
        sentence = next(
            line for line in posts[0].read_text().splitlines() if len(line) > 80 and "*" not in line
        )[:80]
        store.add_variant(chat, 1, sentence, origin)
    found = client.get(f"chats/{chat}/messages/1/why").json()
    assert (found["text"], found["run"], found["longest"]) == (sentence, "tiny", 80)
    assert found["spans"][0]["passages"][0]["title"]
    assert client.get(f"chats/{chat}/messages/0/why").status_code == 409


def test_why_shows_the_memory(client: httpx.Client, kept: Workspace) -> None:
    """The exchanges looked up, and the reply in pieces with shares that sum up; a sampled reply
    and its trace agree on λ. A reply of the bare model took nothing, a corrected one is neither."""
    with CorpusStore(kept.corpus_path) as corpus:
        dialog = next(c for c in corpus.conversations() if c.source != "edits")
    question = dialog.messages[0].text
    chat = new(client)
    reply = "".join(f.get("text", "") for f in say(client, chat, question, seed=3, memory=0.95))
    found = client.get(f"chats/{chat}/messages/1/why").json()
    memory = found["memory"]
    assert (memory["weight"], found["remark"]) == (0.95, None)
    nearest = memory["neighbours"][0]
    assert nearest["question"] == question
    assert math.isclose(sum(n["weight"] for n in memory["neighbours"]), 1, rel_tol=1e-5)
    assert "".join(piece["text"] for piece in memory["pieces"]) == reply
    characters = sum(len(piece["text"]) * piece["share"] for piece in memory["pieces"])
    assert math.isclose(memory["share"], characters / len(reply), rel_tol=1e-4)
    assert math.isclose(memory["share"], sum(n["given"] for n in memory["neighbours"]))
    assert memory["share"] > 0.5

    say(client, chat, question, seed=3, memory=0)
    bare = client.get(f"chats/{chat}/messages/3/why").json()["memory"]
    assert (bare["weight"], bare["share"], bare["neighbours"]) == (0, 0, [])
    client.put(f"chats/{chat}/messages/3", json={"text": "No."})
    corrected = client.get(f"chats/{chat}/messages/3/why").json()
    assert corrected["memory"] is None
    assert corrected["remark"].startswith("You corrected this reply")
    # The correction is said before now, so the memory was made again.
    say(client, chat, "go on")
    assert "the memory of today" in client.get(f"chats/{chat}/messages/1/why").json()["remark"]
    client.delete(f"chats/{chat}/messages/3/correction")


def test_what_is_forgotten_is_in_no_reply_that_begins_after(
    client: httpx.Client, kept: Workspace, inkling: Any
) -> None:
    """A phrase that memory recites is forgotten while the server runs: the next reply's
    neighbours do not hold it, and a kept reply's trace does not bring it back."""
    chat = new(client)
    say(client, chat, "where is the zylophant?")
    client.put(f"chats/{chat}/messages/1", json={"text": "the zylophant is in the scullery"})
    again = new(client)
    say(client, again, "where is the zylophant?", seed=1, memory=1, max_tokens=40)
    assert messages(client, again)[1]["variants"][0]["text"] == "the zylophant is in the scullery"
    url = f"chats/{again}/messages/1/why"
    before = client.get(url).json()["memory"]
    assert before["neighbours"][0]["reply"] == "the zylophant is in the scullery"

    done = inkling("corpus", "forget", "--match", "zylophant", "--yes", "-w", kept.path)
    assert done.status == 0, done.err
    assert "The memory no longer holds it" in done.out
    last = new(client)
    say(client, last, "where is the zylophant?", seed=1, memory=1, max_tokens=40)
    for asked in (url, f"chats/{last}/messages/1/why"):
        found = client.get(asked).json()["memory"]
        assert "zylophant" not in str([n["reply"] for n in found["neighbours"]])
    assert "zylophant" not in messages(client, last)[1]["variants"][0]["text"]


def test_memory_0_is_the_bare_model(client: httpx.Client, kept: Workspace) -> None:
    """In each API, for a seed: what the model writes that has no memory; the default is another."""
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run
    from inkling.runtime import Runtime

    bare = ChatModel.load(Run.choose(kept, None), Runtime.detect(threads=1))
    with CorpusStore(kept.corpus_path) as corpus:
        question = next(iter(corpus.conversations())).messages[0].text
    drawn = TEXT.model_copy(update={"seed": 4, "max_tokens": 20})
    expected = "".join(bare.reply(question, [], drawn))

    completions = client.base_url.copy_with(path="/v1/chat/completions")

    def replies(**memory: float) -> list[str]:
        fields = {"seed": 4, "max_tokens": 20, **memory}
        chat = new(client)
        stateless = client.post("chat", json={"message": question, **fields}).json()["reply"]
        say(client, chat, question, **fields)
        body = {"model": "wilma", "messages": [{"role": "user", "content": question}], **fields}
        openai = client.post(completions, json=body).json()
        stored = messages(client, chat)[1]["variants"][0]
        assert stored["settings"]["memory"] == memory.get("memory", MEMORY)
        return [stateless, stored["text"], openai["choices"][0]["message"]["content"]]

    assert replies(memory=0) == [expected] * 3
    leaning = replies()
    assert leaning == replies(memory=MEMORY)
    assert expected not in leaning
    for body in ({"memory": 1.1}, {"memory": -0.1}, {"memory": "all"}):
        assert client.post("chat", json={"message": "x", **body}).status_code == 400
        asked = {"model": "wilma", "messages": [{"role": "user", "content": "x"}], **body}
        assert client.post(completions, json=asked).status_code == 400


def test_chats_are_listed_searched_renamed_and_exported(
    client: httpx.Client, kept: Workspace
) -> None:
    """By title and by text; markup is text; an import reads the export."""
    one, two = new(client), new(client)
    say(client, one, f"is {EVIL} zanzibarian?")
    say(client, two, "who tunes the verger's piano?")
    assert client.get("chats").json()["chats"][0]["id"] == two
    assert client.get("chats", params={"limit": 1}).json()["more"] is True
    for query, found in ((EVIL, [one]), ("zanzib", [one]), ("VERGER", [two]), ("xyzzy", [])):
        rows = client.get("chats", params={"q": query}).json()["chats"]
        assert [row["id"] for row in rows] == found, query
    (row,) = client.get("chats", params={"q": "zanzib"}).json()["chats"]
    assert "zanzibarian" in row["excerpt"]
    renamed = client.patch(f"chats/{two}", json={"title": f"Strings {EVIL}"})
    assert renamed.json()["title"] == f"Strings {EVIL}"
    assert [c["id"] for c in client.get("chats", params={"q": "strings"}).json()["chats"]] == [two]

    response = client.get(f"chats/{one}/export")
    assert response.headers["content-disposition"] == f'attachment; filename="chat-{one}.jsonl"'
    assert json.loads(response.text)["messages"][0]["content"] == f"is {EVIL} zanzibarian?"
    Path("chats.jsonl").write_text(client.get("chats/export").text)
    assert len(list(read_path(Path("chats.jsonl")))) >= 2


def test_a_listener_that_leaves_ends_the_reply_and_keeps_it(client: httpx.Client) -> None:
    """What was written before the connection closed is stored; a stop waits until it is."""
    chat = new(client)
    with client.stream("POST", f"chats/{chat}/messages", json=ENDLESS) as response:
        shown = json.loads(next(response.iter_lines()).removeprefix("data: "))["text"]
        busy = client.post(f"chats/{chat}/regenerate")
        assert busy.status_code == 409
        assert "being generated" in busy.json()["error"]
    stored = client.post(f"chats/{chat}/stop").json()["messages"]
    assert stored[1]["variants"][0]["text"].startswith(shown)
    assert len(stored[1]["variants"][0]["text"]) < 2000
    assert stored == messages(client, chat)


def test_stop_from_elsewhere_ends_the_stream(client: httpx.Client) -> None:
    """Another tab may stop it: whoever listens is told, and where it was stored."""
    chat = new(client)
    with client.stream("POST", f"chats/{chat}/messages", json=ENDLESS) as response:
        lines = response.iter_lines()
        next(lines)
        client.post(f"chats/{chat}/stop")
        ended = json.loads([line for line in lines if line][-1].removeprefix("data: "))
    assert (ended["done"], ended["stopped"], ended["position"]) == (True, True, 1)


def test_a_reply_to_a_chat_that_is_deleted_meanwhile(client: httpx.Client) -> None:
    """Deleting stops the writing; nothing comes back."""
    chat = new(client)
    with client.stream("POST", f"chats/{chat}/messages", json=ENDLESS) as response:
        next(response.iter_lines())
        assert client.delete(f"chats/{chat}").status_code == 204
    assert client.get(f"chats/{chat}").status_code == 404


@pytest.mark.parametrize("chat", ["999999", "0", "x", "-1", "9" * 18, "9" * 19, "9" * 40, "%00"])
def test_what_is_not_there_is_404(client: httpx.Client, chat: str) -> None:
    """Every route, one sentence."""
    correction = {"text": "x"}
    for response in (
        client.get(f"chats/{chat}"),
        client.delete(f"chats/{chat}"),
        client.patch(f"chats/{chat}", json={"title": "x"}),
        client.get(f"chats/{chat}/export"),
        client.post(f"chats/{chat}/messages", json={"message": "hi"}),
        client.post(f"chats/{chat}/regenerate"),
        client.post(f"chats/{chat}/stop"),
        client.post(f"chats/{chat}/choose", json={"position": 0, "variant": 0}),
        client.put(f"chats/{chat}/messages/1", json=correction),
        client.delete(f"chats/{chat}/messages/1/correction"),
        client.get(f"chats/{chat}/messages/1/why"),
    ):
        assert response.status_code == 404, response.request.url
        assert response.json()["error"].endswith(".")


def test_what_cannot_be_is_refused(client: httpx.Client) -> None:
    """A sentence and a 4xx for each."""
    chat = new(client)
    say(client, chat, "hello")
    base = f"chats/{chat}"
    for status, response in (
        (400, client.post(f"{base}/messages", json={"message": " "})),
        (400, client.post(f"{base}/messages", json={"message": "x", "top_p": 0})),
        (400, client.post(f"{base}/messages", json={"message": "x" * 20_001})),
        (400, client.post(f"{base}/regenerate", content=b"[]")),
        (400, client.post(f"{base}/regenerate", json={"temperature": "hot"})),
        (400, client.post(f"{base}/choose", json={"position": 1})),
        (404, client.post(f"{base}/choose", json={"position": 1, "variant": 9})),
        (404, client.put(f"{base}/messages/0", json={"text": "no reply"})),
        (404, client.put(f"{base}/messages/9", json={"text": "nothing there"})),
        (400, client.put(f"{base}/messages/1", json={})),
        (409, client.put(f"{base}/messages/1", json={"text": " "})),
        (409, client.delete(f"{base}/messages/1/correction")),
        (409, client.patch(base, json={"title": " "})),
        (409, client.post(f"chats/{new(client)}/regenerate")),
        (400, client.get("chats", params={"limit": "x"})),
        (413, client.post(f"{base}/messages", content=b"x" * 1_000_001)),
    ):
        assert response.status_code == status, response.text
        assert set(response.json()) == {"error"}
    assert messages(client, chat)[0]["variants"][0]["text"] == "hello"
    assert len(messages(client, chat)) == 2


def test_without_a_model_nothing_is_begun(empty_server: Server, tmp_path: Path) -> None:
    """The list is empty and makes no file; a new chat is refused with what to do."""
    listed = httpx.get(empty_server.url + "api/chats", timeout=PATIENCE).json()
    assert listed == {"chats": [], "more": False}
    assert not (tmp_path / "empty" / "chats.db").exists()
    refused = httpx.post(empty_server.url + "api/chats", timeout=PATIENCE)
    assert refused.status_code == 409
    assert "inkling train" in refused.json()["error"]


def test_a_killed_server_loses_no_saved_message(kept: Workspace) -> None:
    """kill -9 in the middle of a reply: the message is there, and can be answered again."""
    running = start_server(kept.path)
    with httpx.Client(base_url=running.url + "api/", timeout=PATIENCE) as client:
        chat = new(client)
        with client.stream("POST", f"chats/{chat}/messages", json=ENDLESS) as response:
            next(response.iter_lines())
            running.process.send_signal(signal.SIGKILL)
            running.process.wait(PATIENCE)
    assert running.process.stdout is not None
    running.process.stdout.close()
    with ChatStore(kept.chats_path) as store:
        assert [m.text for m in store.open(chat)] == ["go on"]


def test_a_server_that_is_stopped_keeps_the_reply_under_way(kept: Workspace) -> None:
    """Ctrl-C in the middle of a reply: what was written is stored."""
    running = start_server(kept.path)
    with httpx.Client(base_url=running.url + "api/", timeout=PATIENCE) as client:
        chat = new(client)
        with client.stream("POST", f"chats/{chat}/messages", json=ENDLESS) as response:
            lines = response.iter_lines()
            next(lines)
            ending = threading.Thread(target=stop_server, args=(running,))
            ending.start()
            try:
                for _ in lines:
                    pass
            except httpx.HTTPError:
                pass  # it may hang up before the last frame
            ending.join()
    with ChatStore(kept.chats_path) as store:
        asked, reply = store.open(chat)
        assert (asked.text, reply.role) == ("go on", "me")
