"""What an exported page carries, what it may do, and what is said before it is written."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import inkling
from inkling.errors import ExportError
from inkling.exports.folder import read_mark
from inkling.exports.page_file import engine_source, page_html
from inkling.exports.page_memory import PageMemory, page_memory
from inkling.exports.quantised import quantise
from inkling.memory.corpus_index import run_dialogs
from inkling.memory.records import exchanges
from inkling.runs import Run
from inkling.workflows.export import import_model, plan_export
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]
UI = Path(inkling.__file__).parents[2] / "ui"


@pytest.fixture(scope="module")
def page(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = plan_export(trained, "page", to=tmp_path_factory.mktemp("page") / "out").write()
    return (folder / "small-model-of-wilma.html").read_text(encoding="utf-8")


def carried(page: str, name: str) -> str:
    found = re.search(rf'<script type="[^"]+" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def test_it_may_run_itself_and_reach_nothing(page: str) -> None:
    """The policy knows its style and its one script by their hashes, and allows no connection;
    no address is anywhere in the page."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found
    policy = dict(part.split(" ", 1) for part in html.unescape(found[1]).split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for directive, (content,) in (("script-src", scripts), ("style-src", styles)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["worker-src"] == "blob:"
    assert "connect-src" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"\s(?:src|href)=(?!\"data:)", page)


def test_the_memory_is_the_runs_and_nothing_more(trained: Workspace, page: str) -> None:
    """The same exchanges in the same order; turns that belong to none stay at home."""
    run = Run.choose(trained, None)
    dialogs = list(run_dialogs(trained, run))
    wanted = [record for turns in dialogs for record in exchanges(turns, "")]
    found = [
        record
        for turns in json.loads(carried(page, "model"))["dialogs"]
        for record in exchanges([(role, text) for role, text in turns], "")
    ]
    known = [(each.question, each.reply, each.before) for each in wanted]
    assert [(each.question, each.reply, each.before) for each in found] == known
    alone = [("me", "nobody asked"), ("me", "still nobody"), ("me", "hm"), ("me", "again")]
    talk = [*alone, ("them", "are you there"), ("me", "yes"), ("me", "x"), ("them", "y")]
    memory = PageMemory.of([talk, alone])
    assert memory is not None
    assert memory.dialogs == (tuple(talk[2:6]),)
    assert PageMemory.of([alone]) is None


def test_without_the_memory_nobodys_words_are_in_it(trained: Workspace, page: str) -> None:
    """Neither dialogs nor the questions that a chat may begin with."""
    planned = plan_export(trained, "page", to=Path("bare"), memory=False)
    bare = (planned.write() / planned.file_name).read_text(encoding="utf-8")
    memory = page_memory(trained, Run.choose(trained, None))
    assert memory is not None
    texts = [text for dialog in memory.dialogs for _, text in dialog if len(text) > 25]
    assert len(texts) > 50
    quoted = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts]
    assert all(text in page for text in quoted)
    assert not [text for text in quoted if text in bare]
    starters = Run.choose(trained, None).config().starters
    assert starters
    assert all(html.escape(starter, quote=False) in html.unescape(page) for starter in starters)
    assert not [starter for starter in starters if starter in html.unescape(bare)]
    assert json.loads(carried(bare, "page"))["sampling"]["memory"] == 0
    assert not read_mark(Path("bare")).memory  # type: ignore[union-attr]


def test_what_is_in_the_memory_is_said_first_and_last(trained: Workspace, inkling: Inkling) -> None:
    """With counts, before anything is written; in the card and the page too. Not without it."""
    memory = page_memory(trained, Run.choose(trained, None))
    assert memory is not None
    count, own = f"{memory.exchanges:,} exchanges", f"{memory.characters('me'):,} characters"
    options = ("page", "-w", trained.path, "--to", "out")
    refused = inkling("export", *options)
    assert refused.status == 2
    for said in (count, own, "word for word", "--no-memory", "inkling eval --run tiny"):
        assert said in refused.err
    assert not Path("out").exists()
    done = inkling("export", *options, "--yes")
    assert done.status == 0, done.err
    assert "small-model-of-wilma.html" in done.out
    assert count in done.out
    card = Path("out/README.md").read_text()
    assert count in card
    assert "does not travel" not in card
    assert count in Path("out/small-model-of-wilma.html").read_text()
    assert read_mark(Path("out")).memory  # type: ignore[union-attr]
    bare = inkling("export", *options, "--no-memory", "--yes", "--force", "--json")
    assert not any("memory" in warning for warning in json.loads(bare.out)["warnings"])
    assert "does not travel" in Path("out/README.md").read_text()


def test_a_workspace_that_replies_without_a_memory_gives_none_away(
    trained: Workspace, tmp_path: Path
) -> None:
    shutil.copytree(trained.path, tmp_path / "copy")
    with (tmp_path / "copy" / "inkling.toml").open("a") as file:
        file.write("\n[sampling]\nmemory = 0\n")
    assert plan_export(Workspace(tmp_path / "copy"), "page").memory is None


def test_a_page_does_not_come_back(trained: Workspace, tmp_path: Path) -> None:
    plan_export(trained, "page", to=Path("out"), memory=False).write()
    with pytest.raises(ExportError, match="pages do not come back"):
        import_model(Workspace.create(tmp_path / "empty"), Path("out"))


def test_a_byte_a_weight_rounds_by_half_a_step() -> None:
    """Of the row's largest / 127; a row of zeros stays one, and norms are not rounded."""
    dice = np.random.default_rng(3)
    weight = dice.normal(size=(9, 40)).astype(np.float32) * np.logspace(-6, 6, 9)[:, None]
    weight = weight.astype(np.float32)
    weight[4] = 0
    norm = dice.normal(size=7).astype(np.float32)
    found = quantise({"a.weight": weight, "norm.weight": norm})
    assert found["a.weight"].dtype == np.int8
    assert found["norm.weight"] is norm
    scale = found["a.scale"][:, None]
    assert (np.abs(found["a.weight"] * scale - weight) <= 0.5001 * scale).all()
    assert not found["a.weight"][4].any()
    assert set(np.abs(found["a.weight"]).max(axis=1)) == {0, 127}


def test_no_text_ends_a_script(trained: Workspace) -> None:
    """A name and a message that are HTML are shown and run nowhere."""
    planned = plan_export(trained, "page", memory=False)
    evil = "</script><script>alert(1)</script><!--"
    memory = PageMemory.of([[("them", evil), ("me", evil)]])
    model = planned.model
    named = model.__class__(**{**vars(model), "name": evil})
    found = page_html(named, None, memory)
    assert evil not in found
    assert found.count("</script>") == 5
    assert "<!--" not in found
    assert json.loads(carried(found, "model"))["dialogs"] == [[["them", evil], ["me", evil]]]


def test_its_colours_and_fonts_are_the_products(page: str) -> None:
    """Every token that both define, once."""
    product = dict(re.findall(r"(--[\w-]+): (.*);", (UI / "src/app.css").read_text()))
    own = dict(re.findall(r"(--[\w-]+): (.*);", page[: page.index("</style>")]))
    assert len(own) > 10
    assert {name: product[name] for name in own} == own


def test_the_engines_files_share_no_name() -> None:
    """They are joined to one script, where a second function of a name would silently win."""
    names = re.findall(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", engine_source(), re.M)
    assert len(names) > 60
    assert len(names) == len(set(names))
