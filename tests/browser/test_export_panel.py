"""The Export panel in a real browser: what a run can become, what speaks against it, writing it,
taking it away."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Download, Locator, Page, expect

from inkling.run_files import EXPORT_MARK
from inkling.workspace import Workspace
from tests.browser.test_chat_page import AXE
from tests.server.conftest import PATIENCE, Server, start_server, stop_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def exporting(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    copy = tmp_path_factory.mktemp("exporting") / "wilma"
    shutil.copytree(trained.path, copy)
    running = start_server(copy)
    yield running
    stop_server(running)


@pytest.fixture
def panel(chromium: Browser, exporting: Server) -> Iterator[Locator]:
    """The panel of the one run, opened by keyboard."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(exporting.url + "#/training")
    panel = page.locator("details.export")
    panel.locator("summary").focus()
    page.keyboard.press("Enter")
    panel.get_by_label("For").wait_for()
    yield panel
    context.close()
    assert problems == []


def written(panel: Locator, kind: str) -> tuple[Download, bytes]:
    """Export what is chosen and take it away."""
    panel.get_by_role("button", name="Export all the same").click()
    link = panel.get_by_role("link", name="Download it")
    address = f"./api/exports/tiny/{kind}"
    expect(link).to_have_attribute("href", address, timeout=PATIENCE * 1000)
    expect(panel.get_by_role("status")).to_contain_text("Written to")
    with panel.page.expect_download() as started:
        link.click()
    return started.value, Path(started.value.path()).read_bytes()


def test_each_form_is_written_and_downloaded(panel: Locator, exporting: Server) -> None:
    """The folders as zips with the files that engines load, the page as itself; the sizes that the
    panel told before are about those that came."""
    choices = panel.get_by_label("For").locator("option")
    offer = httpx.get(f"{exporting.url}api/exports", timeout=PATIENCE).json()
    assert choices.count() == len(offer["choices"]) == 7
    for place, each in enumerate(offer["choices"]):
        kind = each["kind"]
        if kind == "gguf" and each["gguf_type"] != "q8_0":
            continue
        panel.get_by_label("For").select_option(str(place))
        download, content = written(panel, kind)
        if kind == "page":
            marked = "-with-memory" if each["memory"] else ""
            assert download.suggested_filename == f"small-model-of-wilma{marked}.html"
            assert content.startswith(b"<!doctype html>")
            assert (b'"dialogs":null' in content) == (not each["memory"])
            assert len(content) == pytest.approx(each["size"], rel=0.25)
            continue
        assert download.suggested_filename == f"tiny-{kind}.zip"
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = {name.removeprefix(f"tiny-{kind}/") for name in packed.namelist()}
            mark = json.loads(packed.read(f"tiny-{kind}/{EXPORT_MARK}"))
        assert mark["kind"] == kind
        assert {"README.md", EXPORT_MARK} < names
        wanted = {"tiny-q8_0.gguf", "Modelfile"} if kind == "gguf" else {"model.safetensors"}
        assert wanted < names


def test_what_a_page_gives_away_is_said_with_it_alone(panel: Locator, exporting: Server) -> None:
    """The memory's sentence stands where the memory goes along; the other warnings always. An
    export that is there is offered where it is of that kind."""
    offer = httpx.get(f"{exporting.url}api/exports", timeout=PATIENCE).json()
    said = {each["memory"]: each["warnings"] for each in offer["choices"] if each["kind"] == "page"}
    assert said[False] == []
    (sentence,) = said[True]
    choose = panel.get_by_label("For")
    expect(panel.locator(".problem")).to_have_text([*offer["warnings"], sentence])
    expect(panel).not_to_contain_text("The memory stays here")
    choose.select_option(label=choose.locator("option").nth(1).inner_text())
    expect(panel.locator(".problem")).to_have_text(offer["warnings"])
    expect(panel).to_contain_text("what it was trained on. The memory stays here.")
    written(panel, "page")
    choose.select_option(index=0)
    expect(panel.get_by_role("link", name="Download it")).to_have_count(0)
    choose.select_option(index=1)
    expect(panel.get_by_role("status")).to_contain_text("There is one in")


def test_a_gguf_of_another_type_is_not_offered_as_the_chosen_one(
    panel: Locator, exporting: Server
) -> None:
    """Written from here, only its own type offers it; found there, its type is unknown, and it is
    offered by its name."""
    offer = httpx.get(f"{exporting.url}api/exports", timeout=PATIENCE).json()
    types = [each["gguf_type"] if each["kind"] == "gguf" else None for each in offer["choices"]]
    choose = panel.get_by_label("For")
    choose.select_option(index=types.index("f32"))
    written(panel, "gguf")
    link = panel.get_by_role("link", name="Download")
    choose.select_option(index=types.index("q8_0"))
    expect(link).to_have_count(0)
    choose.select_option(index=types.index("f32"))
    expect(panel.get_by_role("status")).to_contain_text("There is one in")
    page = panel.page
    page.reload()
    panel.locator("summary").click()
    choose.select_option(index=types.index("q8_0"))
    expect(panel.get_by_role("status")).to_contain_text("perhaps of another type")
    expect(link).to_have_text(re.compile(r"^Download tiny-gguf\.zip \("))


def test_choices_differ_where_a_phone_still_shows_them(panel: Locator) -> None:
    """Their first dozen characters tell each from the others."""
    texts = panel.get_by_label("For").locator("option").all_inner_texts()
    assert len({text[:12] for text in texts}) == len(texts)


def test_what_was_chosen_stays_while_the_page_looks_at_the_runs(panel: Locator) -> None:
    """It does so every few seconds."""
    choose = panel.get_by_label("For")
    choose.select_option(index=5)
    for _ in range(2):
        with panel.page.expect_response("**/api/runs"):
            pass
    expect(choose).to_have_value("5")
    expect(choose).to_be_enabled()


def test_a_refusal_is_told(panel: Locator) -> None:
    """A server that cannot write says why, and the panel goes on."""
    page = panel.page
    page.route(
        "**/api/exports",
        lambda route: (
            route.fulfill(status=409, json={"error": "There is no room left."})
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    panel.get_by_role("button", name="Export all the same").click()
    expect(panel.get_by_role("alert")).to_have_text("There is no room left.")
    page.unroute("**/api/exports")
    written(panel, "page")
    expect(panel.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_accessibility_faults_on_a_phone(panel: Locator, theme: str) -> None:
    page: Page = panel.page
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 375, "height": 740})
    page.evaluate(AXE.read_text())
    found = page.evaluate(
        "axe.run('details.export', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']})"
    )
    assert [v["id"] + ": " + v["nodes"][0]["html"] for v in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
