"""The page on a phone: what does not fit scrolls, says so, and lies over nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from inkling.runs import Run
from inkling.workspace import Workspace
from tests.browser.conftest import STARTERS, change_config
from tests.browser.test_reach_page import OVERLAPS

pytestmark = pytest.mark.browser

LONG = "the-newest-of-them-with-a-name-of-its-own"
TITLE = "What was left over after a night of trying this and that"

WITHIN = """(element) => {
  const box = element.getBoundingClientRect();
  const frame = element.closest('ul, section').getBoundingClientRect();
  return box.left >= frame.left - 1 && box.right <= frame.right + 1
    && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
}"""
BEHIND_THE_LAST = """(element) => {
  const frame = element.getBoundingClientRect();
  const last = element.lastElementChild.getBoundingClientRect();
  return { right: frame.right - last.right, below: frame.bottom - last.bottom };
}"""
FADE = 24 - 1  # what is scrolled stands at whole pixels


@pytest.fixture
def newer(voices: Workspace) -> Iterator[Callable[[], None]]:
    """Adds a run with a long name and a long title, complete and newer than the others."""
    folder = voices.runs_path / LONG

    def add() -> None:
        shutil.copytree(voices.runs_path / "second", folder)
        change_config(voices, LONG, name=LONG, created="2026-03-01T00:00:00.000000")
        Run.open(voices, LONG).rename(TITLE)

    yield add
    shutil.rmtree(folder)


@pytest.mark.parametrize(("width", "height"), [(320, 568), (375, 667), (375, 476)])
def test_an_offer_and_the_settings_leave_room_for_the_message(
    open_page: Callable[..., Page], newer: Callable[[], None], width: int, height: int
) -> None:
    """Both answers to the offer stand in one row; nothing lies over the composer, with the
    suggested questions and with the settings open, whose end can be scrolled clear of the fade.
    The offer waits for them."""
    page = open_page(viewport={"width": width, "height": height}, has_touch=True)
    newer()
    decline = page.get_by_role("button", name="Not now")
    expect(decline).to_be_visible()
    accept = page.get_by_role("button", name=f"Talk to {LONG}")
    tops = [button.evaluate("(e) => e.getBoundingClientRect().top") for button in (accept, decline)]
    assert tops[0] == tops[1]
    assert page.evaluate(OVERLAPS) == []
    expect(page.get_by_role("button", name=STARTERS[0])).to_be_visible()

    page.get_by_role("button", name="Settings").click()
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(decline).to_be_hidden()
    panel = page.get_by_role("region", name="Settings")
    assert "gradient" in panel.evaluate("(e) => getComputedStyle(e).maskImage")
    panel.evaluate("(e) => e.scrollTop = e.scrollHeight")
    left = panel.evaluate(BEHIND_THE_LAST)["below"]
    assert left >= FADE
    page.get_by_role("button", name="Settings").click()
    decline.click()
    expect(decline).to_have_count(0)


@pytest.mark.parametrize("width", [320, 375])
def test_a_row_of_tabs_shows_the_chosen_one_and_that_there_are_more(
    open_page: Callable[..., Page], width: int
) -> None:
    """The row fades at its end, and what was chosen, or comes last, is clear of that."""
    page = open_page("#/inside/ladder", viewport={"width": width, "height": 667}, has_touch=True)
    tabs = page.get_by_role("navigation", name="Panels")
    chosen = tabs.locator("[aria-current]")
    expect(chosen).to_have_text("Ladder")
    assert chosen.evaluate(WITHIN)
    row = tabs.locator("ul")
    assert "gradient" in row.evaluate("(e) => getComputedStyle(e).maskImage")
    row.evaluate("(e) => e.scrollLeft = e.scrollWidth")
    left = row.evaluate(BEHIND_THE_LAST)["right"]
    assert left >= FADE


def test_attention_offers_no_steps_where_there_is_no_map(open_page: Callable[..., Page]) -> None:
    """On a phone the bars are of the last step: choosing another would change nothing."""
    page = open_page("#/inside/attention", viewport={"width": 360, "height": 740}, has_touch=True)
    expect(page.get_by_text("divide by √d_k")).to_be_visible()
    expect(page.get_by_role("radio", name="mask")).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_role("radio", name="mask")).to_be_visible()
