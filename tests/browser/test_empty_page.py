"""A workspace without any writing: every view leads to where writing is added."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, start_server, stop_server
from tests.voices import random_run

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("view", ["chat", "inside"])
def test_without_writing_there_is_nothing_to_train_on(
    chromium: Browser, empty_server: Server, view: str
) -> None:
    """Chat and Inside say to add writing first; where there is some, to train a model."""
    page = chromium.new_page()
    try:
        page.goto(f"{empty_server.url}#/{view}")
        link = page.get_by_role("link", name="Add your writing first")
        expect(link).to_have_attribute("href", "#/writing")
        expect(page.get_by_role("link", name="Train a model")).to_have_count(0)
        link.click()
        page.get_by_role("heading", name="Add your writing").wait_for()
        begun = httpx.post(
            f"{empty_server.url}api/imports",
            json={"files": [{"path": "walk.md", "size": 21}]},
            timeout=PATIENCE,
        ).json()
        address = f"{empty_server.url}api/imports/{begun['id']}"
        httpx.put(f"{address}/files", content=b"To the sea and back.\n", timeout=PATIENCE)
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("heading", name="Added").wait_for()
        page.get_by_role("link", name=view.capitalize(), exact=True).click()
        expect(page).to_have_url(re.compile(f"#/{view}"))
        expect(page.get_by_role("link", name="Train a model")).to_be_visible()
        expect(page.get_by_role("link", name="Add your writing first")).to_have_count(0)
    finally:
        page.close()


def test_while_a_first_model_is_read_the_chat_does_not_say_that_there_is_none(
    chromium: Browser, tmp_path: Path
) -> None:
    """Reading one takes a while on a machine that trains; what was true before is not repeated."""
    workspace = Workspace.create(tmp_path / "first")
    running = start_server(workspace.path)
    page = chromium.new_page()
    try:
        page.goto(running.url + "#/chat")
        page.get_by_text("There is no model to chat with yet.").wait_for()
        page.route("**/api/health*", lambda route: None)  # the server has not read it yet
        random_run(workspace)
        expect(page.get_by_text("Loading the model…")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
    finally:
        page.close()
        stop_server(running)
