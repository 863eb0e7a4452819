"""Kept chats in a real browser: found again, answered again, corrected, searched, deleted."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from inkling.chats import ChatStore
from inkling.corpus.store import CorpusStore
from inkling.workspace import Workspace
from tests.browser.test_chat_page import finished, private, replies, say
from tests.server.conftest import PATIENCE, Server, once, start_server, stop_server
from tests.voices import random_run

pytestmark = pytest.mark.browser

SOON = 30_000
EVIL = "<script>document.title='pwned'</script>"


def chat_of(page: Page) -> int:
    """The kept chat on show, as the address names it."""
    expect(page).to_have_url(re.compile(r"#/chat/\d+$"))
    return int(page.url.rsplit("/", 1)[1])


def stored(server: Server, chat: int) -> list[dict[str, Any]]:
    found = httpx.get(f"{server.url}api/chats/{chat}", timeout=PATIENCE).json()["messages"]
    assert isinstance(found, list)
    return found


def ask(page: Page, question: str) -> int:
    """Ask in a new chat and wait for the reply; the chat's number."""
    page.get_by_label("Message", exact=True).wait_for()
    say(page, question)
    finished(page)
    return chat_of(page)


def test_a_chat_is_there_again_after_a_reload(page: Page, server: Server) -> None:
    """What is on screen is what the server keeps; markup stays text, in the list as well."""
    chat = ask(page, f"soup {EVIL}?")
    asked, reply = stored(server, chat)
    text = reply["variants"][0]["text"]
    assert replies(page)[-1] == text
    expect(page.locator("button.seed")).to_have_text(f"seed {reply['variants'][0]['seed']}")
    current = page.get_by_role("list", name="Saved chats").locator("a[aria-current]")
    expect(current.locator(".title")).to_have_text(f"soup {EVIL}?")
    page.reload()
    expect(page.locator(".bubble.you .words")).to_have_text(asked["variants"][0]["text"])
    assert replies(page) == [text]
    assert page.title() == "wilma"
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".bubble.you")).to_have_count(0)
    page.get_by_role("list", name="Saved chats").get_by_text("soup").first.click()
    expect(page.locator(".bubble.you .words")).to_have_text(f"soup {EVIL}?")


def test_other_replies_are_variants_to_choose_from(page: Page, server: Server) -> None:
    """‹ 1/2 › goes back and forth; what was chosen stays chosen."""
    chat = ask(page, "do you have pets?")
    page.get_by_role("button", name="Regenerate").click()
    expect(page.locator(".variants .count")).to_have_text("2/2", timeout=SOON)
    finished(page)
    first, second = (v["text"] for v in stored(server, chat)[1]["variants"])
    assert replies(page)[-1] == second
    page.get_by_role("button", name="Previous reply").click()
    assert replies(page)[-1] == first
    expect(page.locator("[aria-live=polite]")).to_have_text(first)
    page.reload()
    expect(page.locator(".variants .count")).to_have_text("1/2")
    assert replies(page) == [first]


def test_a_correction_is_a_training_pair_until_it_is_undone(
    page: Page, server: Server, talked: Workspace
) -> None:
    """Enter saves it, the page says what became of it, Undo brings the model's words back."""
    chat = ask(page, "what is your aunt called?")
    before = replies(page)[-1]
    page.get_by_role("button", name="Correct").click()
    field = page.get_by_label("What you would have said")
    expect(field).to_be_focused()
    expect(field).to_have_value(before)
    field.fill(f"Hedwig {EVIL}")
    page.keyboard.press("Enter")
    expect(page.locator(".note").first).to_contain_text("training pair")
    assert replies(page)[-1] == f"Hedwig {EVIL}"
    assert page.title() == "wilma"
    assert stored(server, chat)[1]["variants"][0]["corrected"] is True
    with CorpusStore(talked.corpus_path) as corpus:
        pairs = [c for c in corpus.conversations() if c.source == "edits"]
    assert [m.text for m in pairs[0].messages] == ["what is your aunt called?", f"Hedwig {EVIL}"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".bubble.model .words").last).to_have_text(before)
    with CorpusStore(talked.corpus_path) as corpus:
        assert not [c for c in corpus.conversations() if c.source == "edits"]


def test_why_shows_the_passage(page: Page, talked: Workspace, posts: list[Path]) -> None:
    """A reply that stands in a post: how much of it, and which post, in the API's numbers."""
    chat = ask(page, "tell me")
    sentence = next(
        line for line in posts[0].read_text().splitlines() if len(line) > 80 and "*" not in line
    )[:80]
    with ChatStore(talked.chats_path) as store:
        store.add_variant(chat, 1, sentence, store.open(chat)[1].variants[0].origin)
    page.reload()
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why")).to_contain_text("100 % of this reply", timeout=SOON)
    expect(page.locator(".why")).to_contain_text("longest passage has 80 characters")
    expect(page.locator(".why .text mark")).to_have_text(sentence)
    expect(page.locator(".why .passage").first).to_contain_text(sentence)


def test_why_shows_the_memory(page: Page, talked: Workspace) -> None:
    """A reply that leaned on memory: the sentence, the exchange and the tinted words; the numbers
    on demand, as the API has them."""
    with CorpusStore(talked.corpus_path) as corpus:
        question = next(iter(corpus.conversations())).messages[0].text
    memory = page.get_by_label("Memory")
    memory.focus()
    page.keyboard.press("End")
    ask(page, question)
    page.get_by_role("button", name="Why?").click()
    expect(page.locator(".why .sum")).to_contain_text("Memory 1: ", timeout=SOON)
    expect(page.locator(".why .exchanges li").first).to_contain_text(question)
    said = page.locator(".bubble.model .words").last.inner_text().strip()
    assert "".join(page.locator(".why .piece").all_text_contents()) == said
    assert "from memory, mostly exchange" in str(
        page.locator(".why .piece").first.get_attribute("title")
    )
    page.get_by_role("button", name="Show numbers").click()
    expect(page.locator(".why tbody tr")).to_have_count(page.locator(".why .piece").count())
    memory.focus()
    page.keyboard.press("Home")
    expect(memory).to_have_attribute("aria-valuetext", "off")


def test_why_that_is_closed_before_its_answer_is_no_error(page: Page) -> None:
    """A double click opens it and closes it; the answer comes afterwards, for nobody."""
    ask(page, "are you well?")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/why*", hold)
    page.get_by_role("button", name="Why?").dblclick()
    expect(page.locator(".why")).to_have_count(0)
    with page.expect_response("**/why*"):
        held[0].continue_()
    page.get_by_role("button", name="Why?").click()  # what an error would have broken
    expect(page.locator(".why")).to_be_visible()
    for route in held[1:]:
        route.continue_()


def test_a_private_chat_leaves_nothing(page: Page, server: Server) -> None:
    """No request stores it, a reload forgets it; replies are variants there as well."""
    private(page)
    say(page, "quixotic secret?")
    finished(page)
    page.get_by_role("button", name="Regenerate").click()
    expect(page.locator(".variants .count")).to_have_text("2/2", timeout=SOON)
    finished(page)
    expect(page.get_by_role("button", name="Correct")).to_have_count(0)
    found = httpx.get(server.url + "api/chats", params={"q": "quixotic"}, timeout=PATIENCE).json()
    assert found["chats"] == []
    page.reload()
    page.get_by_label("Message", exact=True).wait_for()
    expect(page.locator(".bubble.you")).to_have_count(0)
    # The chat is gone, but not the wish.
    expect(page.get_by_label("Private (not saved)")).to_be_checked()
    say(page, "quixotic again?")
    finished(page)
    found = httpx.get(server.url + "api/chats", params={"q": "quixotic"}, timeout=PATIENCE).json()
    assert found["chats"] == []


def test_search_rename_export_and_delete_by_keyboard(page: Page, server: Server) -> None:
    """No mouse: find it by a word, open it, give it a title, take it away, delete it."""
    kept = ask(page, "a zanzibarian kettle?")
    page.get_by_role("button", name="New chat").focus()
    page.keyboard.press("Enter")
    ask(page, "another one")
    page.get_by_role("searchbox").focus()
    page.keyboard.type("zanzib")
    links = page.get_by_role("list", name="Saved chats").locator("a.open")
    expect(links).to_have_count(1)
    expect(links.locator(".excerpt")).to_contain_text("zanzibarian")
    page.keyboard.press("Tab")
    expect(links).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".bubble.you .words")).to_have_text("a zanzibarian kettle?")
    assert chat_of(page) == kept

    page.get_by_role("button", name="Rename").focus()
    page.keyboard.press("Enter")
    page.keyboard.type(f"Kettles {EVIL}")
    page.keyboard.press("Enter")
    expect(links.locator(".title")).to_have_text(f"Kettles {EVIL}")
    expect(page.get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    record = json.loads(download.value.path().read_text())
    assert record["messages"][0] == {"role": "user", "content": "a zanzibarian kettle?"}
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No chats found.")).to_be_visible()
    expect(page.locator(".bubble.you")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.reload()  # what was not taken back is carried out
    address = f"{server.url}api/chats/{kept}"
    once(lambda: httpx.get(address, timeout=PATIENCE).status_code == 404)


def test_arrow_keys_go_through_the_list(page: Page) -> None:
    """One tab stop; up, down, home and end move inside."""
    ask(page, "first of two")
    page.get_by_role("button", name="New chat").click()
    ask(page, "second of two")
    links = page.get_by_role("list", name="Saved chats").locator("a.open")
    expect(links.first).to_contain_text("second of two")
    assert [links.nth(at).get_attribute("tabindex") for at in range(2)] == ["0", "-1"]
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Home")
    expect(links.first).to_be_focused()


def test_stop_ends_the_servers_work(chromium: Browser, tmp_path: Path) -> None:
    """What is kept of a stopped reply is what was shown, and it does not grow."""
    lab = Workspace.create(tmp_path / "lab")
    random_run(lab, slow=True)  # its replies never end by themselves
    with open(lab.path / "inkling.toml", "a", encoding="utf-8") as file:
        file.write("\n[sampling]\nbest_of = 1\nmax_tokens = 2000\n")
    running = start_server(lab.path)
    page = chromium.new_page()
    try:
        page.goto(running.url)
        page.locator(".bubble.model .words").wait_for()  # the opening
        before = page.locator(".bubble.model .words").count()
        say(page, "go on")
        # A reply stopped before its first character would have no seed and nothing to keep.
        page.locator(".bubble.model .words:not(.soft)").nth(before).wait_for()
        page.keyboard.press("Escape")  # a click would wait until the page stands still
        expect(page.get_by_role("button", name="Send")).to_be_visible(timeout=SOON)
        expect(page.get_by_text("Stopped.")).to_be_visible()
        expect(page.locator("button.seed").last).to_be_visible()
        text = replies(page)[-1]
        chat = chat_of(page)
        assert stored(running, chat)[-1]["variants"][0]["text"] == text
        assert stored(running, chat)[-1]["variants"][0]["text"] == text
    finally:
        page.close()
        stop_server(running)


def test_a_chat_that_is_not_there_is_said(page: Page, server: Server) -> None:
    """An old address: a sentence and a way on."""
    page.goto(server.url + "#/chat/999999")
    expect(page.get_by_role("alert")).to_contain_text("no chat 999999")
    page.get_by_role("alert").get_by_role("button", name="New chat").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_server_is_restarted_under_an_open_page(
    chromium: Browser, trained: Workspace, tmp_path: Path
) -> None:
    """A question that met no server is asked again; a new model is said in one line."""
    lab = Workspace(tmp_path / "lab")
    shutil.copytree(trained.path, lab.path)
    running = start_server(lab.path)
    page = chromium.new_page()
    try:
        page.goto(running.url)
        ask(page, "are you there?")
        stop_server(running)
        say(page, "and now?")
        expect(page.get_by_role("alert")).to_contain_text("not responding", timeout=SOON)
        expect(page.locator(".thin")).to_contain_text("Trying again", timeout=SOON)
        # Meanwhile another model was trained.
        shutil.copytree(lab.runs_path / "tiny", lab.runs_path / "tiny-2")
        path = lab.runs_path / "tiny-2" / "config.json"
        config = json.loads(path.read_text())
        config |= {"name": "tiny-2", "created": "2999-01-01T00:00:00+00:00"}
        path.write_text(json.dumps(config))
        running = start_server(lab.path, "--port", str(running.port))
        expect(page.locator(".thin.problem")).to_have_count(0, timeout=SOON)
        page.get_by_role("button", name="Talk to tiny-2").click(timeout=SOON)
        expect(page.locator(".swap")).to_contain_text("tiny-2", timeout=SOON)
        page.get_by_role("button", name="Try again").click()
        finished(page)
        expect(page.get_by_role("alert")).to_have_count(0)
        assert len(stored(running, chat_of(page))) == 4
    finally:
        page.close()
        stop_server(running)
