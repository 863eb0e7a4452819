"""The runs API over real HTTP, with real trainings of a tiny model in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inkling.config import Selection
from inkling.evaluation.units import perplexity
from inkling.runs import Run
from inkling.server.training_process import KILLED
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, start_server, stop_server


@pytest.fixture
def api(lab: Workspace) -> Iterator[Server]:
    running = start_server(lab.path)
    yield running
    stop_server(running)


def get(server: Server, path: str = "api/runs") -> Any:
    response = httpx.get(server.url + path, timeout=PATIENCE)
    assert response.status_code == 200, response.text
    return response.json()


def post(server: Server, path: str, body: Any = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {})
    return httpx.post(server.url + path, content=content, timeout=PATIENCE)


def once(server: Server, holds: Callable[[Any], bool]) -> Any:
    """The list of runs as soon as `holds` of it."""
    waiting, end = threading.Event(), time.monotonic() + PATIENCE
    while not holds(listed := get(server)):
        assert time.monotonic() < end, listed
        waiting.wait(0.1)
    return listed


def row(listed: Any, name: str) -> Any:
    return next(r for r in listed["runs"] if r["name"] == name)


def idle(listed: Any) -> bool:
    return bool(listed["training"]["state"] == "idle")


def underway(listed: Any) -> bool:
    """The training has made steps and told of them."""
    progress = listed["training"]["progress"]
    return bool(progress and listed["training"]["state"] == "training" and progress["phase"])


class Events:
    """Server-sent events, by a reader that knows only the grammar in the docs."""

    def __init__(self, server: Server, run: str, **headers: str) -> None:
        self._stream = httpx.stream(
            "GET", f"{server.url}api/runs/{run}/events", headers=headers, timeout=PATIENCE
        )
        self.ids: list[int] = []

    def __enter__(self) -> Events:
        response = self._stream.__enter__()
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        self._lines = response.iter_lines()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stream.__exit__(None, None, None)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        kind, data = "", ""
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "id":
                self.ids.append(int(value))
            elif field == "event":
                kind = value
            elif field == "data":
                data = value
            elif not line and kind:
                yield kind, json.loads(data)
                kind = ""


def test_runs_are_listed_with_what_a_page_needs(server: Server, trained: Workspace) -> None:
    """Names, phases, best and state, as on disk; nothing trains."""
    listed = get(server)
    (tiny,) = (r for r in listed["runs"] if r["name"] == "tiny")
    run = Run.open(trained, "tiny")
    assert tiny["recipe"] == "modern"
    assert tiny["phases"] == ["train", "finetune"]
    assert (tiny["complete"], tiny["state"], tiny["sentence"]) == (True, "done", None)
    assert tiny["best"] == run.checkpoints.best()
    assert tiny["step"] == run.checkpoints.last_step()
    weights = run.checkpoints.load(run.checkpoints.last_step() or 0).model
    assert tiny["parameters"] == sum(tensor.numel() for tensor in weights.values())
    assert listed["training"]["state"] == "idle"


def test_metrics_are_columns_of_the_files_rows(server: Server, trained: Workspace) -> None:
    """Equal to metrics.jsonl, with perplexity; `since` begins at that step."""
    records = list(Run.open(trained, "tiny").records("metrics.jsonl"))
    columns = get(server, "api/runs/tiny/metrics")["evaluations"]
    for key in ("step", "phase", "train_loss", "val_loss", "val_bits_per_char", "lr"):
        assert columns[key] == [record[key] for record in records]
    assert columns["perplexity"] == [perplexity(record["val_loss"]) for record in records]
    samples = list(Run.open(trained, "tiny").records("samples.jsonl"))
    assert [s["text"] for s in get(server, "api/runs/tiny/metrics")["samples"]] == [
        s["text"] for s in samples
    ]
    middle = records[len(records) // 2]["step"]
    later = get(server, f"api/runs/tiny/metrics?since={middle}")["evaluations"]["step"]
    assert later == [r["step"] for r in records if r["step"] >= middle]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "api/runs/nope/metrics", None, 404, "no run called 'nope'"),
        ("GET", "api/runs/nope/events", None, 404, "no run called"),
        ("GET", "api/runs/..%2f..%2fetc/metrics", None, 404, ""),
        ("GET", "api/runs/../metrics", None, 404, ""),
        ("GET", "api/runs/.hidden/metrics", None, 404, "not a run name"),
        ("GET", "api/runs/tiny/metrics?since=x", None, 400, "since"),
        ("GET", "api/runs/tiny/metrics?since=-1", None, 400, "since"),
        ("POST", "api/runs", {"minutes": 0}, 400, "minutes"),
        ("POST", "api/runs", {"minutes": 1e6}, 400, "minutes"),
        ("POST", "api/runs", b'{"minutes": NaN}', 400, "minutes"),
        ("POST", "api/runs", {"minutes": "soon"}, 400, "minutes"),
        ("POST", "api/runs", {"minutes": 1, "steps": 2}, 400, "not both"),
        ("POST", "api/runs", {"recipe": "llama"}, 400, "recipe"),
        ("POST", "api/runs", {"minuets": 3}, 400, "minuets"),
        ("POST", "api/runs", [1], 400, "the body"),
        ("POST", "api/runs", b"not json", 400, "JSON"),
        ("POST", "api/runs", b"[" * 50_000, 400, ""),
        ("POST", "api/runs/tiny/stop", None, 409, "not being trained"),
        ("POST", "api/runs/tiny/resume", None, 409, "complete"),
        ("POST", "api/runs/nope/resume", None, 404, "no run called"),
    ],
)
def test_refusals_are_sentences(
    server: Server, method: str, path: str, body: Any, status: int, words: str
) -> None:
    """400, 404 or 409 with `{"error": sentence}`; nothing is started by any."""
    content = body if isinstance(body, bytes) else json.dumps(body)
    response = httpx.request(
        method, server.url + path, content=content if body else None, timeout=PATIENCE
    )
    assert response.status_code == status, response.text
    if words:
        assert words in response.json()["error"]
    assert idle(get(server))


def test_strangers_start_nothing(server: Server) -> None:
    """A form on another site cannot begin or stop a training."""
    headers = {"Origin": "http://evil.example"}
    for path in ("api/runs", "api/runs/tiny/stop"):
        refused = httpx.post(server.url + path, headers=headers, timeout=PATIENCE)
        assert refused.status_code == 403


# The smallest model, for longer than any test takes: it is always stopped.
ENDLESS = {"recipe": "bigram", "steps": 1_000_000}


def test_a_training_is_watched_stopped_found_and_resumed(api: Server, lab: Workspace) -> None:
    """Started from the page, watched by events, never two at once; it outlives the server, the
    next one finds it, stops it after it saved, and goes on with it."""
    started = post(api, "api/runs", ENDLESS)
    assert started.status_code == 202
    name = started.json()["run"]
    second = post(api, "api/runs", {"steps": 5})
    assert second.status_code == 409
    assert name in second.json()["error"]
    listed = once(api, underway)
    assert row(listed, name)["state"] == "training"
    assert listed["training"]["progress"]["steps"] == ENDLESS["steps"]
    assert post(api, "api/runs/tiny/stop").status_code == 409

    kinds: set[str] = set()
    with Events(api, name) as events:
        for kind, _ in events:
            kinds.add(kind)
            if {"live", "progress", "state"} <= kinds:
                break
        last_id = events.ids[-1]
        assert get(api)["training"]["watchers"] == 1
    once(api, lambda found: found["training"]["watchers"] == 0)  # the server's work has ended

    pid = lab.training_process()
    assert pid is not None
    assert stop_server(api) == 130
    assert lab.training_process() == pid
    after = start_server(lab.path)
    try:
        found = get(after)["training"]
        assert (found["run"], found["state"]) == (name, "training")
        assert post(after, f"api/runs/{name}/stop").status_code == 202
        assert post(after, f"api/runs/{name}/stop").status_code in (202, 409)
        stopped = row(once(after, idle), name)
        assert (stopped["state"], stopped["complete"]) == ("stopped", False)
        assert Run.open(lab, name).checkpoints.last_step() == stopped["step"] > 0  # it saved first

        assert post(after, f"api/runs/{name}/resume").status_code == 202
        with Events(after, name, **{"Last-Event-ID": str(last_id)}) as events:
            steps = [data["step"] for kind, data in until_third_progress(events) if kind == "live"]
        assert min(steps) >= last_id  # nothing older is sent again
        assert max(steps) > stopped["step"]
    finally:
        stop_server(after)


def until_third_progress(events: Events) -> Iterator[tuple[str, Any]]:
    """Events of a training that has gone on for two more seconds."""
    seen = 0
    for kind, data in events:
        yield kind, data
        seen += kind == "progress"
        if seen == 3:
            return


def test_a_training_is_watched_to_its_end(api: Server, lab: Workspace) -> None:
    """Every evaluation and sample comes as an event, then `done`; the chat has a model then. The
    run keeps which of the text the page chose."""
    shutil.rmtree(lab.runs_path)
    assert get(api, "api/health")["ok"] is False
    chosen = {"kind": "writing", "min_length": 5}
    asked = {"steps": 12, "finetune": False, "selection": chosen}
    name = post(api, "api/runs", asked).json()["run"]
    once(api, lambda found: any(r["name"] == name for r in found["runs"]))
    seen: dict[str, list[Any]] = {}
    with Events(api, name) as events:
        for kind, data in events:
            seen.setdefault(kind, []).append(data)
            if kind == "state" and data["state"] == "done":
                break
    assert seen["state"][0]["state"] == "training"
    records = list(Run.open(lab, name).records("metrics.jsonl"))
    assert [e["val_loss"] for e in seen["metrics"]] == [r["val_loss"] for r in records]
    assert {e["phase"] for e in seen["metrics"]} == {"train"}
    assert len(seen["sample"]) == len(list(Run.open(lab, name).records("samples.jsonl")))
    assert row(once(api, idle), name)["complete"]
    assert get(api, "api/health")["model"]["run"] == name
    assert Run.open(lab, name).config().selection == Selection.model_validate(chosen)


def test_a_killed_training_explains_itself(api: Server, lab: Workspace) -> None:
    """What is left of it says so, and it can go on."""
    name = post(api, "api/runs", ENDLESS).json()["run"]
    once(api, underway)
    pid = lab.training_process()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    killed = row(once(api, idle), name)
    assert (killed["state"], killed["sentence"]) == ("failed", KILLED)
    assert post(api, f"api/runs/{name}/resume").status_code == 202
    once(api, underway)


def test_a_training_that_cannot_begin_says_why(empty_server: Server) -> None:
    """The sentence of the command line reaches the page."""
    assert post(empty_server, "api/runs", {"steps": 3}).status_code == 202
    listed = once(empty_server, lambda found: idle(found) and found["training"]["error"])
    assert "2,000" in listed["training"]["error"]
    assert listed["runs"] == []


def test_rows_that_a_resume_takes_back_are_taken_back(tmp_path: Path) -> None:
    """A replaced file is told as `rewind`, with what is left of it; a half line is waited for."""
    from inkling.server.run_events import RunTail

    run = Run(tmp_path / "r")
    run.path.mkdir()
    rows = [{"step": s, "phase": "train", "val_loss": 2.0, "lr": float("nan")} for s in (1, 2, 3)]
    for record in rows:
        run.append("metrics.jsonl", record)
    tail = RunTail(run, 2)
    assert [event.step for event in tail.poll()] == [2, 3]
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 4, "phase"')
        file.flush()
        assert tail.poll() == []
        file.write(': "train", "val_loss": 1.5}\n[]\n{"phase": "train"}\n')
    (event,) = tail.poll()
    assert (event.step, event.data["val_loss"]) == (4, 1.5)
    run.truncate_after(2)
    rewind, again = tail.poll()
    assert (rewind.kind, rewind.data) == ("rewind", {"kind": "metrics", "step": 2})
    assert (again.step, again.data["lr"]) == (2, None)
    assert tail.poll() == []
    assert b"\n" not in again.frame().encode().split(b"data: ")[1].rstrip()


def test_demo_serves_at_once_and_trains_meanwhile(tmp_path: Path) -> None:
    """The page is there before the model; Ctrl-C stops both, saves, says how to go on, and the
    same command goes on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    from tests.conftest import DEMO

    notes = tmp_path / "notes"
    notes.mkdir()
    for source in sorted((DEMO / "posts").glob("*.md"))[:12]:
        shutil.copy(source, notes)
    command = ["start", str(notes), "--yes", "--no-open", "--minutes", "5", "--port", str(port)]
    workspace = Workspace(tmp_path / "here" / "inkling-workspace")

    process = begin(command)
    url = f"http://127.0.0.1:{port}/"
    assert httpx.get(url, timeout=PATIENCE).status_code == 200
    listed = get(Server(url, process))
    assert listed["training"]["state"] in ("preparing", "training")
    assert httpx.get(url + "api/health", timeout=PATIENCE).json()["ok"] is False
    once(Server(url, process), underway)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Learning to write:" in out
    assert "everything is saved" in out
    assert "The same command continues from there." in out
    assert workspace.training_process() is None
    (name,) = workspace.run_names()
    assert Run.open(workspace, name).checkpoints.last_step() is not None

    process = begin(command)
    assert get(Server(url, process))["training"]["run"] == name
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert workspace.training_process() is None
    assert workspace.run_names() == [name]


def begin(command: list[str]) -> subprocess.Popen[str]:
    """A command whose page is up when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inkling", *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if " is at http://" in line:
            return process
    raise AssertionError("the page never came up")
