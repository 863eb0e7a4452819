"""A real server on a real port, started once for the tests that need one."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inkling.workspace import Workspace
from tests.voices import random_run


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
        return server.process.wait(15)
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
