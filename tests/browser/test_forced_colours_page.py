"""Figures where the system gives the colours: they keep the page's own, on the page's ground."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_inside_page import SOON, choose, ready, show
from tests.browser.test_reach_page import LUMINANCE
from tests.server.conftest import Server

pytestmark = pytest.mark.browser

PAPER = {"light": (251, 250, 247), "dark": (20, 20, 19)}
BAND = {"light": (242, 240, 234), "dark": (29, 29, 27)}
TRAIN = {"light": (0, 114, 178), "dark": (47, 155, 219)}

COLOURS = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const counts = {};
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 255) continue;
    const colour = [...data.slice(at, at + 3)].join();
    counts[colour] = (counts[colour] ?? 0) + 1;
  }
  return counts;
}"""
GROUND = "(e) => [getComputedStyle(e).backgroundColor, getComputedStyle(e).forcedColorAdjust]"


@pytest.fixture(params=["light", "dark"])
def forced(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    scheme = request.param
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, forced_colors="active", color_scheme=scheme
    )
    yield context.new_page(), scheme
    context.close()


def rgb(colour: tuple[int, int, int]) -> str:
    return f"rgb({', '.join(map(str, colour))})"


def test_the_curve_has_a_band_behind_it_and_no_block_over_it(
    forced: tuple[Page, str], server: Server
) -> None:
    """The fine-tuning's half is tinted as in other colours, and the line over it has its own."""
    page, scheme = forced
    page.goto(server.url + "#/training")
    page.locator(".readout").wait_for(timeout=SOON)
    assert page.locator(".chart").evaluate(GROUND) == [rgb(PAPER[scheme]), "none"]
    counts = page.locator(".chart canvas").evaluate(COLOURS)
    most = max(counts, key=counts.get)
    assert most == ",".join(map(str, BAND[scheme]))
    assert counts[",".join(map(str, TRAIN[scheme]))] > 50


@pytest.mark.parametrize("panel", ["attention", "pairs", "heads"])
def test_a_matrix_has_shades(forced: tuple[Page, str], server: Server, panel: str) -> None:
    """Cells of one weight and of another are told apart, from the page's ground on."""
    page, scheme = forced
    show(page, server, panel)
    canvas = page.locator(".panel canvas").first
    assert canvas.evaluate(GROUND) == [rgb(PAPER[scheme]), "none"]
    counts = canvas.evaluate(COLOURS)
    assert len([colour for colour, count in counts.items() if count > 3]) > 8


def test_bars_and_names_can_be_read(forced: tuple[Page, str], server: Server) -> None:
    """Bars stand out from the ground that they bring; names and tinted pieces from theirs."""
    page, scheme = forced
    for panel in ("next", "neurons", "surprise"):
        show(page, server, panel)
        choose(page, 5)
        ready(page, panel)
        bar = page.locator(".panel rect.value").first
        fill = bar.evaluate("(e) => getComputedStyle(e).fill")
        ground = bar.evaluate("(e) => getComputedStyle(e.ownerSVGElement).backgroundColor")
        assert ground == rgb(PAPER[scheme])
        assert page.evaluate(LUMINANCE, [fill, ground]) >= 3
    page.locator("th button").first.wait_for()
    for text in (page.locator("th button").first, page.locator(".piece").nth(2)):
        expect(text).not_to_be_empty()
        pair = text.evaluate(
            "(e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
        )
        if pair[1].startswith("color("):
            continue  # a mix of two colours of the page, measured in the other colours
        assert page.evaluate(LUMINANCE, pair) >= 4.5
