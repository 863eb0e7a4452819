"""The chat on short screens, by keyboard, in forced colours and in any script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import field
from tests.browser.test_chat_page import AXE, finished, replies, say
from tests.browser.test_kept_chats_page import ask

pytestmark = pytest.mark.browser

MESSAGE = ("abc de f ghij " * 8).strip()


OVERLAPS = """() => {
  const form = document.querySelector('main form');
  const found = [];
  for (const target of form.querySelectorAll('textarea, button')) {
    const box = target.getBoundingClientRect();
    const inside = box.top >= 0 && box.bottom <= innerHeight
      && box.left >= 0 && box.right <= innerWidth;
    if (!inside) found.push(`${target.tagName} leaves the screen`);
    for (const x of [box.left + 3, box.left + box.width / 2, box.right - 3])
      for (const y of [box.top + 3, box.top + box.height / 2, box.bottom - 3]) {
        const top = document.elementFromPoint(x, y);
        if (top !== target) found.push(`${top?.outerHTML.slice(0, 80)} over ${target.tagName}`);
      }
  }
  return found;
}"""


@pytest.mark.parametrize(("width", "height"), [(375, 476), (640, 400), (320, 256)])
def test_on_a_short_screen_nothing_lies_over_the_composer(
    open_page: Callable[..., Page], width: int, height: int
) -> None:
    """A keyboard on the screen, 200 % and 400 % zoom: header and navigation give way, the starters
    are one row that scrolls, a message is in sight."""
    page = open_page(viewport={"width": width, "height": height}, has_touch=True)
    starters = page.locator(".starters button")
    for focused in (False, True):
        if focused:
            field(page).focus()
        expect(page.locator("nav")).to_be_visible(visible=not focused)
        assert page.evaluate(OVERLAPS) == []
        tops = starters.evaluate_all("all => all.map((e) => e.getBoundingClientRect().top)")
        assert len(set(tops)) == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator(".lead")).to_be_hidden()
    say(page, MESSAGE)
    finished(page)
    assert page.evaluate(OVERLAPS) == []
    list_box = page.get_by_role("log").bounding_box()
    assert list_box is not None
    assert list_box["height"] >= 60
    page.get_by_role("button", name="Settings").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_has_one_stop_for_the_messages(open_page: Callable[..., Page]) -> None:
    """From the composer back to the newest message; arrows inside; a skip link; the shortcuts."""
    page = open_page()
    expect(field(page)).to_be_focused()
    for question in ("one?", "two?"):
        say(page, question)
        finished(page)
    focused = page.locator(":focus")
    page.keyboard.press("Shift+Tab")
    expect(focused).to_have_attribute("role", "article")
    expect(focused).to_contain_text(replies(page)[-1])
    assert page.locator("[role=log] [tabindex='0']").count() == 1
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text("Regenerate")
    page.keyboard.press("ArrowRight")
    expect(focused).to_have_text("Copy")
    page.keyboard.press("ArrowUp")
    expect(focused).to_contain_text("two?")
    page.keyboard.press("Home")
    expect(focused).to_have_class(re.compile("opening"))
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(field(page)).to_be_focused()

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Shift + Enter")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.reload()
    expect(field(page)).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.locator(".skip").focus()
    expect(focused).to_have_text("Skip to your message")
    expect(focused).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(field(page)).to_be_focused()
    assert page.evaluate("document.querySelector('a, button').className").startswith("skip")


LUMINANCE = """(pair) => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [one, other] = pair.map(light).sort((a, b) => b - a);
  return (one + 0.05) / (other + 0.05);
}"""


def test_forced_colours_dark_placeholders_and_any_script(open_page: Callable[..., Page]) -> None:
    """What is current is told apart where the system gives the colours; placeholders can be read;
    every text runs as its script does; emoji of several code points and combining text stay."""
    page = open_page(color_scheme="dark")
    colours = field(page).evaluate(
        "(e) => [getComputedStyle(e, '::placeholder').color, getComputedStyle(e).backgroundColor]"
    )
    assert page.evaluate(LUMINANCE, colours) >= 4.5
    for text in ("שלום, מה שלומך?", "👨\u200d👩\u200d👧 e\u0301\u0323", "?", "日本語"):
        say(page, text)
        finished(page)
        expect(page.locator(".bubble.you .words").last).to_have_text(text)
    hebrew = page.locator(".bubble.you .words").first
    assert hebrew.evaluate("(e) => e.matches(':dir(rtl)')")
    field(page).fill("שלום")
    assert field(page).evaluate("(e) => e.matches(':dir(rtl)')")
    title = page.locator("li.current .title")
    assert title.evaluate("(e) => e.matches(':dir(rtl)')")
    untold = page.evaluate(
        "[...document.querySelectorAll('.words, .who, h1, .title, textarea, .starters button')]"
        ".filter((e) => e.getAttribute('dir') !== 'auto').map((e) => e.outerHTML)"
    )
    assert untold == []

    forced = open_page(forced_colors="active")
    ask(forced, "forced?")
    edges = forced.locator("nav a").evaluate_all(
        "all => all.map((e) => getComputedStyle(e).borderLeftColor)"
    )
    assert edges[0] not in edges[1:]
    forced.evaluate(AXE.read_text())
    found = forced.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa']})")
    assert [violation["id"] for violation in found["violations"]] == []
