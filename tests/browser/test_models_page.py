"""Which model replies is chosen in the page, kept there, and said by every reply."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from inkling.workspace import Workspace
from tests.browser.conftest import change_config
from tests.browser.test_chat_page import finished, say
from tests.browser.test_kept_chats_page import ask, chat_of, stored
from tests.server.conftest import PATIENCE, Server

pytestmark = pytest.mark.browser


def test_a_damaged_run_says_why(
    open_page: Callable[..., Page], talking: Server, voices: Workspace
) -> None:
    """It is listed, cannot be chosen, and hides no other."""
    folder = voices.runs_path / "broken"
    folder.mkdir()
    (folder / "config.json").write_text("{")
    try:
        page = open_page("#/training")
        listed = httpx.get(talking.url + "api/runs", timeout=PATIENCE).json()["damaged"]
        item = page.get_by_role("region", name="A run that cannot be read").get_by_role("listitem")
        expect(item).to_have_text(f"broken {listed[0]['sentence']}")
        options = page.locator(".which option")
        expect(options.last).to_have_text("broken (damaged)")
        expect(options.last).to_be_disabled()
        assert options.count() > len(listed)
    finally:
        shutil.rmtree(folder)
    expect(item).to_have_count(0)


def origin(page: Page) -> Locator:
    """Run and step under the last reply."""
    return page.locator(".bubble.model .origin").last


def test_which_model_replies_is_chosen(
    open_page: Callable[..., Page], talking: Server, voices: Workspace
) -> None:
    """The newest at first; then the one that was chosen, also after a reload and beside a training
    that ended. What is said of a reply is what the reply said of itself."""
    page = open_page()
    runs, steps = page.get_by_label("Replies come from"), page.get_by_label("Checkpoint")
    expect(runs).to_have_value("second")
    expect(runs.locator("option")).to_have_text(["second", "first", "slow"])
    chat = ask(page, "who are you?")
    expect(origin(page)).to_have_text("second, step 5")
    runs.select_option("first")
    expect(page.locator(".swap")).to_have_text("From here on, another model: first, step 2")
    say(page, "and now?")
    finished(page)
    expect(origin(page)).to_have_text("first, step 2")
    steps.select_option("1")
    say(page, "and now?")
    finished(page)
    expect(origin(page)).to_have_text("first, step 1")
    kept = [message["variants"][0] for message in stored(talking, chat)[1::2]]
    assert [(each["run"], each["step"]) for each in kept] == [
        ("second", 5), ("first", 2), ("first", 1)
    ]  # fmt: skip
    page.get_by_text("About this model").click()
    expect(page.locator(".facts")).to_contain_text("first, step 1")
    page.get_by_role("link", name="Inside").click()
    expect(page.locator(".which select")).to_have_value("first")
    page.get_by_role("link", name="Chat").click()

    # A training ends elsewhere: it is offered, and takes nothing over.
    shutil.copytree(voices.runs_path / "second", voices.runs_path / "third")
    change_config(voices, "third", name="third", created="2026-03-01T00:00:00.000000")
    offer = page.get_by_text("third is trained.")
    expect(offer).to_be_visible()
    page.reload()
    expect(runs).to_have_value("first")
    expect(steps).to_have_value("1")
    page.get_by_role("button", name="Not now").click()
    expect(offer).to_have_count(0)

    # The checkpoint goes while the page is open: said, and the run goes on.
    shutil.rmtree(voices.runs_path / "first" / "checkpoints" / "step-000001")
    expect(page.get_by_text("Checkpoint 1 of first is no longer there")).to_be_visible()
    say(page, "still there?")
    finished(page)
    expect(origin(page)).to_have_text("first, step 2")

    # "Talk to it" in the training leads back with that run, in the same chat.
    page.get_by_role("link", name="Training").click()
    page.locator(".which select").select_option("third")
    expect(page.locator(".hint")).to_have_text("This run ended without an evaluation.")
    page.get_by_role("link", name="Talk to it").click()
    expect(runs).to_have_value("third")
    assert chat_of(page) == chat

    # It is named, and deleted: asked first, and not on Escape.
    page.get_by_role("link", name="Training").click()
    page.locator(".which select").select_option("third")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_label("Name of third")).to_be_focused()
    page.keyboard.type("An <b>experiment</b>")
    page.keyboard.press("Enter")
    shown = page.locator(".which select").locator("option:checked")
    expect(shown).to_have_text("An <b>experiment</b> (third)")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete").click()
    expect(shown).not_to_contain_text("third")
    assert not (voices.runs_path / "third").exists()
    page.get_by_role("link", name="Chat").click()
    expect(page.get_by_text("The run third is no longer there.")).to_be_visible()
    expect(runs).to_have_value("second")
