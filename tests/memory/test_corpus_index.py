"""The memory of a run: made from the dialogs of today, whatever they are and whatever became of
its files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from inkling.config import Selection
from inkling.corpus.document import Conversation, Message
from inkling.corpus.store import CorpusStore
from inkling.memory.corpus_index import run_memory
from inkling.memory.files import HEADER
from inkling.memory.lookup import nearest
from inkling.runs import Run
from inkling.workflows.review import drop, keep
from inkling.workspace import Workspace
from tests.voices import random_run

Turns = list[tuple[str, str]]


def dialog(turns: Turns) -> Conversation:
    return Conversation(
        messages=tuple(Message(author_id=who, is_me=who == "me", text=text) for who, text in turns),
        raw_ref="talks.txt",
    )


def made(tmp_path: Path, *dialogs: Turns) -> tuple[Workspace, Run]:
    """A workspace with these dialogs, and a run."""
    workspace = Workspace.create(tmp_path / "w")
    with CorpusStore(workspace.corpus_path) as store:
        store.add("talks", "text", [dialog(turns) for turns in dialogs])
    return workspace, random_run(workspace)


def replies(workspace: Workspace, run: Run, message: str) -> list[str]:
    index = run_memory(workspace, run)
    return [] if index is None else [n.record.reply for n in nearest(index, message)]


@pytest.mark.parametrize(
    "dialogs",
    [
        (),
        ([("me", "i only talk to myself"), ("me", "and again")],),
        ([("ada", "are you there?"), ("ada", "hello?")],),
        ([("me", "soup?")], [("ada", "always")]),
    ],
)
def test_where_nothing_was_answered_there_is_no_memory(
    tmp_path: Path, dialogs: tuple[Turns, ...]
) -> None:
    """No dialogs, or none with a question and a reply: None, not an error."""
    assert run_memory(*made(tmp_path, *dialogs)) is None


def test_one_exchange_is_a_memory(tmp_path: Path) -> None:
    """It is found by its words, and only by them."""
    workspace, run = made(tmp_path, [("ada", "is there soup?"), ("me", "always")])
    assert replies(workspace, run, "soup") == ["always"]
    assert replies(workspace, run, "zzz") == []


def test_the_same_reply_to_everything_is_offered_once(tmp_path: Path) -> None:
    """Fifty questions with one reply: one neighbour, with all the weight."""
    talks: list[Turns] = [[("ada", f"is there soup number {n}?"), ("me", "ok")] for n in range(50)]
    workspace, run = made(tmp_path, *talks)
    index = run_memory(workspace, run)
    assert index is not None
    (only,) = nearest(index, "is there soup number 7?")
    assert (only.record.reply, only.weight) == ("ok", 1)


@pytest.mark.parametrize("damage", ["deleted", "cut", "another version", "no header"])
def test_a_damaged_index_is_made_again(tmp_path: Path, damage: str) -> None:
    """The same answers as before, and the files are whole again."""
    workspace, run = made(tmp_path, [("ada", "is there soup?"), ("me", "always")])
    assert replies(workspace, run, "soup") == ["always"]
    folder, header = run.memory_path, run.memory_path / HEADER
    whole = header.read_text()
    if damage == "deleted":
        shutil.rmtree(folder)
    elif damage == "cut":
        records = folder / "records.jsonl"
        records.write_bytes(records.read_bytes()[:-4])
    elif damage == "another version":
        header.write_text(json.dumps({**json.loads(whole), "version": 99}))
    else:
        header.write_text("{")
    assert replies(workspace, run, "soup") == ["always"]
    assert header.read_text() == whole


def test_what_is_added_or_forgotten_counts_at_once(tmp_path: Path) -> None:
    """The index is of the corpus as it is, and nothing that was taken out stays in its files."""
    asked, secret = "where did he hide it?", "under the zylophant"
    workspace, run = made(tmp_path, [("ada", "is there soup?"), ("me", "always")])
    assert secret not in replies(workspace, run, asked)
    told = dialog([("ada", asked), ("me", secret)])
    with CorpusStore(workspace.corpus_path) as store:
        store.add("more", "text", [told])
    assert replies(workspace, run, asked)[0] == secret
    with CorpusStore(workspace.corpus_path) as store:
        store.remove("more", told.content_hash)
    assert secret not in replies(workspace, run, asked)
    assert not any(b"zylophant" in path.read_bytes() for path in run.memory_path.iterdir())


def test_what_is_masked_is_looked_up_masked(tmp_path: Path) -> None:
    """No file of the index holds it; a decision counts at the next look."""
    mail = "zylophant@example.com"
    workspace, run = made(tmp_path, [("ada", "what is your address?"), ("me", f"it is {mail}")])
    assert replies(workspace, run, "address") == ["it is [mail]"]
    assert not any(b"zylophant" in path.read_bytes() for path in run.memory_path.iterdir())
    keep(workspace, mail)
    assert replies(workspace, run, "address") == [f"it is {mail}"]
    drop(workspace, mail)
    assert replies(workspace, run, "address") == ["it is [mail]"]
    drop(workspace, "ada")
    assert replies(workspace, run, "address") == []


def test_a_run_looks_up_what_it_was_allowed_to_learn(tmp_path: Path) -> None:
    """Another one, of all the text, finds the rest."""
    workspace, run = made(tmp_path, [("ada", "is there soup?"), ("me", "always")])
    with CorpusStore(workspace.corpus_path) as store:
        store.add("/old/phone", "text", [dialog([("bo", "is there soup now?"), ("me", "never")])])
    assert set(replies(workspace, run, "soup")) == {"always", "never"}
    without = Selection(without_sources=("phone",))
    run.write_config(run.config().model_copy(update={"selection": without}))
    assert replies(workspace, run, "soup") == ["always"]
    with CorpusStore(workspace.corpus_path) as store:
        (gone,) = [c for c in store.conversations() if c.source == "/old/phone"]
        store.remove("/old/phone", gone.content_hash)
        with store.change() as db:
            db.execute("DELETE FROM person")
            db.execute("DELETE FROM import_log WHERE source_id = 2")
            db.execute("DELETE FROM source WHERE source = '/old/phone'")
    assert replies(workspace, run, "soup") == ["always"]
