"""Inside by keyboard: the tour keeps the focus, a group of radios is one stop, and on a phone the
words fit what is shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_inside_page import SOON, choose, ready, show
from tests.server.conftest import Server

pytestmark = pytest.mark.browser


def test_the_tour_keeps_the_focus(page: Page, server: Server) -> None:
    """From its beginning to its end no focus is lost: what took the place of what was pressed has
    it. Escape leaves it, and so does Done; both lead to where it began."""
    show(page, server, "surprise")
    begin = page.get_by_role("button", name="Take the tour")
    tour = page.get_by_role("region", name="Tour")
    begin.focus()
    page.keyboard.press("Enter")
    expect(tour).to_be_focused()
    page.keyboard.press("Escape")
    expect(tour).to_have_count(0)
    expect(begin).to_be_focused()

    page.keyboard.press("Enter")
    expect(tour).to_be_focused()
    following = page.get_by_role("button", name="Next", exact=True)
    following.focus()
    for panel in ("pieces", "pairs", "attention", "heads", "neurons", "next"):
        ready(page, panel)
        expect(following).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Open Training")).to_be_visible()
    page.keyboard.press("Enter")  # "Next" makes room for "Done"
    expect(tour).to_be_focused()
    page.get_by_role("button", name="Done").focus()
    page.keyboard.press("Enter")
    expect(begin).to_be_focused()


def test_the_tour_elsewhere_and_back(page: Page, server: Server) -> None:
    """A step that opens another view puts the focus into it; back here, it is on the tour."""
    show(page, server, "next")
    page.get_by_role("button", name="Take the tour").click()
    for _ in range(6):
        page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("link", name="Open Training").focus()
    page.keyboard.press("Enter")
    page.locator(".readout").wait_for(timeout=SOON)
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.go_back()
    expect(page.get_by_role("region", name="Tour")).to_be_visible()
    assert page.evaluate("document.activeElement !== document.body")


def test_radios_are_one_stop(page: Page, server: Server) -> None:
    """Of a group Tab finds the chosen one alone; every radio of the page is in a group."""
    show(page, server, "attention")
    page.get_by_role("radio", name="mask").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="divide by √d_k")).to_be_focused()
    for place in ("inside/attention", "inside/pairs", "training"):
        page.goto(f"{server.url}#/{place}")
        page.get_by_role("radio").first.wait_for(timeout=SOON)
        assert page.locator("input[type=radio]:not([name])").count() == 0


def test_attention_on_a_phone(page: Page, server: Server) -> None:
    """Bars are drawn, as long as their shares; the hint speaks of them and not of the matrix."""
    page.set_viewport_size({"width": 375, "height": 667})
    show(page, server, "attention")
    choose(page, 9)
    expect(page.locator(".map")).to_be_hidden()
    bars = page.locator(".rows > div:visible rect.value")
    expect(bars).to_have_count(8)
    widths = [(box or {"width": 0})["width"] for box in (bar.bounding_box() for bar in bars.all())]
    assert widths[0] > 100
    assert widths == sorted(widths, reverse=True)
    hint = page.locator(".hint:visible")
    expect(hint).to_have_count(1)
    expect(hint).to_contain_text("bars")
    expect(hint).not_to_contain_text("row")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.locator(".map")).to_be_visible()
    expect(hint).to_contain_text("Each row is a piece")
