"""Control characters of titles, names, texts and chats are shown, never sent to the terminal; links
out of a folder are told."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.workspace import Workspace
from tests.conftest import Result
from tests.voices import random_run

BAD = "\x1b]0;renamed\x07 \x1b[2J \x9b31m \u202egnp"
RAW = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def poisoned(tmp_path: Path, inkling: Callable[..., Result]) -> Workspace:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / f"{BAD.replace('/', '')}.md").write_text(
        f'---\ntitle: "a title {BAD[:-6].encode("unicode_escape").decode()}"\n---\n'
        + "A text of some length about pianos.\n" * 40
    )
    (folder / "dialogs.jsonl").write_text(
        json.dumps({"messages": [{"role": "user", "content": f"hi {BAD}"},
                                 {"role": "assistant", "content": f"yo {BAD}"}]}) + "\n"
    )  # fmt: skip
    (folder / f"no{BAD.replace('/', '')}.bin").write_bytes(b"\0\1")
    workspace = tmp_path / "w"
    assert inkling("init", workspace).status == 0
    assert not RAW.search((result := inkling("add", folder, "-w", workspace)).out + result.err)
    assert result.status == 0
    named = workspace / "inkling.toml"
    named.write_text(named.read_text().replace('"w"', json.dumps(BAD)))
    random_run(Workspace(workspace))
    return Workspace(workspace)


def test_no_escape_sequence_reaches_the_terminal(
    poisoned: Workspace, inkling: Callable[..., Result]
) -> None:
    """Of any command that prints what is in a workspace, its sentences about failures included."""
    shown = ""
    for command in (
        ("corpus",), ("corpus", "show"), ("corpus", "show", "--json"), ("corpus", "--json"),
        ("corpus", "stats"), ("corpus", "review"), ("corpus", "who"), ("doctor",), ("runs",),
        ("corpus", "review", "--drop", f"x{BAD}"), ("corpus", "forget", "--document", f"n{BAD}"),
        ("corpus", "forget", "--match", f"pianos {BAD}", "--yes"), ("runs", f"r{BAD}"),
        ("export", "page", "--yes", "--to", poisoned.path / BAD.replace("/", "")),
        ("import-model", BAD), ("add", f"{BAD}.txt"), ("corpus", "forget", "--source", BAD),
        ("plot", "--run", BAD),
    ):  # fmt: skip
        result = inkling(*command, "-w", poisoned.path)
        text = result.out + result.err
        assert not RAW.search(text), (command, RAW.search(text))
        if "--json" in command:
            json.loads(result.out)
        shown += text
    assert "␛" in shown


def test_a_link_out_of_the_folder_is_told(tmp_path: Path, inkling: Callable[..., Result]) -> None:
    """Of a file and of a folder; one that stays inside is nothing to tell."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / f"{folder.name}.md").write_text(f"A text of {folder.name} about pianos.\n" * 40)
    (tmp_path / "single.md").write_text("A single text about something else.\n" * 40)
    os.symlink(outside, inside / "linked")
    os.symlink(tmp_path / "single.md", inside / "linked.md")
    os.symlink(inside / "in.md", inside / "same.md")
    inkling("init", tmp_path / "w")
    result = inkling("add", inside, "-w", tmp_path / "w")
    assert result.status == 0
    assert "read through a link that leads out of the folder" in result.out
    assert "and 1 more" in result.out
