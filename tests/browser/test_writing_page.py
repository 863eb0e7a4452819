"""The Writing view in a real browser: files chosen and dropped, what was found in them, who the
author is, added once; by mouse, keyboard and phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from inkling.workspace import Workspace
from tests.browser.test_chat_page import AXE
from tests.server.conftest import PATIENCE, Server, start_server, stop_server
from tests.server.test_import_api import CHAT, GROUP, LATER, TALK

pytestmark = pytest.mark.browser

LOG = "".join(f"2024-01-12 10:{n:02} | Bo: hello number {n}\n" for n in range(40))


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose workspace is empty at first."""
    running = start_server(Workspace.create(tmp_path_factory.mktemp("writer") / "wilma").path)
    yield running
    stop_server(running)


@pytest.fixture
def desk(writer: Server, tmp_path: Path) -> Path:
    """A folder with exports; nothing is being imported."""
    now = current(writer)
    if now is not None:
        httpx.delete(f"{writer.url}api/imports/{now['id']}", timeout=PATIENCE)
    notes = tmp_path / "Notes"
    (notes / "2024").mkdir(parents=True)
    (notes / "2024" / "walk.md").write_text("---\ntitle: A walk\n---\nTo the sea and back.\n")
    (notes / ".hidden.md").write_text("nobody's\n")
    (tmp_path / GROUP).write_text(CHAT)
    (tmp_path / "log.txt").write_text(LOG)
    return tmp_path


@pytest.fixture
def view(chromium: Browser, writer: Server, desk: Path) -> Iterator[Page]:
    """The Writing view; an error in the page fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    opened(page, writer)
    yield page
    context.close()
    assert problems == []


def opened(page: Page, server: Server) -> None:
    page.goto(server.url + "#/writing")
    page.get_by_role("heading", name="Add your writing").wait_for()


def current(server: Server) -> Any:
    return httpx.get(server.url + "api/imports", timeout=PATIENCE).json()["now"]


def corpus(server: Server) -> dict[str, Any]:
    sources = httpx.get(server.url + "api/corpus", timeout=PATIENCE).json()["sources"]
    return {source["source"]: source for source in sources}


def choose(page: Page, *files: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("button.main[data-next]").click()
    chooser.value.set_files([str(file) for file in files])


def drop(page: Page, *paths: Path) -> None:
    """Let go of files over the page, as a file manager does."""
    protocol = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        protocol.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})


def add(page: Page) -> None:
    page.get_by_role("button", name="Add", exact=True).click()


def test_a_chat_is_chosen_looked_at_and_added(view: Page, writer: Server, desk: Path) -> None:
    """What is on screen is what the API says; nothing is added before it was said who "me" is."""
    choose(view, desk / GROUP)
    heading = view.get_by_role("heading", name=f"Found in {GROUP}")
    expect(heading).to_be_focused()
    (found,) = current(writer)["found"]
    expect(view.locator("article").first).to_contain_text(
        f"{found['messages']} messages in 1 chat, {found['characters']} characters, 2024-01-12"
    )
    people = view.get_by_role("group", name="Which of these are you?").locator("label")
    expect(people).to_have_count(len(found["people"]))
    for person, label in zip(found["people"], people.all_inner_texts(), strict=True):
        assert re.fullmatch(rf"{person['name']}\s+{person['messages']} messages?", label)
    expect(view.locator(".sample").first).to_have_text(found["samples"][0])
    view.locator("summary", has_text="Left out: 2").click()
    for reason in found["left_out"]:
        expect(view.locator("details li", has_text=reason["reason"])).to_be_visible()

    add(view)
    expect(view.get_by_role("alert")).to_contain_text("Choose at least one")
    expect(view.get_by_role("checkbox").first).to_be_focused()
    assert GROUP not in corpus(writer)

    view.get_by_role("checkbox", name="Ada").check()
    expect(view.get_by_role("alert")).to_have_count(0)
    add(view)
    expect(view.get_by_role("heading", name="Added")).to_be_focused()
    expect(view.locator("article")).to_contain_text("4 messages in 1 dialog")
    row = view.get_by_role("row").filter(has_text=GROUP)
    source = corpus(writer)[GROUP]
    assert [int(n.replace(",", "")) for n in row.get_by_role("cell").all_inner_texts()] == [
        source["documents"], source["conversations"], source["messages"], source["characters"],
        sum(source["dropped"].values()),
    ]  # fmt: skip
    view.get_by_role("button", name="Add more").click()
    expect(view.get_by_role("button", name="Choose files")).to_be_focused()


def test_a_newer_export_tells_what_was_there(view: Page, writer: Server, desk: Path) -> None:
    """Nobody is asked again, and only what is new is added."""
    for content in (CHAT, LATER):
        (desk / "again.txt").write_text(content.replace("Cleo", "Dolores"))
        choose(view, desk / "again.txt")
        view.get_by_role("heading", name="Found in again.txt").wait_for()
        if view.get_by_role("checkbox").count():
            view.get_by_role("checkbox", name="Ada").check()
        add(view)
        view.get_by_role("heading", name="Added").wait_for()
        if content == LATER:
            expect(view.locator("article")).to_contain_text("1 message in 1 dialog, 19 characters")
            expect(view.locator("article")).to_contain_text("4 messages already there")
        view.get_by_role("button", name="Add more").click()
    assert corpus(writer)["again.txt"]["messages"] == 5


def test_a_folder_is_dropped_anywhere(view: Page, writer: Server, desk: Path) -> None:
    """Also over another view; what is in it is one source of the folder's name."""
    view.goto(writer.url + "#/training")
    view.get_by_role("button", name="Train a model").wait_for()
    drop(view, desk / "Notes")
    expect(view).to_have_url(re.compile("#/writing$"))
    expect(view.locator("article")).to_contain_text("1 document")
    add(view)
    view.get_by_role("heading", name="Added").wait_for()
    assert corpus(writer)["Notes"]["documents"] == 1


def test_the_numbers_are_the_apis(page: Page, server: Server) -> None:
    """Of a corpus that is there: sources, words, people, months; the months as a table too."""
    opened(page, server)
    stats = httpx.get(server.url + "api/corpus/stats", timeout=PATIENCE).json()
    section = page.get_by_role("region", name="In numbers")
    expect(section).to_contain_text(f"{stats['words']:,} words, {stats['characters']:,} characters")
    expect(section.locator(".estimate")).to_have_text(stats["estimate"])
    rows = page.get_by_role("region", name="What is here").locator("tbody tr")
    expect(rows).to_have_count(len(corpus(server)))
    months = section.get_by_role("figure").locator("rect")
    written = [month for month in stats["by_month"] if month["characters"]]
    assert months.count() >= len(written) > 1
    section.get_by_role("button", name="View as table").click()
    shown = section.get_by_role("figure").locator("tr").all_inner_texts()
    assert [re.split(r"\s+", row) for row in shown] == [
        [month["month"], f"{month['characters']:,}"] for month in written
    ]


def test_what_cannot_be_read_says_why(view: Page, writer: Server, desk: Path) -> None:
    """One sentence, the reason, and the way on; the next file is read."""
    drop(view, desk / "log.txt")
    expect(view.get_by_role("alert")).to_have_text("Nothing in log.txt can be read.")
    expect(view.locator("details li")).to_contain_text("looks like a chat")
    expect(view.get_by_role("button", name="Choose something else")).to_be_focused()
    view.locator("summary", has_text="What can be added").click()
    expect(view.locator("dt", has_text="WhatsApp")).to_be_visible()
    choose(view, desk / GROUP)
    expect(view.get_by_role("heading", name=f"Found in {GROUP}")).to_be_focused()
    view.get_by_role("button", name="Cancel").click()
    expect(view.get_by_role("button", name="Choose files")).to_be_focused()
    assert current(writer) is None


def test_what_was_not_seen_is_said(view: Page, writer: Server, desk: Path) -> None:
    """The name in a conversation, where nothing could be read; then the encoding of a guess. What
    was said stays in the form."""
    (desk / "talk.txt").write_text(TALK)
    drop(view, desk / "talk.txt")
    expect(view.get_by_role("alert")).to_have_text("Nothing in talk.txt can be read.")
    expect(view.locator("details li")).to_contain_text("say under which name you speak in it")
    view.get_by_label("Your names or email addresses").fill("Ada")
    view.keyboard.press("Enter")
    expect(view.get_by_role("heading", name="Found in talk.txt")).to_be_focused()
    expect(view.locator("article")).to_contain_text("1 dialog")
    add(view)
    view.get_by_role("heading", name="Added").wait_for()
    assert corpus(writer)["talk.txt"]["conversations"] == 1
    view.get_by_role("button", name="Add more").click()

    (desk / "shum.txt").write_bytes("Шум моря слышен издалека, и чайки кричат.\n".encode("koi8-r"))
    choose(view, desk / "shum.txt")
    view.locator("summary", has_text="Not right?").click()
    encoding = view.get_by_label("Encoding of its text files")
    for name, sample in (("cp866", "Шум моря"), ("koi8-r", "Шум моря")):
        encoding.fill(name)
        view.get_by_role("button", name="Read it again").click()
        expect(view.get_by_role("heading", name="Found in shum.txt")).to_be_focused()
        sample_shown = view.locator(".sample", has_text=sample)
        expect(sample_shown).to_have_count(1 if name == "koi8-r" else 0)
        view.locator("summary", has_text="Not right?").click()
        expect(encoding).to_have_value(name)
    view.get_by_label("It is an export of").select_option(label="Telegram")
    view.get_by_role("button", name="Read it again").click()
    expect(view.get_by_role("alert")).to_have_text("Nothing in shum.txt can be read.")
    expect(view.get_by_label("It is an export of")).to_have_value("telegram")
    encoding.fill("klingon")
    view.get_by_role("button", name="Read it again").click()
    expect(view.get_by_text("There is no encoding called 'klingon'")).to_be_visible()


def test_a_file_with_a_strange_name(view: Page, writer: Server, desk: Path) -> None:
    """It is read, chosen alone also where the name begins with a dot; letters that turn the
    direction turn nothing but the name."""
    for name in (".strange\n-'\u202e<b>.txt", "-rf.txt"):
        (desk / name).write_text(f"The pier was wet, wrote {name!r}.\n")
        choose(view, desk / name)
        add(view)
        view.get_by_role("heading", name="Added").wait_for()
        view.get_by_role("button", name="Add more").click()
    names = [".strange\\x0a-'\u202e<b>.txt", "-rf.txt"]
    assert set(names) <= corpus(writer).keys()
    for name in names:
        expect(view.locator("th bdi", has_text=name)).to_have_count(1)


def test_an_address_that_is_none_says_so(view: Page) -> None:
    """It stays in the field, to be corrected."""
    field = view.get_by_label("Or the address")
    field.fill("not an address")
    view.keyboard.press("Enter")
    expect(view.get_by_role("alert")).to_contain_text("not an address is no address of the web")
    expect(field).to_have_value("not an address")


def test_a_file_that_goes_while_it_is_sent(view: Page, writer: Server, desk: Path) -> None:
    """The server's import ends, and the page says what to do."""
    with view.expect_file_chooser() as chooser:
        view.get_by_role("button", name="Choose files").click()

    def go_on(route: Route) -> None:
        (desk / GROUP).unlink(missing_ok=True)
        route.continue_()

    view.route("**/files", go_on)
    chooser.value.set_files(str(desk / GROUP))
    expect(view.get_by_role("alert")).to_contain_text("could not be read to their end")
    expect(view.get_by_role("button", name="Choose files")).to_be_visible()
    assert current(writer) is None


def test_the_whole_journey_by_keyboard(view: Page, writer: Server, desk: Path) -> None:
    """Choose, say who one is, add, go on to the training: no mouse."""
    (desk / "keys.txt").write_text(CHAT.replace("Ada", "Edda"))
    # Listened for before, because a key is pressed sooner than a listener is there.
    view.on("filechooser", lambda chooser: chooser.set_files(str(desk / "keys.txt")))
    view.get_by_role("button", name="Choose a folder").focus()
    view.keyboard.press("Shift+Tab")
    expect(view.get_by_role("button", name="Choose files")).to_be_focused()
    view.keyboard.press("Enter")
    expect(view.get_by_role("heading", name="Found in keys.txt")).to_be_focused()
    view.keyboard.press("Tab")
    box = view.get_by_role("checkbox", name="Edda")
    expect(box).to_be_focused()
    view.keyboard.press("Space")
    expect(box).to_be_checked()
    view.keyboard.press("Enter")
    expect(view.get_by_role("heading", name="Added")).to_be_focused()
    link = view.get_by_role("link", name="Train on it")
    for _ in range(3):
        if not link.evaluate("link => link === document.activeElement"):
            view.keyboard.press("Tab")
    expect(link).to_be_focused()
    view.keyboard.press("Enter")
    expect(view).to_have_url(re.compile("#/training$"))
    view.get_by_role("button", name="Train a model").wait_for()
    assert corpus(writer)["keys.txt"]["messages"] == 4


def test_two_tabs_agree_and_a_double_click_adds_once(
    view: Page, chromium: Browser, writer: Server, desk: Path
) -> None:
    """What one tab is asked the other shows; what one adds the other knows."""
    other = chromium.new_page()
    opened(other, writer)
    (desk / "twice.txt").write_text(CHAT.replace("Ada", "Ida"))
    choose(view, desk / "twice.txt")
    expect(other.get_by_role("heading", name="Found in twice.txt")).to_be_visible()
    pressed: list[str] = []
    other.on("request", lambda r: pressed.append(r.url) if r.url.endswith("confirm") else None)
    other.get_by_role("checkbox", name="Ida").check()
    other.get_by_role("button", name="Add", exact=True).dblclick()
    for page in (view, other):
        expect(page.get_by_role("heading", name="Added")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="twice.txt")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
    assert len(pressed) == 1
    assert corpus(writer)["twice.txt"]["messages"] == 4
    other.close()


def test_the_server_is_started_again_meanwhile(
    chromium: Browser, desk: Path, tmp_path: Path
) -> None:
    """The import is gone, and the page says so and begins anew."""
    workspace = Workspace.create(tmp_path / "again")
    running = start_server(workspace.path)
    page = chromium.new_page()
    try:
        opened(page, running)
        choose(page, desk / GROUP)
        page.get_by_role("heading", name=f"Found in {GROUP}").wait_for()
        stop_server(running)
        running = start_server(workspace.path, "--port", str(running.port))
        expect(page.get_by_role("alert")).to_contain_text("The import is over")
        choose(page, desk / GROUP)
        expect(page.get_by_role("heading", name=f"Found in {GROUP}")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
    finally:
        page.close()
        stop_server(running)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_accessibility_faults_and_nothing_spills(
    chromium: Browser, empty_server: Server, desk: Path, theme: str, width: int
) -> None:
    """An axe scan of each state, in both themes, on phone and desktop; 44 px targets."""
    context = chromium.new_context(
        viewport={"width": width, "height": 740},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page = context.new_page()
    opened(page, empty_server)
    page.evaluate(AXE.read_text())

    def looks_well() -> None:
        page.evaluate("document.querySelectorAll('details').forEach((all) => (all.open = true))")
        found = page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
        )
        assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelector('main').scrollWidth") <= width
        heights = page.evaluate(
            "[...document.querySelectorAll('button, summary, nav a, a.main, label:has(input), "
            "input[type=text], select')].filter((e) => e.offsetParent)"
            ".map((e) => e.getBoundingClientRect().height)"
        )
        assert min(heights) >= 44

    page.locator("summary", has_text="What can be added").click()
    page.locator("dt", has_text="WhatsApp").wait_for()
    looks_well()
    name = f"look {width} {theme} " + "of-a-name-without-any-space-in-it" * 2 + ".txt"
    (desk / name).write_text(CHAT.replace("Ada", f"Ada {width} {theme} " + "x" * 40))
    choose(page, desk / name, desk / "log.txt")
    page.get_by_role("checkbox", name="Ada").first.wait_for()
    looks_well()
    add(page)
    page.get_by_role("alert").wait_for()
    looks_well()
    page.get_by_role("checkbox", name="Ada").first.check()
    add(page)
    page.get_by_role("heading", name="Added").wait_for()
    looks_well()
    page.get_by_role("button", name="Add more").click()
    choose(page, desk / "log.txt")
    page.get_by_role("alert").wait_for()
    looks_well()
    context.close()
