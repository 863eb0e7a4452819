"""The page while a model comes to be: nothing, gibberish, a voice; a crash; a text forgotten."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from inkling.cli.main import main
from inkling.workspace import Workspace
from tests.browser.test_chat_page import finished, replies, say
from tests.browser.test_kept_chats_page import chat_of, stored
from tests.server.conftest import PATIENCE, Server, once, start_server, stop_server

pytestmark = pytest.mark.browser

SOON = 120_000


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A page in which nothing may go wrong."""
    context = chromium.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def begin(server: Server, **training: Any) -> str:
    answer = httpx.post(server.url + "api/runs", json=training, timeout=60)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run"])


@contextmanager
def before_it_saves(lab: Workspace, server: Server) -> Iterator[None]:
    """What is being trained stands still meanwhile."""
    while (pid := lab.training_process()) is None:
        httpx.get(f"{server.url}api/runs", timeout=PATIENCE)  # it has not begun yet
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
def test_gibberish_is_seen_becoming_a_voice(tab: Page, lab: Workspace) -> None:
    """From no model at all: the page learns of each by itself. Checkpoints answer one question,
    the chat talks to the newest and moves to the fine-tuned one, never reloaded."""
    shutil.rmtree(lab.runs_path)
    server = start_server(lab.path)
    other = tab.context.new_page()
    try:
        tab.goto(server.url + "#/chat")
        expect(tab.locator(".note")).to_contain_text("no model to chat with yet")
        other.goto(server.url + "#/inside")
        expect(other.get_by_text("There is no model to look into yet.")).to_be_visible()
        run = begin(server, steps=150)
        with before_it_saves(lab, server):
            expect(other.get_by_text("Your first model is being trained.")).to_be_visible()
        other.goto(server.url + "#/training")
        field = tab.get_by_label("Message", exact=True)
        field.wait_for(timeout=SOON)  # the first checkpoint
        say(tab, "do you have pets?")
        finished(tab)

        expect(other.locator(".status")).to_contain_text(f"{run} is done", timeout=SOON)
        expect(tab.locator(".swap").last).to_contain_text("newer checkpoint", timeout=SOON)
        say(tab, "do you have pets?")
        finished(tab)
        kept = stored(server, chat_of(tab))
        first, last = kept[1]["variants"][0], kept[3]["variants"][0]
        best = httpx.get(server.url + "api/runs", timeout=PATIENCE).json()["runs"][0]["best"]
        assert first["step"] < last["step"]
        assert (last["run"], last["step"]) == (run, best["finetune"]["step"])
        assert replies(tab)[-1] == last["text"]
        tab.get_by_role("button", name="New chat").click()
        expect(tab.locator(".bubble.opening")).to_be_visible()  # a greeting in the voice

        # The other page was never touched: what each checkpoint said has come by itself.
        metrics = httpx.get(f"{server.url}api/runs/{run}/metrics", timeout=PATIENCE).json()
        samples, steps = metrics["samples"], {(s["phase"], s["step"]) for s in metrics["samples"]}
        question = next(s["prompt"] for s in samples if s["asked"])
        assert {(s["phase"], s["step"]) for s in samples if s["prompt"] == question} == steps
        assert {phase for phase, _ in steps} == {"train", "finetune"}
        other.get_by_role("button", name=f"Show all {len(steps)} checkpoints").click()
        expect(other.locator(".asked", has_text=question)).to_have_count(len(steps))
        expect(other.locator("ol li")).to_have_count(len(steps))
    finally:
        other.close()
        stop_server(server)


def test_a_training_that_crashes_under_an_open_page(tab: Page, lab: Workspace) -> None:
    """It says so and what to do; one press and it goes on."""
    server = start_server(lab.path)
    try:
        tab.goto(server.url + "#/training")
        run = begin(server, recipe="bigram", steps=1_000_000)
        expect(tab.locator(".status")).to_contain_text(re.compile(r"step [\d,]+ of"), timeout=SOON)
        pid = lab.training_process()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        alert = tab.get_by_role("alert")
        expect(alert).to_contain_text(f"{run} failed", timeout=SOON)
        expect(alert).to_contain_text("What it had saved is kept")
        expect(tab.locator("select option:checked")).to_contain_text("(failed)")
        tab.get_by_role("button", name="Resume").click()
        expect(tab.locator(".status")).to_contain_text(re.compile(r"step [\d,]+ of"), timeout=SOON)
        expect(alert).to_have_count(0)
    finally:
        stop_server(server)


def test_one_connection_however_often_another_run_is_chosen(tab: Page, lab: Workspace) -> None:
    """A browser opens six to a server: what listens to a run ends when another is shown."""
    tab.add_init_script(
        """window.sources = [];
        window.EventSource = class extends EventSource {
          constructor(...given) { super(...given); window.sources.push(this); }
        };"""
    )
    opened = "sources.filter((source) => source.readyState !== EventSource.CLOSED).length"
    server = start_server(lab.path)
    try:
        run = begin(server, recipe="bigram", steps=1_000_000, finetune=False)
        tab.goto(server.url + "#/training")
        status = tab.locator(".status")
        expect(status).to_contain_text(re.compile(r"step [\d,]+ of"), timeout=SOON)
        choice = tab.locator("select").first
        other = next(name for name in lab.run_names() if name != run)
        for _ in range(4):
            choice.select_option(other)
            expect(tab.locator("[data-key=step]")).to_have_text(re.compile(r"\d"), timeout=SOON)
            choice.select_option(run)
            once(lambda: tab.evaluate(opened) == 1)
        tab.goto(server.url + "#/chat")
        once(lambda: tab.evaluate(opened) == 0)
        httpx.post(f"{server.url}api/runs/{run}/stop", timeout=60)
    finally:
        stop_server(server)


def test_inside_follows_a_training_from_before_its_first_checkpoint(
    tab: Page, lab: Workspace
) -> None:
    """Until it has one another run is shown, and said so; then each checkpoint as it is saved."""
    server = start_server(lab.path)
    try:
        run = begin(server, recipe="bigram", steps=6_000, finetune=False)
        with before_it_saves(lab, server):
            tab.goto(f"{server.url}#/inside/next?run={run}")
            note = tab.get_by_text(f"The run {run} is being trained and has no checkpoint yet.")
            expect(note).to_be_visible(timeout=SOON)
            tab.get_by_label("follow the training").check()
        expect(tab.locator(".which select")).to_have_value(run, timeout=SOON)
        expect(note).to_have_count(0)
        checkpoint = tab.get_by_label("Checkpoint")
        first = checkpoint.get_attribute("aria-valuetext")
        expect(checkpoint).not_to_have_attribute("aria-valuetext", str(first), timeout=SOON)
    finally:
        stop_server(server)


def test_a_listener_that_comes_back_is_sent_nothing_twice(tab: Page, lab: Workspace) -> None:
    """Server gone and back: the page goes on from the step it saw last, without a gap."""
    server = start_server(lab.path)
    try:
        run = begin(server, recipe="bigram", steps=100_000, finetune=False)
        tab.goto(server.url + "#/training")
        expect(tab.locator("[data-key=step]")).to_have_text(re.compile(r"\d"), timeout=SOON)
        stop_server(server)
        expect(tab.get_by_role("alert")).to_contain_text("not responding", timeout=SOON)
        with tab.expect_response(re.compile(r"/events\?since="), timeout=SOON):
            server = start_server(lab.path, "--port", str(server.port))
        httpx.post(f"{server.url}api/runs/{run}/stop", timeout=60)
        expect(tab.locator(".status")).to_contain_text("was stopped", timeout=SOON)
        metrics = httpx.get(f"{server.url}api/runs/{run}/metrics", timeout=PATIENCE).json()
        rows = metrics["evaluations"]["step"]
        tab.get_by_role("button", name="View as table").click()
        expect(tab.locator("tbody tr")).to_have_count(len(rows))
    finally:
        stop_server(server)


def test_a_stale_run_says_so(tab: Page, lab: Workspace) -> None:
    """Text that it was trained on was forgotten: one line where it is shown and where it talks."""
    server = start_server(lab.path)
    try:
        tab.goto(server.url + "#/training")
        tab.locator(".readout").wait_for(timeout=SOON)
        expect(tab.locator(".stale")).to_have_count(0)
        forget = ["corpus", "forget", "--match", "Okafor", "--yes", "-w", str(lab.path)]
        assert main(forget) == 0
        line = "tiny was trained on text that has since been forgotten"
        expect(tab.locator(".stale")).to_contain_text(line, timeout=SOON)
        tab.goto(server.url + "#/chat")
        expect(tab.get_by_role("status").filter(has_text=line)).to_be_visible(timeout=SOON)
    finally:
        stop_server(server)


def test_a_list_that_is_fetched_again_closes_no_question(tab: Page, lab: Workspace) -> None:
    """The rows are new each time, the run is the same: a pinned point stays too."""
    server = start_server(lab.path)
    try:
        tab.goto(server.url + "#/training")
        tab.locator(".readout").wait_for(timeout=SOON)
        tab.get_by_role("slider").focus()
        tab.keyboard.press("Home")
        tab.keyboard.press("Enter")
        expect(tab.get_by_text("Pinned.")).to_be_visible()
        tab.get_by_role("button", name="Delete").click()
        with tab.expect_response(lambda answer: answer.url.endswith("/api/runs")):
            tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(tab.get_by_text("Delete tiny for good?")).to_be_visible()
        expect(tab.get_by_text("Pinned.")).to_be_visible()
        tab.get_by_role("button", name="Delete").click()
        expect(tab.get_by_text("Nothing has been trained here yet.")).to_be_visible()
        assert lab.run_names() == []
    finally:
        stop_server(server)


DRAWN = """
  window.drawn = [];
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
    window.drawn.push({ text, x, y });
    return write.call(this, text, x, y, ...rest);
  };
"""


def test_the_curve_names_its_phases_its_best_and_guessing(tab: Page, server: Server) -> None:
    """Bands, markers and the line of guessing, as drawn; without fine-tuning its band goes."""
    listed = httpx.get(server.url + "api/runs", timeout=PATIENCE).json()["runs"]
    row = next(each for each in listed if each["name"] == "tiny")
    tab.add_init_script(DRAWN)
    tab.goto(server.url + "#/training")
    tab.locator(".readout").wait_for(timeout=SOON)
    texts = {label["text"]: label for label in tab.evaluate("drawn")}
    assert f"uniform guess: {row['ln_v']:.2f}" in texts
    assert texts["training"]["x"] < texts["fine-tuning"]["x"]
    named = [text for text in texts if re.search(r"\b(best|kept)$", text)]
    assert named
    assert any(text.startswith("held-out") for text in texts)
    assert any(text.startswith("train") for text in texts)
    tab.evaluate("drawn.length = 0")
    tab.get_by_label("fine-tuning").uncheck()
    # A drawing that was under way may still have come; the last one is without.
    tab.wait_for_function(
        """() => {
          const texts = drawn.map((label) => label.text);
          const last = texts.lastIndexOf('training');
          return last >= 0 && !texts.slice(last).includes('fine-tuning');
        }"""
    )


SOONER = """
  const patience = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (milliseconds) => patience(milliseconds / 10);
"""


def test_an_answer_that_never_comes_is_asked_for_again(tab: Page, server: Server) -> None:
    """One request for the runs hangs: the page says so after a while and goes on by itself."""
    hanging: list[Route] = []

    def hold_once(route: Route) -> None:
        if hanging:
            route.continue_()
        else:
            hanging.append(route)

    tab.add_init_script(SOONER)
    tab.goto(server.url + "#/training")
    shown = tab.locator(".which select option:checked")
    expect(shown).to_have_text("tiny", timeout=SOON)
    with tab.expect_request(lambda request: request.url.endswith("/api/runs")):
        tab.route("**/api/runs", hold_once)
        tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    row = server.url + "api/runs/tiny"
    assert httpx.patch(row, json={"title": "renamed"}, timeout=PATIENCE).is_success
    try:
        expect(tab.get_by_role("alert")).to_contain_text("not responding")
        expect(shown).to_have_text("renamed (tiny)")
        expect(tab.get_by_role("alert")).to_have_count(0)
        assert len(hanging) == 1
    finally:
        httpx.patch(row, json={"title": ""}, timeout=PATIENCE)
