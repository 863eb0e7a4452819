"""Many files chosen at once: what they hold together and the next step stand on top."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_writing_page import add, choose, opened
from tests.server.conftest import Server
from tests.server.test_import_api import CHAT, GROUP

pytestmark = pytest.mark.browser

MANY = 12


@pytest.fixture
def view(chromium: Browser, empty_server: Server) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    opened(page, empty_server)
    yield page
    context.close()


def essays(folder: Path, count: int) -> list[Path]:
    made = []
    for n in range(count):
        made.append(folder / f"essay-{n:02}.md")
        made[-1].write_text(f"# Essay {n}\n\n" + f"To the sea and back, {n} times. " * 40)
    return made


def test_many_files_are_told_together_and_folded(view: Page, tmp_path: Path) -> None:
    """The totals, Add and Cancel are in sight before anything is scrolled; each file is there to
    unfold. What was added is told in the same way, under the way to the training."""
    files = essays(tmp_path, MANY)
    choose(view, *files)
    view.get_by_role("heading", name="Found in").wait_for()
    total = view.locator("form .top")
    expect(total).to_contain_text(f"{MANY} sources: {MANY} documents, ")
    expect(view.get_by_role("button", name="Add", exact=True)).to_be_in_viewport(ratio=1)
    expect(total.get_by_role("button", name="Cancel")).to_be_in_viewport(ratio=1)
    assert view.locator("form").first.evaluate("(e) => e.offsetHeight") < 400
    expect(view.locator("form article").first).to_be_hidden()
    view.locator("summary", has_text="What is in each of them").click()
    expect(view.locator("form article")).to_have_count(MANY)
    expect(view.locator("form article").first).to_be_visible()
    view.locator("form article").last.scroll_into_view_if_needed()
    expect(view.get_by_role("button", name="Add", exact=True)).to_be_in_viewport(ratio=1)

    add(view)
    expect(view.get_by_role("heading", name="Added")).to_be_focused()
    expect(view.locator(".add")).to_contain_text(f"{MANY} sources: {MANY} documents, ")
    expect(view.locator(".add article").first).to_be_hidden()
    link = view.get_by_role("link", name="Train on it")
    expect(link).to_be_in_viewport(ratio=1)
    view.locator("summary", has_text="What was added of each of them").click()
    expect(view.locator(".add article")).to_have_count(MANY)
    first = view.locator(".add article").first
    assert (link.bounding_box() or {})["y"] < (first.bounding_box() or {})["y"]


def test_what_asks_something_is_not_folded(view: Page, tmp_path: Path) -> None:
    """Who the author is has to be said: the question stands among the first things."""
    (tmp_path / GROUP).write_text(CHAT)
    choose(view, *essays(tmp_path, MANY), tmp_path / GROUP)
    view.get_by_role("heading", name="Found in").wait_for()
    expect(view.get_by_role("group", name="Which of these are you?")).to_be_visible()
    expect(view.locator("summary", has_text=f"What is in the other {MANY} sources")).to_be_visible()
    add(view)
    expect(view.get_by_role("alert")).to_contain_text("Choose at least one")
    expect(view.get_by_role("checkbox").first).to_be_focused()
    expect(view.get_by_role("checkbox").first).to_be_in_viewport(ratio=1)
    view.get_by_role("checkbox", name="Ada").check()
    add(view)
    expect(view.get_by_role("heading", name="Added")).to_be_visible()


def test_a_few_files_stand_open(view: Page, tmp_path: Path) -> None:
    """With what they hold together on top."""
    choose(view, *essays(tmp_path, 3))
    view.get_by_role("heading", name="Found in").wait_for()
    expect(view.locator("form .top")).to_contain_text("3 sources: 3 documents, ")
    expect(view.locator("form article").last).to_be_visible()
    expect(view.locator("form details.folded")).to_have_count(0)
