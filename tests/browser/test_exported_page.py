"""An exported page, opened from disk with the network off: it chats, can be stopped, is used by
keyboard and on a phone, and says the same as Inkling's own engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from inkling.workflows.export import plan_export
from inkling.workspace import Workspace
from tests.browser.conftest import field
from tests.browser.test_chat_page import AXE, say
from tests.server.conftest import PATIENCE

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def written(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a workspace that replies in four drafts."""
    copy = Workspace(tmp_path_factory.mktemp("page") / "wilma")
    shutil.copytree(trained.path, copy.path)
    with copy.config_path.open("a", encoding="utf-8") as file:
        file.write("\n[sampling]\nbest_of = 4\nmax_tokens = 40\ntop_p = 0.93\n")
    planned = plan_export(copy, "page")
    return planned.write() / planned.file_name


@pytest.fixture
def open_file(chromium: Browser, written: Path) -> Iterator[Open]:
    """Opens the page without a network; what it asks for, and any error, fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def begin(**options: object) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(offline=True, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.on(
            "request",
            lambda request: (
                problems.append(request.url)
                if not re.match(r"file:.*\.html$|blob:|data:", request.url)
                else None
            ),
        )
        page.goto(written.as_uri())
        expect(page.get_by_text("Loading the model")).to_have_count(0)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert problems == []


def bubbles(page: Page) -> Locator:
    return page.locator(".bubble.model .words:not(.soft)")


def test_it_chats_from_disk_with_the_network_off(open_file: Open) -> None:
    """By keyboard alone, with a history; whose model it is stands over it, and is its title."""
    page = open_file()
    expect(page.get_by_role("heading", level=1)).to_have_text("A small model of wilma")
    assert page.title() == "A small model of wilma"
    expect(field(page)).to_be_focused()
    page.keyboard.type("Do you have a van?")
    page.keyboard.press("Enter")
    expect(bubbles(page)).to_have_count(1)
    expect(page.locator("#announcement")).to_contain_text("wilma: ")
    page.keyboard.type("and<b>a cat</b>?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("or two")
    page.keyboard.press("Enter")
    expect(bubbles(page)).to_have_count(2)
    expect(page.locator(".bubble.you .words").last).to_have_text("and<b>a cat</b>?\nor two")
    assert all(text.strip() for text in bubbles(page).all_inner_texts())
    page.keyboard.press("Tab")  # Send is disabled: nothing is written
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.you")).to_have_count(2)
    expect(bubbles(page)).to_have_count(2)


def test_a_starter_asks_and_a_new_chat_forgets(open_file: Open) -> None:
    page = open_file()
    starter = page.get_by_label("Suggested questions").get_by_role("button").first
    question = starter.inner_text()
    starter.click()
    expect(bubbles(page)).to_have_count(1)
    expect(page.locator(".bubble.you .words")).to_have_text(question)
    expect(page.get_by_label("Suggested questions")).to_have_count(0)
    page.get_by_role("button", name="Regenerate").click()
    expect(bubbles(page)).to_have_count(1)
    expect(page.locator(".bubble.you")).to_have_count(1)
    assert page.evaluate("turns.map(({ role }) => role)") == ["them", "me"]
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".bubble")).to_have_count(0)
    expect(field(page)).to_be_focused()
    assert page.evaluate("turns") == []


def test_a_reply_can_be_stopped(open_file: Open) -> None:
    """By the button that was Send and by Escape; then the next message is answered."""
    page = open_file()
    page.get_by_label("Max tokens").fill("1000")
    page.get_by_label("Temperature").fill("2")
    page.get_by_label("Drafts").fill("32")
    notes = page.locator(".note")
    say(page, "tell me everything")
    expect(page.get_by_text("of 32 drafts")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(notes).to_have_text(["Stopped."])
    expect(field(page)).to_be_focused()
    say(page, "go on")
    expect(page.get_by_text("of 32 drafts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(notes).to_have_text(["Stopped.", "Stopped."])
    assert page.evaluate("turns.map(({ role }) => role)") == ["them", "them"]
    page.get_by_label("Drafts").fill("1")
    page.get_by_label("Max tokens").fill("20")
    say(page, "well?")
    expect(bubbles(page).last).not_to_be_empty()


def test_settings_are_the_workspaces_until_they_are_moved(open_file: Open) -> None:
    """Also one that lies between two steps of its slider; Reset brings them back."""
    page = open_file()
    assert page.evaluate("chosen().top_p") == 0.93
    expect(page.get_by_label("Drafts")).to_have_value("4")
    expect(page.get_by_label("Max tokens")).to_have_attribute("aria-valuetext", "40")
    page.get_by_label("Memory").fill("0")
    expect(page.get_by_label("Memory")).to_have_attribute("aria-valuetext", "off")
    page.get_by_label("Top-p").fill("1")
    assert page.evaluate("[chosen().memory, chosen().top_p]") == [0, 1]
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate("[chosen().memory, chosen().top_p]") == [0.6, 0.93]
    expect(page.get_by_label("Memory")).to_have_attribute("aria-valuetext", "0.60")


def test_a_message_that_is_too_long_to_read_says_so(open_file: Open) -> None:
    page = open_file()
    message = "and then the ferry came in at last " * 60
    say(page, message)
    expect(page.locator(".note")).to_have_text(
        re.compile(rf"it read the last [\d,]+ of its {len(message):,} characters")
    )


def test_the_page_cannot_reach_out(chromium: Browser, written: Path) -> None:
    """The policy refuses what a script there would try, in the page and in a worker."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(written.as_uri())
    tried = page.evaluate(
        """async () => {
          const violated = [];
          document.addEventListener('securitypolicyviolation', (event) =>
            violated.push(event.effectiveDirective));
          await fetch('https://example.org/').catch(() => {});
          new Image().src = 'https://example.org/a.png';
          const code = "fetch('https://example.org/').catch(() => postMessage('refused'))";
          const worker = new Worker(URL.createObjectURL(new Blob([code])));
          const told = await new Promise((resolve) => { worker.onmessage = resolve; });
          return [violated.sort(), told.data];
        }"""
    )
    assert tried == [["connect-src", "img-src"], "refused"]
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_no_accessibility_faults_and_nothing_spills(
    open_file: Open, theme: str, width: int
) -> None:
    """An axe scan in both themes on phone and desktop, closed and open; no sideways scrolling."""
    page = open_file(viewport={"width": width, "height": 740}, color_scheme=theme)
    page.evaluate("document.getElementById('settings').open = false")
    say(page, "what is a long answer?")
    expect(bubbles(page)).to_have_count(1)
    page.evaluate(AXE.read_text())
    for opened in (None, "Settings", "About this model"):
        if opened:
            page.get_by_text(opened, exact=True).click()
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        )
        assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        heights = page.evaluate(
            "[...document.querySelectorAll('button, textarea, input, summary')]"
            ".filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44
    page.get_by_role("button", name="Theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
