"""A real Chromium, the one that scripts/test found or installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from inkling.workspace import Workspace
from tests.server.conftest import Server, empty_server, start_server, stop_server  # noqa: F401

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
