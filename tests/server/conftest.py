"""A real server on a real port, started once for the tests that need one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn

from inkling.config import SamplingSettings
from inkling.inference.requests import GenerationRequest
from inkling.inference.scheduler import Scheduler
from inkling.server.app import bind, create_app
from inkling.server.connections import server_config
from inkling.server.training_process import TrainingProcess
from inkling.workspace import Workspace
from tests.voices import random_run

PATIENCE = 120.0

Result = TypeVar("Result")


@dataclass
class Server:
    """A running `inkling serve`."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        found = re.match(r"http://[^/]+:(\d+)/", self.url)
        assert found
        return int(found[1])


def start_server(workspace: Path, *arguments: str) -> Server:
    """Start `inkling serve` on a free port; the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inkling", "serve", "--port", "0", "--no-open",
         "-w", str(workspace), *arguments],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    return Server(found[0], process)


def stop_server(server: Server) -> int:
    """Ctrl-C; the exit status."""
    server.process.send_signal(signal.SIGINT)
    try:
        return server.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.process.kill()
        raise
    finally:
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture(scope="session")
def server(trained: Workspace) -> Iterator[Server]:
    running = start_server(trained.path)
    yield running
    stop_server(running)


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Server]:
    running = start_server(Workspace.create(tmp_path / "empty").path)
    yield running
    stop_server(running)


@pytest.fixture(scope="session")
def nonsense(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose only run has random weights: quick to make and quick to answer."""
    made = Workspace.create(tmp_path_factory.mktemp("nonsense") / "wilma")
    random_run(made)
    return made


@pytest.fixture(scope="session")
def served(nonsense: Workspace) -> Iterator[Server]:
    """A server of nonsense."""
    running = start_server(nonsense.path)
    yield running
    stop_server(running)


@dataclass
class Inside:
    """A server in this process, whose scheduler can be looked at."""

    url: str
    scheduler: Scheduler

    def occupy(self) -> GenerationRequest:
        """Fill a slot until the ticket is cancelled."""
        settings = SamplingSettings(max_tokens=100_000, temperature=1.0)
        ticket = self.scheduler.submit(lambda model: model.reply_spec("go on", [], settings))
        ticket.items.get(timeout=PATIENCE)
        return ticket

    def is_idle(self) -> bool:
        return not self.scheduler._active() and not self.scheduler._waiting


@contextlib.contextmanager
def server_inside(workspace: Workspace, **limits: int) -> Iterator[Inside]:
    """A server of a thread of this process; `limits` are the scheduler's."""
    scheduler = Scheduler(workspace, **limits)
    app = create_app(scheduler, TrainingProcess(workspace), "wilma")
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(server_config(app, closing_seconds=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Inside(f"http://127.0.0.1:{listener.getsockname()[1]}/", scheduler)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()
        listener.close()


def once(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    waiting, end = threading.Event(), time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        waiting.wait(0.02)


def awaited(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine returns, run in a thread of its own: in this one Playwright's loop runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
