"""A real Chromium, the one that scripts/test found or installed; and a server whose replies are
quick nonsense."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from inkling.workspace import Workspace
from tests.server.conftest import (  # noqa: F401
    PATIENCE,
    Server,
    empty_server,
    start_server,
    stop_server,
)
from tests.server.test_chosen_model import call_two_runs
from tests.voices import random_run

STARTERS = ["are you well?", "what is a very long question about?", "do you have any soup?"]

# A machine that tests is a busy one: what is expected to appear is waited for, not raced.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def talked(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the trained workspace: what is said in the browser is kept in it."""
    copy = Workspace(tmp_path_factory.mktemp("talked") / "wilma")
    shutil.copytree(trained.path, copy.path)
    return copy


@pytest.fixture(scope="session")
def server(talked: Workspace) -> Iterator[Server]:
    running = start_server(talked.path)
    yield running
    stop_server(running)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("INKLING_CHROMIUM") or None,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, server: Server) -> Iterator[Page]:
    """The chat, loaded; a page error or a console error fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    tab.goto(server.url)
    yield tab
    context.close()
    unexpected = [p for p in problems if "Failed to load resource" not in p]
    assert not unexpected, unexpected


def change_config(workspace: Workspace, run: str, **settings: object) -> None:
    path = workspace.runs_path / run / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """`first` with two checkpoints, the newer `second`, and `slow`, the oldest: random weights,
    short replies."""
    made = Workspace.create(tmp_path_factory.mktemp("voices") / "wilma")
    call_two_runs(made)
    random_run(made, "slow", slow=True)
    change_config(made, "slow", created="2025-01-01T00:00:00.000000")
    change_config(made, "second", starters=STARTERS)
    with open(made.config_path, "a", encoding="utf-8") as file:
        file.write("\n[sampling]\nbest_of = 1\nmax_tokens = 24\ntemperature = 1.0\n")
    return made


@pytest.fixture(scope="session")
def talking(voices: Workspace) -> Iterator[Server]:
    running = start_server(voices.path)
    yield running
    stop_server(running)


@pytest.fixture
def open_page(chromium: Browser, talking: Server) -> Iterator[Callable[..., Page]]:
    """Opens the chat in a context of its own; a page error fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def begin(address: str = "#/chat", **options: object) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        tab = context.new_page()
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.goto(talking.url + address)
        if "chat" in address:
            field(tab).wait_for()
            tab.locator(".opening").wait_for()
        return tab

    yield begin
    for context in contexts:
        context.close()
    assert problems == []


def field(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)
