"""Pages of others in a real browser, and text that would like to be a page: nothing happens."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, Response, expect

from inkling.chats import ChatStore
from inkling.cli.main import main
from inkling.runs import Run
from inkling.workspace import Workspace
from tests.browser.test_chat_page import finished, replies, say
from tests.conftest import DEMO
from tests.server.conftest import PATIENCE, Server, start_server, stop_server

pytestmark = pytest.mark.browser

SOON = 30_000
EVIL = "<img src=x onerror=pwned()>"
SENTENCE = f"Margit wrote {EVIL} on the lid <script>pwned()</script> and shut it."

ATTACK = """async (target) => {
  const asked = JSON.stringify({ message: 'what do you know?', steps: 3 });
  const outcomes = {};
  const attempt = async (name, path, options) => {
    try {
      const answer = await fetch(target + path, options);
      outcomes[name] = answer.type === 'opaque' ? 'opaque' : await answer.text();
    } catch (error) {
      outcomes[name] = 'blocked';
    }
  };
  await attempt('read', 'api/health', {});
  await attempt('models', 'v1/models', {});
  await attempt('ask', 'api/chat', { method: 'POST', body: asked });
  await attempt('begin', 'api/chats', { method: 'POST', mode: 'no-cors', body: asked });
  await attempt('train', 'api/runs', { method: 'POST', mode: 'no-cors', body: asked });
  await attempt('preflight', 'v1/chat/completions', {
    method: 'POST', body: asked, headers: { 'Content-Type': 'application/json' } });
  for (const path of ['api/chats', 'api/runs', 'api/chat']) {
    const form = document.createElement('form');
    Object.assign(form, {
      method: 'POST', enctype: 'text/plain', action: target + path, target: 'hidden-frame' });
    const field = document.createElement('input');
    Object.assign(field, { name: '{"message": "x', value: '"}' });
    form.append(field);
    document.body.append(form);
    const frame = document.getElementById('hidden-frame');
    const loaded = new Promise((resolve) => (frame.onload = resolve));
    form.submit();
    await loaded;
  }
  return outcomes;
}"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[int]:
    """Another program's page on this machine; its port."""
    (tmp_path / "index.html").write_text("<iframe id=hidden-frame name=hidden-frame></iframe>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join(20)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_from_elsewhere_reads_and_does_nothing(
    chromium: Browser, server: Server, elsewhere: int, host: str
) -> None:
    """From another port and from another site: scripts and forms, with and without CORS."""
    context = chromium.new_context()
    tab = context.new_page()
    sent: list[Request] = []
    answers: list[Response] = []
    tab.goto(f"http://{host}:{elsewhere}/")
    # Playwright leaves a mark on its handlers, which a built-in function does not take.
    tab.on("request", lambda request: sent.append(request))  # noqa: PLW0108
    # The browser itself keeps the answers to some requests from whoever asked.
    tab.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
    before = httpx.get(server.url + "api/chats", timeout=PATIENCE).json()
    outcomes = tab.evaluate(ATTACK, server.url)
    assert set(outcomes.values()) <= {"blocked", "opaque"}
    assert sum(r.method == "POST" and r.url.startswith(server.url) for r in sent) >= 6
    assert {answer.status for answer in answers if answer.url.startswith(server.url)} == {403}
    assert httpx.get(server.url + "api/chats", timeout=PATIENCE).json() == before
    runs = httpx.get(server.url + "api/runs", timeout=PATIENCE).json()
    assert runs["training"]["state"] == "idle"
    context.close()


def test_a_name_that_was_rebound_reads_nothing(chromium: Browser, server: Server) -> None:
    """The browser takes page and API for one origin; the server does not answer to the name."""
    rebound = chromium.browser_type.launch(
        executable_path=os.environ.get("INKLING_CHROMIUM") or None,
        args=[
            "--no-sandbox", "--disable-gpu", "--no-proxy-server",
            "--host-resolver-rules=MAP rebound.example 127.0.0.1",
        ],
    )  # fmt: skip
    try:
        tab = rebound.new_page()
        opened = tab.goto(f"http://rebound.example:{server.port}/")
        assert opened is not None
        assert opened.status == 403
        found = tab.evaluate(
            """() => Promise.all(['api/health', 'api/chats', 'v1/models'].map(async (path) => {
              const answer = await fetch('/' + path);
              return [answer.status, await answer.text()];
            }))"""
        )
        assert {status for status, _ in found} == {403}
        assert all("under its own address" in text for _, text in found)
    finally:
        rebound.close()


@pytest.fixture(scope="module")
def marked_up(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose posts, dialogs and samples hold markup."""
    folder = tmp_path_factory.mktemp("marked")
    post = next((DEMO / "posts").glob("*.md")).read_text(encoding="utf-8")
    (folder / "post.md").write_text(f"{post}\n\n{SENTENCE}\n", encoding="utf-8")
    question = f"what is {EVIL} there?"
    (folder / "dms.txt").write_text(
        "\n\n".join(f"them: {question}\nme: {SENTENCE} {n}" for n in range(12)), encoding="utf-8"
    )
    path = folder / "wilma"
    assert main(["init", str(path)]) == 0
    for source in ("post.md", "dms.txt"):
        assert main(["add", str(folder / source), "-w", str(path)]) == 0
    assert main(["train", "--steps", "3", "--no-plots", "-w", str(path), "--name", "tiny"]) == 0
    workspace = Workspace(path)
    run = Run.open(workspace, "tiny")
    assert question in run.config().starters
    *_, last = run.records("samples.jsonl")
    run.append("samples.jsonl", {**last, "text": SENTENCE})
    return workspace


def test_markup_in_the_corpus_is_only_ever_text(chromium: Browser, marked_up: Workspace) -> None:
    """As a question to begin with, as the passage that a reply was copied from, as a sample."""
    running = start_server(marked_up.path)
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.add_init_script("window.pwned = () => (window.wasPwned = true)")
        page.goto(running.url)
        starter = page.locator(".starters button").first
        expect(starter).to_have_text(f"what is {EVIL} there?")
        starter.click()
        finished(page)
        chat = int(page.url.rsplit("/", 1)[1])
        with ChatStore(marked_up.chats_path) as store:
            store.add_variant(chat, 1, SENTENCE, store.open(chat)[1].variants[0].origin)
        page.reload()
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why .passage").first).to_contain_text(EVIL, timeout=SOON)
        assert replies(page)[-1] == SENTENCE
        say(page, SENTENCE)
        finished(page)
        unharmed(page)
        page.goto(running.url + "#/training")
        expect(page.get_by_text("<script>pwned()</script>").first).to_be_visible(timeout=SOON)
        unharmed(page)
    finally:
        context.close()
        stop_server(running)


def unharmed(page: Page) -> None:
    """Nothing in the page came from a text."""
    assert page.evaluate("window.wasPwned") is None
    assert page.locator("img[src=x]").count() == 0
