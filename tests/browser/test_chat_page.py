"""The chat page in a real browser: what a person does, by mouse, keyboard and phone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, Route, expect

from inkling.config import MEMORY
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, start_server, stop_server

pytestmark = pytest.mark.browser

FIRST_LOAD_BYTES = 60_000
"""Of all that is sent until the chat can be used, heads of answers included; 120 KB would still be
quick."""

AXE = Path(__file__).resolve().parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def replies(page: Page) -> list[str]:
    return [t.strip() for t in page.locator(".bubble.model .words").all_inner_texts()]


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=20_000)


def private(page: Page) -> None:
    """Switch to a chat that is kept nowhere, which talks to the stateless API."""
    page.get_by_role("switch", name="Private").check()
    expect(page.locator(".thin")).to_contain_text("nothing is saved")


def test_the_page_introduces_the_model(page: Page, server: Server) -> None:
    """Name, facts as the API gives them, an example that is no reply, questions to begin with."""
    health = httpx.get(server.url + "api/health", timeout=PATIENCE).json()
    expect(page.get_by_role("heading", level=1)).to_have_text("wilma")
    expect(page.locator("header .lead")).to_contain_text("A small language model that Inkling")
    expect(page.locator(".facts")).to_be_hidden()
    page.get_by_text("About this model").click()
    expect(page.locator(".facts")).to_contain_text(f"width {health['model']['width']}")
    expect(page.locator(".facts")).to_contain_text(f"{health['model']['blocks']} block")
    expect(page.locator(".facts")).to_contain_text(f"{health['model']['vocabulary']:,} tokens")
    expect(page.locator(".bubble.model .words")).to_have_text([health["opening"]])
    example = page.get_by_role("article", name="How wilma writes")
    expect(example.locator(".who")).to_have_text("How wilma writes: an example, not a reply")
    expect(example).to_have_css("border-left-width", "0px")
    starters = page.get_by_role("list", name="Suggested questions").get_by_role("button")
    expect(starters).to_have_text(health["starters"])


def test_the_first_load_stays_small(chromium: Browser, server: Server) -> None:
    """On the wire, as the browser counts it: what the chat needs is half of the budget; uPlot, the
    Training view and Inside come later. The model is asked about once, and nobody fetches a
    training that is not looked at."""
    context = chromium.new_context()
    tab = context.new_page()
    loaded: list[Response] = []

    def note(response: Response) -> None:
        loaded.append(response)

    tab.on("response", note)
    tab.goto(server.url)
    tab.get_by_label("Message", exact=True).wait_for()
    tab.locator(".opening").wait_for()
    asked = [each.url.removeprefix(server.url).split("?")[0] for each in loaded]
    assert asked.count("api/health") == 1
    assert not [address for address in asked if address.endswith(("metrics", "events"))]
    tab.wait_for_load_state("networkidle")
    sizes = {}
    for each in loaded:
        sent = each.request.sizes()
        sizes[each.url] = sent["responseBodySize"] + sent["responseHeadersSize"]
        if "/assets/" in each.url:
            assert sent["responseBodySize"] < 0.6 * len(each.body())
    context.close()
    assert len(sizes) >= 3, sizes
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


def test_a_question_is_answered(page: Page) -> None:
    """Enter sends, the field empties, a reply appears, focus stays in the field."""
    page.get_by_label("Message", exact=True).wait_for()
    say(page, "do you have any pets?")
    expect(page.locator(".bubble.you .words")).to_have_text("do you have any pets?")
    finished(page)
    assert len(replies(page)) == 2
    assert replies(page)[1]
    expect(page.get_by_label("Message", exact=True)).to_have_value("")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.locator("[aria-live=polite]")).to_have_text(replies(page)[1])


def test_shift_enter_breaks_the_line_and_the_field_grows(page: Page) -> None:
    """Only Enter alone sends."""
    field = page.get_by_label("Message", exact=True)
    field.fill("one")
    before = field.bounding_box()
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert field.input_value() == "one\ntwo"
    after = field.bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] > before["height"]
    expect(page.locator(".bubble.you")).to_have_count(0)


def test_the_whole_journey_by_keyboard(page: Page) -> None:
    """Tab to a starter, ask it, change temperature, ask again: no mouse."""
    page.get_by_label("Message", exact=True).wait_for()
    starter = page.locator(".starters button").first
    question = starter.inner_text()
    starter.focus()
    page.keyboard.press("Enter")
    finished(page)
    expect(page.locator(".bubble.you .words")).to_have_text(question)
    slider = page.get_by_label("Temperature")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_value("2")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Top-k")).to_be_focused()
    sent: list[dict[str, object]] = []
    page.on(
        "request",
        lambda r: (
            sent.append(json.loads(r.post_data or "{}")) if r.url.endswith("/messages") else None
        ),
    )
    page.get_by_label("Message", exact=True).focus()
    page.keyboard.type("and again?")
    page.keyboard.press("Enter")
    finished(page)
    assert (sent[0]["message"], sent[0]["temperature"]) == ("and again?", 2)


def slow_stream(page: Page) -> None:
    """Answer streams from a script in the page that never ends, so that Stop can be tried."""
    page.evaluate(
        """() => {
          const real = window.fetch;
          window.aborted = false;
          window.fetch = (url, options) => {
            if (!String(url).endsWith('/messages')) return real(url, options);
            options.signal.addEventListener('abort', () => (window.aborted = true));
            const body = new ReadableStream({
              start(controller) {
                const bytes = new TextEncoder().encode('data: {"text": "half a rep"}\\n\\n');
                controller.enqueue(bytes.slice(0, 9));
                controller.enqueue(bytes.slice(9));
                options.signal.addEventListener('abort', () =>
                  controller.error(new DOMException('stopped', 'AbortError')));
              },
            });
            return Promise.resolve(new Response(body, { status: 200 }));
          };
        }"""
    )


def test_stop_ends_the_reply_and_keeps_its_text(page: Page) -> None:
    """Send becomes Stop; Escape stops as well; what was written stays."""
    page.get_by_label("Message", exact=True).wait_for()
    slow_stream(page)
    say(page, "go on")
    expect(page.locator(".bubble.model .words").last).to_have_text("half a rep")
    page.get_by_role("button", name="Stop").click()
    finished(page)
    assert page.evaluate("window.aborted")
    expect(page.locator(".bubble").last).to_contain_text("half a rep")
    expect(page.locator(".bubble").last).to_contain_text("Stopped.")
    say(page, "again")
    page.get_by_role("button", name="Stop").wait_for()
    page.keyboard.press("Escape")
    finished(page)


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (500, '{"error": "a sentence"}', "a sentence"),
        (200, 'data: {"text": "partial"}\n\n', "ended before it was finished"),
        (200, 'data: {"text": "partial"}\n\ndata: {"error": "broke"}\n\n', "broke"),
        (200, "data: nonsense\n\n", "not a reply"),
    ],
)
def test_failures_are_said_and_the_partial_text_stays(
    page: Page, status: int, body: str, shown: str
) -> None:
    """Errors from the server, a stream that ends early, nonsense."""
    private(page)

    def fail(route: Route) -> None:
        route.fulfill(status=status, body=body)

    page.route("**/api/chat/stream", fail)
    say(page, "hello")
    expect(page.get_by_role("alert")).to_contain_text(shown)
    if "partial" in body:
        expect(page.locator(".bubble").last).to_contain_text("partial")
    page.unroute("**/api/chat/stream")
    page.get_by_role("button", name="Try again").click()
    finished(page)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_without_streaming_the_whole_reply_comes(page: Page) -> None:
    """404 before any byte: /api/chat is used, and said; a second question has the first as
    its history."""
    private(page)
    page.route("**/api/chat/stream", lambda route: route.fulfill(status=404, body="{}"))
    say(page, "hello")
    finished(page)
    assert len(replies(page)) == 2
    expect(page.locator(".help")).to_contain_text("does not stream")
    page.unroute("**/api/chat/stream")
    with page.expect_request("**/api/chat/stream") as sent:
        say(page, "again")
    assert [turn["content"] for turn in sent.value.post_data_json["history"]] == [
        "hello", replies(page)[1]
    ]  # fmt: skip
    finished(page)


def test_a_server_without_kept_chats_is_talked_to_all_the_same(page: Page) -> None:
    """Where /api/chats is not there at all, the stateless API answers, and the page says so."""
    page.get_by_label("Message", exact=True).wait_for()
    page.route("**/api/chats/**", lambda route: route.fulfill(status=404, body="{}"))
    say(page, "hello")
    finished(page)
    assert len(replies(page)) == 2
    expect(page.locator(".thin")).to_contain_text("does not save chats")


def test_model_and_user_text_is_only_ever_text(page: Page) -> None:
    """Markup in a message or a reply is shown, never run."""
    private(page)
    evil = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    frame = json.dumps({"text": evil})
    page.route(
        "**/api/chat/stream",
        lambda route: route.fulfill(body=f'data: {frame}\n\ndata: {{"done": true}}\n\n'),
    )
    say(page, evil)
    finished(page)
    assert replies(page)[-1] == evil
    assert page.title() == "wilma"
    assert page.locator(".bubble img").count() == 0


def test_sliders_begin_where_the_workspace_says(
    chromium: Browser, trained: Workspace, tmp_path: Path
) -> None:
    """The [sampling] table is shown and sent, also beyond a slider's usual range; what was moved
    is this browser's, what was moved back is the workspace's again."""
    workspace = Workspace(tmp_path / "table")
    shutil.copytree(trained.path, workspace.path)
    table = workspace.config_path
    own = table.read_text(encoding="utf-8")
    table.write_text(f"{own}\n[sampling]\ntemperature = 3.25\nbest_of = 2\n", encoding="utf-8")
    running = start_server(workspace.path)
    context = chromium.new_context()
    page = context.new_page()
    try:
        page.goto(running.url)
        temperature, drafts = page.get_by_label("Temperature"), page.get_by_label("Drafts")
        expect(temperature).to_have_value("3.25")
        expect(drafts).to_have_value("2")
        drafts.fill("3")
        with page.expect_request(re.compile(r"/messages$")) as sent:
            say(page, "hello")
        asked = sent.value.post_data_json
        assert (asked["temperature"], asked["best_of"], asked["top_k"]) == (3.25, 3, 25)
        finished(page)
        temperature.fill("1")
        temperature.fill("3.25")
        stop_server(running)
        table.write_text(f"{own}\n[sampling]\ntemperature = 0.7\n", encoding="utf-8")
        running = start_server(workspace.path, "--port", str(running.port))
        page.reload()
        expect(temperature).to_have_value("0.7")
        expect(drafts).to_have_value("3")
    finally:
        context.close()
        stop_server(running)


def test_the_memory_slider_at_0_asks_for_the_bare_model(page: Page, server: Server) -> None:
    """It begins at the default that the server says, and what it shows is sent."""
    memory = page.get_by_label("Memory")
    default = httpx.get(server.url + "api/health", timeout=PATIENCE).json()["defaults"]["memory"]
    assert default == MEMORY
    expect(memory).to_have_value(f"{default:g}")
    memory.fill("0")
    expect(memory).to_have_attribute("aria-valuetext", "off")
    with page.expect_request(re.compile(r"/messages$")) as sent:
        say(page, "hello")
    assert sent.value.post_data_json["memory"] == 0
    finished(page)


def test_settings_and_theme_survive_a_reload(page: Page) -> None:
    """Kept in this browser, and nothing else is."""
    page.get_by_label("Top-k").fill("7")
    page.get_by_role("button", name="Theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.get_by_label("Top-k")).to_have_value("7")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("Object.keys(localStorage)") == ["inkling.settings"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_no_accessibility_faults_and_nothing_spills(
    chromium: Browser, server: Server, theme: str, width: int
) -> None:
    """An axe scan in both themes on phone and desktop; no sideways scrolling; 44 px targets."""
    context = chromium.new_context(viewport={"width": width, "height": 740}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(server.url)
    page.get_by_label("Message", exact=True).wait_for()
    say(page, "what is a long answer?")
    finished(page)
    page.get_by_role("button", name="Why?").click()
    page.locator(".why p").first.wait_for()
    page.evaluate(AXE.read_text())
    for panel in ("Chats", "Settings", None) if width < 1100 else (None,):
        if panel:
            page.get_by_role("button", name=panel, exact=True).click()
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        )
        assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        heights = page.evaluate(
            "[...document.querySelectorAll('button, main a, textarea, label:has(input),"
            " input:not([type=checkbox])')]"
            ".filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44
        if panel:
            page.keyboard.press("Escape")
            expect(page.get_by_role("button", name=panel, exact=True)).to_be_focused()
    context.close()


def test_what_is_reset_in_one_tab_does_not_come_back_from_another(page: Page) -> None:
    """Both keep what they have changed in the same place of the browser."""
    temperature = page.get_by_label("Temperature")
    before = temperature.input_value()
    temperature.fill("2")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_label("Temperature")).to_have_value("2")
    page.get_by_role("button", name="Reset").click()
    expect(other.get_by_label("Temperature")).to_have_value(before)
    other.get_by_role("button", name="Theme").click()  # which is kept, with all the rest
    page.reload()
    expect(temperature).to_have_value(before)
