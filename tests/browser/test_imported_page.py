"""A model that was imported: it has no losses to show, and it can be talked to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from inkling.run_files import EXPORT_MARK
from inkling.workflows.export import import_model, plan_export
from inkling.workspace import Workspace
from tests.browser.conftest import field
from tests.browser.test_chat_page import finished, say
from tests.server.conftest import Server, start_server, stop_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def importing(
    voices: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """Two servers: of a model that Inkling exported, and of one that comes from elsewhere."""
    folder = tmp_path_factory.mktemp("importing")
    ours = plan_export(voices, "hf", run="first", to=folder / "hf").write()
    foreign = folder / "foreign"
    shutil.copytree(ours, foreign)
    (foreign / EXPORT_MARK).unlink()
    servers = {}
    for name, source in (("ours", ours), ("foreign", foreign)):
        workspace = Workspace.create(folder / name)
        import_model(workspace, source)
        servers[name] = start_server(workspace.path)
    yield servers
    for server in servers.values():
        stop_server(server)


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_an_imported_run_has_no_curve_and_says_so(
    tab: Page, importing: dict[str, Server], whose: str
) -> None:
    """One line instead of an empty chart and a list without samples; it can be exported again."""
    tab.goto(importing[whose].url + "#/training")
    expect(tab.get_by_text("This run was imported")).to_contain_text("there is no curve")
    expect(tab.locator("details.export")).to_be_visible()
    expect(tab.get_by_role("link", name="Talk to it")).to_be_visible()
    expect(tab.get_by_role("region", name="Loss curve")).to_have_count(0)
    expect(tab.get_by_text("The same prompts at each checkpoint")).to_have_count(0)


def test_a_model_from_elsewhere_is_talked_to(tab: Page, importing: dict[str, Server]) -> None:
    """Nothing is known of its loss: it is chosen all the same, and nobody says that it is gone."""
    tab.goto(importing["foreign"].url + "#/chat")
    field(tab).wait_for()
    expect(tab.get_by_label("Replies come from")).to_have_value("imported-1")
    say(tab, "who are you?")
    finished(tab)
    expect(tab.get_by_text("no longer there")).to_have_count(0)
    expect(tab.locator(".origin").last).to_have_text("imported-1, step 1")
