"""Inside for everybody: by keyboard, in both themes, on any screen; and when things go wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from inkling.inspection.inspected_model import InspectedModel
from inkling.inspection.pairs import learned_rows
from inkling.inspection.surprise import surprises
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace
from tests.browser.test_chat_page import AXE
from tests.browser.test_inside_page import PANELS, SOON, TEXT, choose, number, ready, show, value
from tests.server.conftest import Server, server_inside, start_server, stop_server
from tests.voices import random_bigram, random_run

pytestmark = pytest.mark.browser

SCREENS = ((1280, 800), (640, 400), (375, 740), (320, 256))
SCAN = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
SMALL = """[...document.querySelectorAll(
  'main button, nav a, main select, main textarea, main label:has(input), main input[type=number]'
)].filter((e) => e.offsetParent && !e.closest('table') && e.getBoundingClientRect().height < 44)
  .map((e) => e.outerHTML.slice(0, 90))"""


def settled(page: Page, panel: str) -> None:
    """With what comes after the figure."""
    ready(page, panel)
    if panel in ("pairs", "neurons"):
        page.locator(".passage").first.wait_for(timeout=SOON)


@pytest.mark.parametrize("panel", PANELS)
def test_no_accessibility_faults_and_nothing_spills(page: Page, server: Server, panel: str) -> None:
    """An axe scan of figure and table in both themes, on phone and desk; at 200 % and 400 % zoom
    nothing leaves the screen; 44 px targets."""
    page.set_viewport_size({"width": 375, "height": 740})
    show(page, server, panel)
    settled(page, panel)
    page.evaluate(AXE.read_text())
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark") if height > 700 else ():
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            found = page.evaluate(SCAN)["violations"]
            assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelector('main').scrollWidth") <= width
        assert page.evaluate(SMALL) == []
        expect(page.get_by_label("Your text", exact=True)).to_be_visible()
    if panel != "ladder":  # there is none to show
        page.get_by_role("button", name="View as table").click()
        page.locator(".scroll table").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if panel == "surprise":  # the same table everywhere
        found = page.evaluate(SCAN)["violations"]
        assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found] == []


def tab_to(page: Page, target: Locator) -> None:
    """Tab until it is reached."""
    wanted = target.element_handle()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(e) => e === document.activeElement", wanted):
            return
    raise AssertionError(f"no Tab reaches {target}")


def enter(page: Page, panel: str, name: str) -> None:
    """From the strip of pieces to a panel, by Tab and Enter."""
    page.get_by_role("listbox", name="The text as pieces").focus()
    tab_to(page, page.get_by_role("link", name=name, exact=True))
    page.keyboard.press("Enter")
    ready(page, panel)


def test_every_panel_by_keyboard_alone(page: Page, server: Server) -> None:
    """From panel to panel and through what each has, with Tab, arrows, Space, Enter, Escape."""
    show(page, server, "surprise")
    press = page.keyboard.press

    enter(page, "pieces", "Pieces")
    slider = page.get_by_role("slider", name="merges")
    tab_to(page, slider)
    press("Home")
    expect(page.locator(".cells")).to_have_attribute("data-cells", str(len(TEXT)))
    press("End")
    tab_to(page, page.get_by_label("characters instead"))
    press("Space")
    expect(page.locator(".cell .id").first).to_be_visible()
    press("Space")

    enter(page, "pairs", "Pairs")
    tab_to(page, page.get_by_role("radio", name="shares"))
    press("ArrowLeft")
    expect(page.get_by_role("radio", name="counts", exact=True)).to_be_checked()
    table = page.get_by_role("slider", name="Pairs:")
    tab_to(page, table)
    press("Home")
    press("ArrowRight")
    expect(page.locator("dd[data-key=count]")).not_to_have_text("–")
    said = table.get_attribute("aria-valuetext")
    press("ArrowDown")
    expect(table).not_to_have_attribute("aria-valuetext", said or "")
    press("Enter")
    expect(page.locator(".readout")).to_have_attribute("data-pinned", "true")
    tab_to(page, page.locator(".top button").last)
    press("Enter")
    expect(page.locator(".passage mark").first).to_be_visible(timeout=SOON)

    enter(page, "attention", "Attention")
    tab_to(page, page.get_by_label("layer"))
    tab_to(page, page.get_by_role("radio", name="softmax"))
    press("ArrowLeft")
    expect(page.get_by_role("radio", name="mask")).to_be_checked()
    tab_to(page, page.get_by_label("divide by √d_k"))
    press("Space")
    expect(page.get_by_text("not divided")).to_be_visible()
    triangle = page.get_by_role("slider", name="Attention:")
    tab_to(page, triangle)
    press("End")
    press("ArrowUp")
    press("ArrowLeft")
    expect(page.locator("dd[data-key=from]")).to_contain_text(
        f"({page.locator('.piece').count() - 2})"
    )
    press("Enter")
    expect(page.locator(".piece[aria-selected=true]")).to_have_attribute(
        "data-at", str(page.locator(".piece").count() - 2)
    )

    enter(page, "heads", "Heads")
    tile = page.locator(".tile").nth(1)
    tab_to(page, tile)
    press("Enter")
    expect(tile).to_have_attribute("aria-expanded", "true")
    expect(page.locator("dd[data-key=head]")).to_have_text("layer 1, head 2")
    tab_to(page, page.get_by_role("button", name="Open in Attention"))
    press("Enter")
    ready(page, "attention")
    expect(page.get_by_label("head")).to_have_value("1")

    enter(page, "neurons", "Neurons")
    tab_to(page, page.get_by_label("neuron", exact=True))
    press("ArrowUp")
    neuron = value(page, "neuron")
    tab_to(page, page.locator("th button").nth(2))
    press("Enter")
    expect(page.locator("th button").nth(2)).to_have_attribute("aria-pressed", "true")
    assert value(page, "neuron") != neuron
    expect(page.locator(".passage").first).to_be_visible(timeout=SOON)

    enter(page, "next", "Next piece")
    tab_to(page, page.get_by_label("Top-k"))
    press("Home")
    expect(page.locator("dd[data-key=kept]")).to_have_text("100.00 %")
    tab_to(page, page.get_by_role("button", name="Draw 100"))
    press("Space")
    expect(page.locator(".draws [role=status]")).to_contain_text("100 draws")

    enter(page, "surprise", "Surprise")
    strip = page.get_by_role("listbox", name="The text as pieces")
    strip.focus()
    press("Home")
    expect(page.locator("dd[data-key=bits]")).to_have_text("nothing before it")
    press("ArrowRight")
    press("Enter")
    expect(page.locator("dd[data-key=bits]")).to_contain_text("bits")
    press("Escape")
    expect(page.locator(".readout")).to_have_attribute("data-pinned", "false")

    enter(page, "steps", "Step by step")
    press("Space")  # the link that was pressed does not take it
    expect(page.locator("[data-stage=embeddings]")).to_have_attribute("aria-current", "step")

    enter(page, "ladder", "Ladder")
    tab_to(page, page.get_by_label("Minutes for all seven rungs"))
    tab_to(page, page.get_by_role("button", name="Climb a ladder"))


def test_looking_around_asks_nothing(page: Page, server: Server) -> None:
    """No request while the pointer goes over a figure, nor while nothing happens."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/api/inside/" in request.url:
            asked.append(request.url)

    page.on("request", note)
    for panel in ("attention", "pairs", "heads", "next", "neurons"):
        show(page, server, panel)
        settled(page, panel)
        asked.clear()
        figure = page.locator(".heatmap, .tile, .main table").first
        box = figure.bounding_box()
        assert box is not None
        readouts = {page.locator(".readout").inner_text()}
        for part in range(1, 9):
            page.mouse.move(box["x"] + box["width"] * part / 10, box["y"] + 25 * part)
            readouts.add(page.locator(".readout").inner_text())
        assert len(readouts) > 3 if panel in ("attention", "pairs") else len(readouts) == 1
        assert asked == []
    for _ in range(2):
        with page.expect_response("**/api/runs"):  # which the page asks for now and then
            pass
    assert asked == []


@pytest.fixture
def lab(tmp_path: Path, chromium: Browser) -> Iterator[tuple[Workspace, Page]]:
    """A workspace of random weights, steps 1 to 3, and a page in which nothing may go wrong."""
    workspace = Workspace.create(tmp_path / "lab")
    for seed in range(3):
        random_run(workspace, seed=seed)
    context = chromium.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield workspace, page
    context.close()
    assert problems == []


def test_what_goes_while_one_looks(lab: tuple[Workspace, Page]) -> None:
    """A checkpoint is deleted, then the whole run, while the page is open; the server goes away
    and comes back: said each time, and the page goes on by itself."""
    workspace, page = lab
    running = start_server(workspace.path)
    try:
        page.goto(running.url + "#/inside/surprise?run=random&step=2")
        ready(page, "surprise")
        other = page.context.new_page()
        other.goto(running.url + "#/inside/attention?run=random&step=1")
        ready(other, "attention")
        shutil.rmtree(workspace.runs_path / "random" / "checkpoints" / "step-000002")
        gone = page.get_by_text("There is no checkpoint of step 2; this is the nearest.")
        expect(gone).to_be_visible(timeout=SOON)
        expect(page).to_have_url(re.compile("step=1"))
        ready(page, "surprise")
        # Two tabs, two checkpoints: each keeps its own.
        expect(other).to_have_url(re.compile("attention.*step=1"))
        other.close()

        stop_server(running)
        page.get_by_label("Your text", exact=True).fill("and now?")
        expect(page.get_by_role("alert").first).to_be_visible(timeout=SOON)
        random_run(workspace, "other")
        shutil.rmtree(workspace.runs_path / "random")
        running = start_server(workspace.path, "--port", str(running.port))
        gone = page.get_by_text("The run random has no checkpoint; this is other.")
        expect(gone).to_be_visible(timeout=SOON)
        ready(page, "surprise")
        expect(page.get_by_role("alert")).to_have_count(0, timeout=SOON)
        expect(page.locator(".piece")).to_have_count(len("and now?") + 1)
    finally:
        stop_server(running)


def test_pairs_as_the_trained_bigram_has_them(
    page: Page, trained: Workspace, tmp_path: Path
) -> None:
    """Beside counts, shares and the model, the first rung of a ladder: its numbers in the table, as
    Python computes them, and its bits."""
    workspace = Workspace(tmp_path / "lab")
    shutil.copytree(trained.path, workspace.path)
    rung = random_bigram(workspace, Run.open(workspace, "tiny"))
    loaded = InspectedModel.load(rung, Runtime.detect(threads=1))
    with server_inside(workspace) as served:
        show(page, Server(served.url, None), "pairs")  # type: ignore[arg-type]
        choose(page, 1)
        text = loaded.encode(TEXT)
        own = learned_rows(loaded.model, [text.window[1]], loaded.live)[0]
        bits = sum(one.bits for one in surprises(loaded.logits(text), text.window))
        page.get_by_label("as rung learned it").check()
        expect(page.locator("dd[data-key=rung-bits]")).to_have_text(f"{bits / len(TEXT):.3f}")
        page.get_by_role("button", name="View as table").click()
        expect(page.locator(".scroll thead th").last).to_have_text("rung")
        shown = page.locator(".piece[aria-selected=true]").inner_text()
        heading = page.get_by_role("rowheader", name=shown, exact=True)
        rows = page.locator(".scroll tbody tr").filter(has=heading)
        names = [loaded.tokenizer.decode([index]) for index in range(len(own))]
        compared = 0
        for row in rows.all():
            cells = row.locator("th, td").all_inner_texts()
            then = names.index(cells[1].replace("\u2423", " "))
            assert number(cells[-1]) == pytest.approx(own[then], abs=1e-6)
            compared += 1
        assert compared >= 3
        page.locator(".which select").select_option("rung")
        expect(page.locator(".scroll thead th").last).to_have_text("rung")
