"""The list of kept chats: a hit is opened where its words stand; a long title leaves Undo whole."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from inkling.chats import ChatStore
from inkling.workspace import Workspace

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
LONG = "the unusually long title of a chat that nobody would ever write by hand " * 2


@pytest.fixture
def long_chat(voices: Workspace) -> int:
    """Sixty messages; the words stand in the eleventh, one of them in the first already."""
    with ChatStore(voices.chats_path) as store:
        chat = store.create("page", title=LONG.strip())
        for n in range(30):
            asked = "the harbour?" if n == 0 else "at what time was it?"
            store.append(chat, "them", f"{asked} ({n})")
            said = "The Harbour at quincely five" if n == 5 else "i have no idea, ask the others"
            store.append(chat, "me", f"{said}. {n}\n" * 3)
        return chat


def search(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    expect(page.locator(".chats a.open .excerpt mark").first).to_be_visible()


@pytest.mark.parametrize("screen", [(1280, 800), (375, 667)])
def test_a_hit_is_shown_and_marked(
    open_page: OpenPage, long_chat: int, screen: tuple[int, int]
) -> None:
    """The first message with all the words, also where the chat is open already at its end; a chat
    that is opened without a search shows its end, and nothing is marked."""
    width, height = screen
    page = open_page(viewport={"width": width, "height": height})
    if width < 720:
        page.get_by_role("button", name="Chats").click()
    link = page.locator(f".chats a.open[href='#/chat/{long_chat}']")
    link.click()
    expect(page).to_have_url(re.compile(f"#/chat/{long_chat}$"))
    messages = page.locator(".list .bubble:not(.opening)")
    expect(messages).to_have_count(60)
    expect(messages.last).to_be_in_viewport()
    expect(messages.locator("mark")).to_have_count(0)
    for again in (False, True):
        if again:
            page.reload()
        if width < 720:
            page.get_by_role("button", name="Chats").click()
        if again:
            page.get_by_role("button", name="New chat").click()
            if width < 720:
                page.get_by_role("button", name="Chats").click()
        search(page, "quincely harb")
        link.click()
        hit = messages.nth(11)
        expect(hit).to_be_in_viewport()
        expect(hit.locator("mark")).to_have_text(["Harb", "quincely"] * 3)
        expect(messages.locator("mark")).to_have_count(6)
        expect(messages.last).not_to_be_in_viewport()
    page.get_by_role("button", name="Jump to newest").click()
    expect(messages.last).to_be_in_viewport()
    expect(messages.locator("mark")).to_have_count(0)


def test_undo_stands_beside_a_long_title(open_page: OpenPage, long_chat: int) -> None:
    """On one line, whole; the title gives way."""
    page = open_page()
    page.locator(f".chats a.open[href='#/chat/{long_chat}']").click()
    page.locator("li.current").get_by_role("button", name="Delete").click()
    page.get_by_role("group", name="Delete this chat?").get_by_role("button", name="Delete").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    box = undo.bounding_box()
    assert box is not None
    assert box["height"] <= 45
    assert undo.evaluate("(e) => e.scrollWidth <= e.clientWidth")
    line = page.locator(".removed p")
    assert line.evaluate("(e) => e.scrollWidth > e.clientWidth")
    assert (line.bounding_box() or {})["height"] < 30
    undo.click()
    expect(page.locator(f".chats a.open[href='#/chat/{long_chat}']")).to_be_visible()
