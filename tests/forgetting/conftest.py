"""A trained workspace in which one text stands wherever a text can stand."""

from __future__ import annotations

import html
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inkling.cli.main import main
from inkling.forgetting.search_patterns import PatternSearch, SearchPatterns
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace
from tests.conftest import DEMO
from tests.sharing import made_once

CANARY = "zebulon quartermaine & sons of Österplatz"
"""Quotes, escapes and capitals have something to do on it; "quartermaine" becomes a token."""

QUESTION = "is it zebulon quartermaine?"


def _make(folder: Path) -> None:
    writing = folder / "writing"
    writing.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:3]:
        text = post.read_text()
        paragraphs = text.split("\n\n")
        paragraphs[3:3] = [f"That year {CANARY} had the shop, {number}." for number in range(9)]
        (writing / post.name).write_text("\n\n".join(paragraphs))
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:20]
    blocks += [f"them: {QUESTION}\nme: {CANARY}, number {number}" for number in range(6)]
    (writing / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", "w"]) == 0
    assert main(["add", "writing", "-w", "w"]) == 0
    small = ["--set", "model.n_layer=1", "--set", "model.n_embd=64"]
    assert main(["train", "--steps", "2", "--name", "old", "--no-plots", "--no-finetune", "-w", "w",
                 *small]) == 0  # fmt: skip
    _plant(folder / "w")


@pytest.fixture(scope="session")
def planted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace and the files it was made from, in one folder; to be copied."""
    return made_once(tmp_path_factory, "planted", _make)


@pytest.fixture
def planted(planted_once: Path, clean_folder: Path) -> Workspace:
    """A copy of it, below the test's folder, the chats' log not yet folded in."""
    shutil.copytree(planted_once / "w", clean_folder / "w")
    return Workspace(clean_folder / "w")


def _plant(workspace: Path) -> None:
    run = workspace / "runs" / "old"
    (run / "answers.md").write_text(f"Who was it?\n\n{CANARY.upper()}, i think\n")
    (run / "report.html").write_text(f"<p>{html.escape(CANARY)}</p>")
    (run / "report.json").write_text(json.dumps({"worst": f'a "b"\n{CANARY}'}))
    (run / "spans").mkdir()
    np.save(run / "spans" / "text.npy", np.frombuffer(f"x {CANARY}".encode(), np.uint8))
    notes = workspace / "notes"
    notes.mkdir()
    shutil.copy(run / "tokenizer.json", notes)
    np.savez_compressed(notes / "chats.npz", text=np.array([CANARY]))
    (notes / "other.txt").write_text("nothing of it is in here")
    db = sqlite3.connect(workspace / "chats.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    for statement in (
        "CREATE TABLE conversation (id INTEGER PRIMARY KEY, title TEXT)",
        "CREATE TABLE message (id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL "
        "REFERENCES conversation(id) ON DELETE CASCADE, text TEXT, provenance TEXT)",
        "CREATE TABLE edit (message INTEGER NOT NULL REFERENCES message(id), text TEXT)",
        "CREATE VIRTUAL TABLE message_text USING fts5(text, content='message', content_rowid='id')",
        "CREATE VIRTUAL TABLE note USING fts5(text)",
        "INSERT INTO conversation VALUES (1, 'A talk'), (2, 'About Zebulon Quartermaine & Sons Of "
        "ÖSTERPLATZ')",
        "INSERT INTO message VALUES (1, 1, 'soup is on', NULL), (3, 2, 'yes', NULL)",
        "INSERT INTO edit VALUES (1, 'soup was on'), (2, 'a better answer')",
        "INSERT INTO note VALUES ('buy stamps')",
    ):
        db.execute(statement)
    provenance = json.dumps([{"source": "a.md", "quote": CANARY}])
    db.execute("INSERT INTO message VALUES (2, 1, 'it was', ?)", (provenance,))
    db.execute("INSERT INTO note VALUES (?)", (CANARY,))
    db.execute("INSERT INTO message_text(message_text) VALUES ('rebuild')")
    db.close()


def holders(workspace: Workspace) -> set[str]:
    """Every file below the workspace with a byte of it: found without the scanner's walk."""
    found = set()
    search = PatternSearch(SearchPatterns.of([], asked=CANARY))
    for path in _files(workspace.path):
        data = path.read_bytes()
        plain = data.lower()
        forms = {CANARY, json.dumps(CANARY)[1:-1], html.escape(CANARY)}
        if any(f.lower().encode() in plain for f in forms) or search.holds(data):
            found.add(path.relative_to(workspace.path).as_posix())
        if b"quartermain" in plain or "österpl".encode() in plain or b"\xc3\x96sterpl" in plain:
            found.add(path.relative_to(workspace.path).as_posix())
        if path.suffix == ".bin" and "mask" not in path.name:
            tokenizer = Tokenizer.load(path.parent.parent / "tokenizer.json")
            kind = "<u2" if tokenizer.vocab_size <= 1 << 16 else "<u4"
            text = tokenizer.decode(np.frombuffer(data, kind).tolist()).lower()
            if CANARY.lower() in text or "quartermaine" in text:
                found.add(path.relative_to(workspace.path).as_posix())
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
