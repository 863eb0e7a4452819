"""Writing in the chat: sending, drafts, two tabs, a reload, text too long or half typed; and what
can be done with what was said."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import field
from tests.browser.test_chat_page import finished, replies, say
from tests.browser.test_kept_chats_page import ask, chat_of, stored
from tests.server.conftest import PATIENCE, Server

pytestmark = pytest.mark.browser

LONG = ("abc de f ghij " * 30).strip()


def test_a_double_click_sends_once_and_stops_nothing(
    open_page: Callable[..., Page], talking: Server
) -> None:
    """The reply comes whole; what could not be sent leaves no empty chat behind."""
    page = open_page()
    field(page).fill("twice?")
    page.get_by_role("button", name="Send").dblclick()
    finished(page)
    expect(page.get_by_text("Stopped.")).to_have_count(0)
    assert [len(message["variants"]) for message in stored(talking, chat_of(page))] == [1, 1]

    page.get_by_role("button", name="New chat").click()
    before = httpx.get(talking.url + "api/chats", timeout=PATIENCE).json()["chats"]
    page.route("**/api/chats/**", lambda route: route.abort())
    say(page, "lost?")
    expect(page.locator(".bubble .problem")).to_contain_text("not responding")
    retry = page.get_by_role("button", name="Try again")
    expect(retry).to_be_in_viewport()
    assert httpx.get(talking.url + "api/chats", timeout=PATIENCE).json()["chats"] == before
    page.unroute("**/api/chats/**")
    retry.click()
    finished(page)
    assert stored(talking, chat_of(page))[0]["variants"][0]["text"] == "lost?"


def test_a_draft_is_kept_for_each_chat(open_page: Callable[..., Page], talking: Server) -> None:
    """Over views and reloads; that of a private chat is nowhere but in the page. A private chat is
    left on a word, and a deleted one comes back on one."""
    page = open_page()
    chat = ask(page, "a kettle?")
    field(page).fill("half a")
    page.get_by_role("link", name="Training").click()
    page.get_by_role("link", name="Chat").click()
    expect(field(page)).to_have_value("half a")
    page.get_by_role("button", name="New chat").click()
    expect(field(page)).to_have_value("")
    expect(field(page)).to_be_focused()
    page.keyboard.type("another")
    page.reload()
    expect(field(page)).to_have_value("another")
    page.goto(f"{talking.url}#/chat/{chat}")
    expect(field(page)).to_have_value("half a")

    switch = page.get_by_role("switch", name="Private")
    switch.check()
    field(page).fill("secret")
    assert "secret" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
    page.keyboard.press("Enter")
    finished(page)
    switch.click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("saved nowhere")
    expect(switch).to_be_checked()
    dialog.get_by_role("button", name="Stay").click()
    expect(page.locator(".bubble.you .words")).to_have_text("secret")
    page.get_by_role("list", name="Saved chats").get_by_text("a kettle?").click()
    dialog.get_by_role("button", name="Leave it").click()
    expect(page.locator(".bubble.you .words")).to_have_text("a kettle?")
    expect(switch).not_to_be_checked()

    page.get_by_role("button", name="Delete").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Delete")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("group").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("list", name="Saved chats").get_by_text("a kettle?")).to_have_count(0)
    page.keyboard.press("Enter")  # Undo has the focus
    expect(page.locator(".bubble.you .words")).to_have_text("a kettle?")
    expect(field(page)).to_have_value("half a")
    assert httpx.get(f"{talking.url}api/chats/{chat}", timeout=PATIENCE).status_code == 200


def test_two_tabs_show_the_same_chat(open_page: Callable[..., Page], talking: Server) -> None:
    """After focus and before sending; what the other tab said is not talked past."""
    page = open_page()
    chat = ask(page, "one?")
    other = page.context.new_page()
    other.goto(f"{talking.url}#/chat/{chat}")
    expect(other.locator(".bubble.you .words")).to_have_text(["one?"])
    say(other, "two?")
    finished(other)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator(".bubble.you .words")).to_have_text(["one?", "two?"])
    say(page, "three?")
    finished(page)
    say(other, "four?")
    finished(other)
    expect(other.locator(".bubble.you .words")).to_have_text(["one?", "two?", "three?", "four?"])
    assert len(stored(talking, chat)) == 8
    assert replies(other)[-1] == stored(talking, chat)[-1]["variants"][0]["text"]


def test_a_reload_finds_the_reply_again(open_page: Callable[..., Page], talking: Server) -> None:
    """It goes on being generated, and is shown from its first character to its last."""
    page = open_page()
    page.get_by_label("Replies come from").select_option("slow")
    expect(page.get_by_label("Checkpoint").locator("option")).to_have_count(1)
    page.get_by_label("Max tokens").fill("2000")
    say(page, "go on")
    expect(page.locator(".bubble[data-state=writing] .words")).to_have_text(re.compile(r"\S{3}"))
    chat = chat_of(page)
    shown = replies(page)[-1]
    page.reload()
    again = page.locator(".bubble[data-state=writing] .words")
    expect(again).to_have_text(re.compile("^" + re.escape(shown[:3])))
    page.keyboard.press("Escape")
    finished(page)
    expect(page.get_by_text("Stopped.")).to_be_visible()
    text = stored(talking, chat)[1]["variants"][0]["text"]
    assert text.startswith(shown.rstrip())
    expect(page.locator(".bubble.model .words").last).to_have_text(text, use_inner_text=False)


ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}


def half_typed(page: Page, text: str = "") -> None:
    """The Enter that ends a composition, as Safari sends it: no longer composing, key code 229.
    With a `text` it would also submit the form that it is typed into."""
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchKeyEvent", {**ENTER, "type": "keyDown", "text": text})
    session.send("Input.dispatchKeyEvent", {**ENTER, "type": "keyUp"})
    session.detach()


def test_text_that_is_too_long_or_half_typed(
    open_page: Callable[..., Page], talking: Server
) -> None:
    """Longer than the context: said what was read. Longer than is taken: said while it is typed,
    and it stays. An input method's Enter sends nothing, in none of the three fields."""
    page = open_page()
    chat = ask(page, LONG)
    note = page.locator(".bubble.model .note")
    expect(note).to_contain_text(f"of its {len(LONG)} characters")
    read = int(re.search(r"the last (\d+) of", note.inner_text())[1])  # type: ignore[index]
    assert 0 < read < len(LONG)

    field(page).fill("🐖" * 20_003)
    problem = page.get_by_role("alert")
    expect(problem).to_have_text(
        "Too long to send: 20,003 characters, at most 20,000. Shorten it by 3."
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    assert field(page).input_value() == "🐖" * 20_003
    field(page).fill("日本")
    expect(problem).to_have_count(0)
    field(page).focus()
    half_typed(page)
    expect(field(page)).to_have_value("日本")
    assert len(stored(talking, chat)) == 2

    before = replies(page)[-1]
    page.get_by_role("button", name="Correct").click()
    correction = page.get_by_label("What you would have said")
    correction.fill("日本")
    half_typed(page)
    expect(correction).to_have_value("日本")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rename").click()
    title = page.get_by_label("Title", exact=True)
    title.fill("日本")
    half_typed(page, "\r")
    expect(title).to_have_value("日本")
    assert replies(page)[-1] == before
    page.keyboard.press("Enter")
    expect(page.locator("li.current .title")).to_have_text("日本")


def test_the_small_things(open_page: Callable[..., Page], talking: Server) -> None:
    """Three exchanges in sight, tools where they are pointed at, copy, edit and resend, back to the
    newest, settings reset, hits marked."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    temperature = page.get_by_label("Temperature")
    temperature.fill("0.3")
    page.get_by_role("button", name="Reset").click()
    expect(temperature).to_have_value("1")
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    page.get_by_label("Seed", exact=True).fill("3")  # replies of one line or two
    for question in ("zanzibarian one?", "two?", "three?"):
        say(page, question)
        finished(page)
    chat = chat_of(page)
    expect(page.locator(".bubble.you").first).to_be_in_viewport(ratio=1)
    expect(page.locator(".bubble.model").last).to_be_in_viewport(ratio=1)

    first = page.locator(".bubble.model:not(.opening)").first
    tools = first.locator(".tools")
    expect(tools).to_have_css("opacity", "0")
    heights = page.evaluate("document.querySelector('[role=log]').scrollHeight")
    first.hover()
    expect(tools).to_have_css("opacity", "1")
    assert page.evaluate("document.querySelector('[role=log]').scrollHeight") == heights
    first.get_by_role("button", name="Copy").click()
    expect(first.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == replies(page)[1]

    page.mouse.move(0, 0)
    expect(tools).to_have_css("opacity", "0")
    second = page.locator(".bubble.you").nth(1)
    second.hover()
    second.get_by_role("button", name="Edit").click()
    page.get_by_label("What you say instead").fill("something else?")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.you .words")).to_have_text(["zanzibarian one?", "something else?"])
    finished(page)
    copied = chat_of(page)
    assert copied != chat
    assert len(stored(talking, chat)) == 6
    assert stored(talking, copied)[:2] == stored(talking, chat)[:2]

    for number in range(4):
        say(page, f"{LONG[:300]} {number}")
        finished(page)
    newest = page.get_by_role("button", name="Jump to newest")
    expect(newest).to_have_count(0)
    page.get_by_role("log").evaluate("(list) => (list.scrollTop = 0)")
    newest.click()
    expect(page.locator(".bubble").last).to_be_in_viewport()
    expect(newest).to_have_count(0)

    page.get_by_role("searchbox").fill("zanzib")
    marks = page.get_by_role("list", name="Saved chats").locator("mark")
    expect(marks.first).to_have_text("zanzib")
    expect(page.get_by_role("list", name="Saved chats").locator("a.open")).to_have_count(2)
