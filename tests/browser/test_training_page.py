"""The Training view in a real browser: numbers that are the API's, a live training, the keyboard,
a server that goes away and comes back."""

from __future__ import annotations

import math
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from inkling.workspace import Workspace
from tests.browser.test_chat_page import AXE
from tests.server.conftest import PATIENCE, Server, start_server, stop_server

pytestmark = pytest.mark.browser

SOON = 60_000
ENDLESS = {"recipe": "bigram", "steps": 1_000_000}


@pytest.fixture
def curve(page: Page, server: Server) -> Page:
    """The view of the run that the tests share."""
    page.goto(server.url + "#/training")
    page.locator(".readout").wait_for(timeout=SOON)
    return page


def columns(server: Server) -> dict[str, list[Any]]:
    found = httpx.get(server.url + "api/runs/tiny/metrics", timeout=PATIENCE).json()["evaluations"]
    assert isinstance(found, dict)
    return found


def readout(page: Page) -> dict[str, str]:
    cells = page.locator(".readout dd")
    names = cells.evaluate_all("all => all.map((cell) => cell.dataset.key)")
    return dict(zip(names, cells.all_inner_texts(), strict=True))


def expected(evaluations: dict[str, list[Any]], index: int) -> dict[str, str]:
    """What the page should say of an evaluation, from the API's numbers."""
    train = evaluations["train_loss"][index]
    return {
        "step": f"{evaluations['step'][index]:,}",
        "train": "–" if train is None else f"{train:.3f}",
        "val": f"{evaluations['val_loss'][index]:.3f}",
        "bits": f"{evaluations['val_bits_per_char'][index]:.2f}",
    }


def test_the_readout_is_the_apis_numbers(curve: Page, server: Server) -> None:
    """At first the latest; under the pointer and under the arrow keys the one that is meant."""
    evaluations = columns(server)
    last = len(evaluations["step"]) - 1
    assert readout(curve).items() >= expected(evaluations, last).items()

    slider = curve.get_by_role("slider")
    slider.focus()
    curve.keyboard.press("Home")
    assert readout(curve).items() >= expected(evaluations, 0).items()
    assert f"step {evaluations['step'][0]}," in (slider.get_attribute("aria-valuetext") or "")
    curve.keyboard.press("ArrowRight")
    assert readout(curve).items() >= expected(evaluations, 1).items()
    perplexity = float(readout(curve)["perplexity"].replace(",", ""))
    assert perplexity == pytest.approx(evaluations["perplexity"][1], rel=0.005)
    curve.keyboard.press("Enter")
    expect(curve.locator(".hint")).to_contain_text("Pinned")
    curve.keyboard.press("Escape")
    assert readout(curve).items() >= expected(evaluations, last).items()

    box = curve.locator(".u-over").bounding_box()
    assert box is not None
    curve.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    assert readout(curve).items() >= expected(evaluations, 0).items()
    curve.get_by_label("by minutes").check()
    curve.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2)
    assert readout(curve).items() >= expected(evaluations, 0).items()


DOTS = """
  window.dots = [];
  const { arc, fill } = CanvasRenderingContext2D.prototype;
  let last = null;
  CanvasRenderingContext2D.prototype.arc = function (x, y, radius, ...rest) {
    last = { x, y, radius };
    return arc.call(this, x, y, radius, ...rest);
  };
  CanvasRenderingContext2D.prototype.fill = function (...rest) {
    if (last) window.dots.push({ ...last, colour: this.fillStyle });
    last = null;
    return fill.call(this, ...rest);
  };
"""


def test_readout_and_curve_mean_the_same_evaluation(chromium: Browser, server: Server) -> None:
    """Every evaluation under the arrow keys, those at the step where both phases meet included: the
    dots stand at the losses that are read out, of that phase alone. The samples follow the toggle,
    and the two counts of tokens explain each other."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(DOTS)
    page.goto(server.url + "#/training")
    page.locator(".readout").wait_for(timeout=SOON)
    rows = columns(server)
    slider = page.get_by_role("slider")
    slider.focus()
    places: list[tuple[float, float]] = []
    for index in range(len(rows["step"])):
        page.evaluate("dots.length = 0")
        page.keyboard.press("ArrowRight" if index else "Home")
        train, val = rows["train_loss"][index], rows["val_loss"][index]
        page.wait_for_function("dots.some((dot) => dot.radius === 4)")
        assert readout(page).items() >= expected(rows, index).items()
        phase = {"train": "training", "finetune": "fine-tuning"}[rows["phase"][index]]
        assert readout(page)["phase"] == phase
        drawn = page.evaluate("dots.filter((dot) => dot.radius === 4)")
        latest = {dot["colour"]: dot["y"] for dot in drawn}
        losses = [loss for loss in (train, val) if loss is not None]
        assert len(latest) == len(losses)
        places += zip(losses, latest.values(), strict=True)
    (low, bottom), (high, top) = min(places), max(places)
    for loss, y in places:
        straight = bottom + (loss - low) * (top - bottom) / (high - low)
        assert y == pytest.approx(straight, abs=1.5)

    samples = httpx.get(server.url + "api/runs/tiny/metrics", timeout=PATIENCE).json()["samples"]
    assert {sample["phase"] for sample in samples} == {"train", "finetune"}
    before = len({sample["step"] for sample in samples if sample["phase"] == "train"})
    page.get_by_label("fine-tuning").uncheck()
    expect(page.locator("ol li")).to_have_count(min(4, before))
    expect(page.locator("ol .where").get_by_text("fine-tuning")).to_have_count(0)

    run = httpx.get(server.url + "api/runs", timeout=PATIENCE).json()["runs"][-1]
    live = round(math.exp(run["ln_v"]))
    explained = page.get_by_label("What am I seeing")
    expect(explained).to_contain_text(f"A uniform guess chooses among {live:,}")
    expect(explained).to_contain_text(
        f"of the {run['vocabulary']:,} tokens of the vocabulary, {run['vocabulary'] - live:,} never"
    )
    context.close()


def test_the_table_says_the_same(curve: Page, server: Server) -> None:
    """A row an evaluation; without fine-tuning only the first phase."""
    evaluations = columns(server)
    curve.get_by_role("button", name="View as table").click()
    rows = curve.locator("tbody tr")
    expect(rows).to_have_count(len(evaluations["step"]))
    for index in range(rows.count()):
        texts = rows.nth(index).locator("th, td").all_inner_texts()
        wanted = expected(evaluations, index)
        assert [texts[0], texts[2], texts[3], texts[4]] == [
            wanted["step"], wanted["train"], wanted["val"], wanted["bits"]
        ]  # fmt: skip
    curve.get_by_label("fine-tuning").uncheck()
    expect(rows).to_have_count(evaluations["phase"].count("train"))


def test_the_same_questions_newest_first(curve: Page, server: Server) -> None:
    """Every sample's text as it was written, as text; the first checkpoint is always in sight.
    One question is asked of all of them, in both phases."""
    samples = httpx.get(server.url + "api/runs/tiny/metrics", timeout=PATIENCE).json()["samples"]
    steps = curve.locator("ol .where span:first-child")
    assert steps.first.inner_text() == f"step {samples[-1]['step']:,}"
    assert steps.last.inner_text() == f"step {samples[0]['step']:,}"
    where = {(sample["phase"], sample["step"]) for sample in samples}
    expect(steps).to_have_count(min(4, len(where)))
    curve.get_by_role("button", name=f"Show all {len(where)} checkpoints").click()
    expect(steps).to_have_count(len(where))
    question = next(sample["prompt"] for sample in samples if sample["asked"])
    expect(curve.locator("ol .asked").filter(has_text=question)).to_have_count(len(where))
    shown = curve.locator("ol .text").evaluate_all("all => all.map((p) => p.lastChild.textContent)")
    assert sorted(shown) == sorted(sample["text"] for sample in samples)


def test_a_live_training_by_keyboard_alone(chromium: Browser, lab: Workspace) -> None:
    """Begin, watch the steps go by, see the line in the chat, stop, resume: no mouse."""
    running = start_server(lab.path)
    page = chromium.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        page.goto(running.url + "#/training")
        again = page.get_by_role("button", name="Train again")
        again.wait_for(timeout=SOON)
        again.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("spinbutton", name="Minutes")).to_be_focused()
        page.keyboard.press("Escape")
        expect(again).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("spinbutton", name="Minutes")).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.type("5")
        page.keyboard.press("Enter")
        expect(page.locator(".status")).to_contain_text("modern-1", timeout=SOON)
        expect(page.locator(".status")).to_contain_text(
            re.compile(r"step [\d,]+ of [\d,]+, (about|a few)"), timeout=SOON
        )
        expect(page.locator("progress")).to_have_attribute("max", re.compile(r"\d+"))
        expect(page.locator("select")).to_have_value("modern-1")

        page.goto(running.url + "#/chat")
        expect(page.locator(".line")).to_contain_text(
            re.compile(r"training: step [\d,]+ of [\d,]+"), timeout=SOON
        )
        page.locator(".line a").focus()
        page.keyboard.press("Enter")
        stop = page.get_by_role("button", name="Stop", exact=True)
        stop.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Stop training")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".status")).to_contain_text("was stopped at step", timeout=SOON)
        resume = page.get_by_role("button", name="Resume")
        resume.focus()
        page.keyboard.press("Enter")
        expect(stop).to_be_visible(timeout=SOON)
        # Running again, so that it is known whom the end of the test ends.
        expect(page.locator(".status")).to_contain_text(
            re.compile(r"step [\d,]+ of [\d,]+"), timeout=SOON
        )
        assert problems == []
    finally:
        page.close()
        stop_server(running)


def test_the_page_finds_a_server_that_comes_back(chromium: Browser, lab: Workspace) -> None:
    """It says that the server is gone, and goes on by itself with the training that went on."""
    running = start_server(lab.path)
    page = chromium.new_page()
    try:
        httpx.post(running.url + "api/runs", json=ENDLESS, timeout=60)
        page.goto(running.url)
        expect(page).to_have_url(re.compile("#/training$"))  # what is alive is shown first
        expect(page.locator(".status")).to_contain_text(re.compile(r"step [\d,]+"), timeout=SOON)
        stop_server(running)
        expect(page.get_by_role("alert")).to_contain_text("not responding", timeout=SOON)
        running = start_server(lab.path, "--port", str(running.port))
        expect(page.get_by_role("alert")).to_have_count(0, timeout=SOON)
        expect(page.locator(".status")).to_contain_text(re.compile(r"step [\d,]+"), timeout=SOON)
    finally:
        page.close()
        stop_server(running)


def test_what_cannot_begin_says_why(chromium: Browser, empty_server: Server) -> None:
    """There is nothing to learn from."""
    page = chromium.new_page()
    page.goto(empty_server.url + "#/training")
    page.get_by_role("button", name="Train a model").click()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("2,000", timeout=SOON)
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_no_accessibility_faults_and_nothing_spills(
    chromium: Browser, server: Server, theme: str, width: int
) -> None:
    """An axe scan of curve and table, in both themes, on phone and desktop; 44 px targets."""
    context = chromium.new_context(viewport={"width": width, "height": 740}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(server.url + "#/training")
    page.locator(".readout").wait_for(timeout=SOON)
    page.evaluate(AXE.read_text())
    for view in ("View as table", "View as curve"):
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        )
        assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found["violations"]] == []
        page.get_by_role("button", name=view).click()
    page.get_by_role("button", name="Train again").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('main').scrollWidth") <= width
    heights = page.evaluate(
        "[...document.querySelectorAll('button, select, nav a, label, input[type=number]')]"
        ".filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44
    context.close()
