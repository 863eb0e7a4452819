"""Forgetting on disk: what still holds it is named, --purge leaves no byte of it, and a kill in
the middle is finished by the same command."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inkling.forgetting.scan import scan
from inkling.forgetting.search_patterns import PatternSearch, SearchPatterns
from inkling.runs import Run
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace
from tests.conftest import Result
from tests.forgetting.conftest import CANARY, QUESTION, holders

Inkling = Callable[..., Result]

MATCH = ("corpus", "forget", "--match", "Zebulon  QUARTERMAINE", "-w", "w", "--yes")


def test_without_purge_everything_that_holds_it_is_named(
    inkling: Inkling, planted: Workspace
) -> None:
    """The corpus forgets; runs are marked stale; every other file that holds it is listed."""
    held = holders(planted)
    assert {"corpus.db", "chats.db", "runs/old/data/train.bin", "runs/old/tokenizer.json",
            "runs/old/config.json", "runs/old/answers.md", "runs/old/spans/text.npy",
            "notes/tokenizer.json"} <= held  # fmt: skip
    told = inkling(*MATCH)
    assert told.status == 0, told.err
    for words in (
        "27 paragraphs of 3 documents", "12 messages", "Marked stale: old", "runs/old: a run",
        "packed data", "starter questions", "tokenizer.json", "answers.md", "report.html",
        "report.json", "spans/text.npy", "checkpoint", "notes/tokenizer.json", "notes/chats.npz",
        "chats.db: 3 rows", "writing/dms.txt", "--purge",
    ):  # fmt: skip
        assert words in told.out, words
    assert "other.txt" not in told.out
    assert holders(planted) == held - {"corpus.db"}
    assert not list(planted.path.glob("corpus.db-*"))


def test_purge_leaves_no_byte(inkling: Inkling, planted: Workspace) -> None:
    """In no file, page, log, index or packed id; what does not hold it stays."""
    result = inkling(*MATCH, "--purge", "--json")
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert holders(planted) == set()
    assert told["left"] == []
    assert told["corpus_clean"] is True
    assert {entry["path"] for entry in told["purged"]} == {
        "chats.db", "notes/chats.npz", "notes/tokenizer.json", "runs/old"
    }  # fmt: skip
    assert (planted.path / "notes" / "other.txt").exists()
    db = sqlite3.connect(planted.chats_path)
    assert db.execute("SELECT text FROM message").fetchall() == [("soup is on",)]
    assert db.execute("SELECT text FROM edit").fetchall() == [("soup was on",)]
    assert db.execute("SELECT text FROM note").fetchall() == [("buy stamps",)]
    assert db.execute(
        "SELECT count(*) FROM message_text WHERE message_text MATCH 'soup'"
    ).fetchone() == (1,)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    again = inkling(*MATCH, "--purge")
    assert again.status == 1
    assert "no file of this workspace" in again.err


def test_an_export_goes_with_its_run(inkling: Inkling, planted: Workspace) -> None:
    """Its weights are the run's: it is named, and deleted by a purge; another run's stays."""
    assert inkling("export", "hf", "--run", "old", "-w", "w", "--yes").status == 0
    folder = planted.exports_path / "old-hf"
    other = planted.exports_path / "other-hf"
    other.mkdir()
    (other / "inkling-export.json").write_text('{"run": {"name": "other"}}')
    told = inkling("corpus", "forget", "--match", CANARY, "-w", "w", "--yes")
    assert "exports/old-hf: an export for other engines, with the weights of old" in told.out
    assert "other-hf" not in told.out
    assert folder.is_dir()
    inkling("corpus", "forget", "--match", CANARY, "-w", "w", "--yes", "--purge")
    assert not folder.exists()
    assert other.is_dir()


def test_purge_later_finds_it_without_the_corpus(inkling: Inkling, planted: Workspace) -> None:
    """A forgetting without --purge can be followed by one with it, also of a short text."""
    assert inkling(*MATCH).status == 0
    short = inkling("corpus", "forget", "--match", "zebulon", "-w", "w", "--yes", "--purge")
    assert short.status == 0, short.err
    assert "is short" in short.out
    assert holders(planted) == set()


def test_a_new_training_is_clean(inkling: Inkling, planted: Workspace) -> None:
    """Neither its ids nor its tokenizer know it; the old run says that it is stale, once, and
    neither goes on training nor hands its weights on unmarked."""
    assert inkling(*MATCH).status == 0
    listed = inkling("runs", "-w", "w").out
    assert "stale" in listed
    assert json.loads(inkling("runs", "--json", "-w", "w").out)[0]["stale"] is True
    written = inkling("generate", "--max-tokens", "3", "-w", "w")
    assert written.err.count("has since been forgotten") == 1
    note = (planted.run_path("old") / "stale.json").read_text()
    (entry,) = json.loads(note)["forgotten"]
    assert (entry["what"], entry["documents"], entry["conversations"]) == ("match", 3, 6)
    assert "quarter" not in note
    tuned = inkling("finetune", "old", "--steps", "1", "-w", "w")
    assert tuned.status == 0, tuned.err
    assert Run(planted.run_path("old-tuned-1")).stale()
    run = Run(planted.run_path("old"))
    run.write_config(run.config().model_copy(update={"complete": False}))
    refused = inkling("train", "--resume", "--run", "old", "-w", "w")
    assert refused.status == 1
    assert "forgotten" in refused.err
    small = [part for s in ("n_layer=1", "n_embd=64") for part in ("--set", f"model.{s}")]
    trained = inkling(
        "train", "--steps", "1", "--name", "new", "--no-finetune", "--no-plots", "-w", "w", *small
    )
    assert trained.status == 0, trained.err
    assert not any(path.startswith("runs/new") for path in holders(planted))
    assert not Run(planted.run_path("new")).stale()
    assert (
        "forgotten" not in inkling("generate", "--max-tokens", "3", "--run", "new", "-w", "w").err
    )
    # A run tuned from it began as its weights, whatever its own data holds.
    purged = inkling(*MATCH, "--purge")
    assert "runs/old-tuned-1" in purged.out
    assert planted.run_names() == ["new"]
    assert holders(planted) == set()


@pytest.mark.parametrize("selector", ["--document", "--source"])
def test_other_selectors_purge_as_well(
    inkling: Inkling, planted: Workspace, planted_once: Path, selector: str
) -> None:
    """What only the forgotten document said is found everywhere; a whole source leaves nothing."""
    value = "dms.txt" if selector == "--document" else str(planted_once / "writing")
    result = inkling("corpus", "forget", selector, value, "-w", "w", "--yes", "--purge")
    assert result.status == 0, result.err
    assert planted.run_names() == []
    if selector == "--source":
        assert holders(planted) == set()
    assert QUESTION.encode() not in b"".join(p.read_bytes() for p in planted.path.glob("*.db*"))


def test_a_person_is_purged(inkling: Inkling, tmp_path: Path) -> None:
    """Files that quote the person's messages go; those that quote mine stay."""
    Path("chat.txt").write_text(
        "Ada: i will be at the lighthouse with the good binoculars\nWil: bring the flask and a "
        "blanket from the boat\nBo: and something to eat for all of us\n"
    )
    inkling("init", "w")
    inkling("add", "chat.txt", "--me", "Wil", "-w", "w")
    notes = Path("w/notes")
    notes.mkdir()
    (notes / "hers.md").write_text("> at the lighthouse with the good bino…")
    (notes / "mine.md").write_text("> bring the flask and a blanket from the boat")
    result = inkling("corpus", "forget", "--person", "ada", "-w", "w", "--yes", "--purge")
    assert result.status == 0, result.err
    assert [path.name for path in notes.iterdir()] == ["mine.md"]


def test_originals_and_settings_are_never_touched(inkling: Inkling) -> None:
    """Writing that lies inside the workspace, or beside it, is named and left alone."""
    inkling("init", "w")
    Path("w/mine").mkdir()
    Path("w/mine/a.txt").write_text("Words before.\n\nThe password is herring gull eleven.\n")
    Path("b.txt").write_text("Other words.\n\nThe password is herring gull eleven.\n")
    inkling("add", "w/mine", "b.txt", "-w", "w")
    Path("w/copy.txt").write_text("the password is herring gull eleven")
    result = inkling(
        "corpus", "forget", "--match", "herring gull eleven", "-w", "w", "--yes", "--purge"
    )
    assert result.status == 0, result.err
    assert Path("w/mine/a.txt").exists()
    assert Path("b.txt").exists()
    assert not Path("w/copy.txt").exists()
    assert "mine/a.txt: your own file" in result.out
    assert str(Path("b.txt").resolve()) in result.out


def test_a_running_training_is_not_forgotten_under(inkling: Inkling, planted: Workspace) -> None:
    """It is named, and nothing changes."""
    held = holders(planted)
    with planted.training_lock():
        refused = inkling(*MATCH, "--purge")
    assert refused.status == 1
    assert "Another training" in refused.err
    assert holders(planted) == held


def test_an_open_database_is_explained(inkling: Inkling, planted: Workspace) -> None:
    """A reader holds old pages in the log: one sentence, and the same command finishes later."""
    reader = sqlite3.connect(planted.chats_path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM message").fetchall()
    refused = inkling(*MATCH, "--purge")
    assert refused.status == 1
    assert "chats.db" in refused.err
    assert "run the same command again" in refused.err
    reader.close()
    assert inkling(*MATCH, "--purge").status == 0
    assert holders(planted) == set()


CHILD = """
import os, signal, sqlite3, sys
limit = int(sys.argv[1])
seen = 0
def count():
    global seen
    seen += 1
    if seen == limit:
        os.kill(os.getpid(), signal.SIGKILL)
def statement(sql):
    if sql.split()[0] in ("BEGIN", "COMMIT", "VACUUM", "DELETE", "INSERT", "UPDATE", "PRAGMA"):
        count()
def hook(event, arguments):
    if event in ("os.remove", "os.rename", "os.rmdir"):
        count()
connect = sqlite3.connect
def traced(*arguments, **options):
    db = connect(*arguments, **options)
    db.set_trace_callback(statement)
    return db
sqlite3.connect = traced
sys.addaudithook(hook)
from inkling.cli.main import main
status = main(sys.argv[2:])
print("events", seen, file=sys.stderr)
sys.exit(status)
"""


def child(limit: int) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, killed at the given deletion, renaming or statement."""
    arguments = [sys.executable, "-c", CHILD, str(limit), *MATCH, "--purge"]
    return subprocess.run(arguments, capture_output=True, text=True, check=False, env=os.environ)


def test_killed_anywhere_the_same_command_finishes_it(
    inkling: Inkling, planted: Workspace, planted_once: Path
) -> None:
    """At the first event, the last, and some between: nothing of it is left after the second."""
    whole = child(0)
    assert whole.returncode == 0, whole.stderr
    events = int(whole.stderr.rsplit("events ", 1)[1])
    assert events > 60
    for limit in (2, *range(15, events, events // 5), events - 4, events):
        shutil.rmtree(planted.path)
        shutil.copytree(planted_once / "w", planted.path)
        assert child(limit).returncode == -signal.SIGKILL
        finished = inkling(*MATCH, "--purge")
        assert finished.status == 0, (limit, finished.err)
        assert holders(planted) == set(), limit
        assert not planted.forgetting_path.exists()
        assert planted.run_names() == []


def leave_deleted(path: Path, text: str) -> None:
    """Write rows with a text and delete them the way that leaves them in the file's free pages."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA secure_delete = OFF")
    db.execute("BEGIN")
    db.execute("CREATE TABLE deleted (text TEXT)")
    db.executemany("INSERT INTO deleted VALUES (?)", [(f"{text} {n:,}",) for n in range(900)])
    db.execute("COMMIT")
    db.execute("DROP TABLE deleted")
    db.close()
    assert text.encode() in path.read_bytes()


def test_what_was_deleted_before_is_wiped(inkling: Inkling) -> None:
    """Free pages of a database are no hiding place, the corpus's own included."""
    inkling("init", "w")
    leave_deleted(Path("w/chats.db"), CANARY)
    leave_deleted(Path("w/corpus.db"), CANARY)
    result = inkling(*MATCH, "--purge")
    assert result.status == 0, result.err
    assert "chats.db: deleted rows" in result.out
    for name in ("chats.db", "corpus.db"):
        assert CANARY.encode() not in Path("w", name).read_bytes()
    leave_deleted(Path("w/corpus.db"), CANARY)
    assert inkling(*MATCH).status == 0
    assert CANARY.encode() not in Path("w/corpus.db").read_bytes()


def test_what_a_kill_left_needs_no_text_to_be_finished(inkling: Inkling) -> None:
    """Half-deleted runs and free pages are cleared even where nothing tells what they held."""
    inkling("init", "w")
    workspace = Workspace(Path("w").resolve())
    leave_deleted(workspace.chats_path, "quince")
    half = workspace.runs_path / ".old.old" / "data"
    half.mkdir(parents=True)
    (half / "train.bin").write_bytes(b"\1\0\2\0")
    workspace.forgetting_path.touch()
    result = inkling("corpus", "forget", "--match", "quince", "--purge", "--yes", "-w", "w")
    assert result.status == 0, result.err
    assert "Finishing what was interrupted" in result.out
    assert not list(workspace.runs_path.iterdir())
    assert b"quince" not in workspace.chats_path.read_bytes()


def test_hidden_in_numbers_archives_and_escapes(tmp_path: Path) -> None:
    """Wherever a text stands in a file, and across any seam of the reading."""
    noise = random.Random(1).randbytes
    pattern = SearchPatterns.of([], asked=CANARY)
    places = {
        "tensor.bin": noise(700_001) + CANARY.lower().encode() + noise(99),
        "seam.bin": noise((1 << 18) - 9) + CANARY.lower().encode() + noise(99),
        "utf16.txt": CANARY.encode("utf-16"),
        "twice.json": json.dumps(json.dumps({"a": CANARY})).encode(),
        "upper.txt": CANARY.upper().encode(),
        "wrapped.txt": CANARY.replace(" ", "\r\n    ").encode(),
    }
    for name, data in places.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "clean.bin").write_bytes(noise(300_000))
    (tmp_path / "near.txt").write_text(CANARY[:20])
    found = {match.path.name for match in scan(tmp_path, pattern).matches}
    assert found == set(places)


def test_a_short_text_is_looked_for_as_a_word(inkling: Inkling) -> None:
    """Under 12 bytes: in cells of databases, as a word in text; in no weights and no pictures."""
    inkling("init", "w")
    Path("a.txt").write_text("Words before.\n\nThe quince is ripe.\n\nWords behind.\n")
    inkling("add", "a.txt", "-w", "w")
    with contextlib.closing(sqlite3.connect("w/notes.db", isolation_level=None)) as notes:
        notes.execute("CREATE TABLE note (text)")
        notes.executemany("INSERT INTO note VALUES (?)", [("a quince",), ("an apple",)])
    held = {"said.txt": True, "inside.txt": False, "w.safetensors": False, "p.png": False}
    for name, word in (("said.txt", "my Quince!"), ("inside.txt", "quinces"),
                       ("w.safetensors", "quince"), ("p.png", "quince")):  # fmt: skip
        numbers = b"" if name.endswith(".txt") else bytes(range(256))
        Path("w", name).write_bytes(numbers + word.encode() + numbers)
    result = inkling("corpus", "forget", "--match", "quince", "--yes", "--purge", "-w", "w")
    assert result.status == 0, result.err
    assert {name: not Path("w", name).exists() for name in held} == held
    with contextlib.closing(sqlite3.connect("w/notes.db")) as notes:
        assert notes.execute("SELECT text FROM note").fetchall() == [("an apple",)]


def test_what_others_also_said_is_nobodys_secret() -> None:
    """A phrase that stays in the corpus is not a trace of what went, and its words are free."""
    gone = "the ferry leaves at nine from the long pier, and the password is herringbone"
    patterns = SearchPatterns.of([gone]).without(
        ["The ferry leaves at nine from the long pier, always."]
    )
    search = PatternSearch(patterns)
    assert not search.holds(b"so the ferry leaves at nine from the long pier then")
    assert search.holds(b'"and the password is\\nherringbone"')
    assert "herringbone" in patterns.words
    assert "ferry" not in patterns.words


def test_ids_are_read_with_the_tokenizer_beside_them(tmp_path: Path) -> None:
    """Packed ids hold no letters; decoded, they do."""
    tokenizer = Tokenizer.train([CANARY, "other words"], 5)
    (tmp_path / "data").mkdir()
    tokenizer.save(tmp_path / "tokenizer.json")
    ids = np.array(tokenizer.encode("x " * 300 + CANARY.lower() + " y" * 300), "<u2")
    (tmp_path / "data" / "train.bin").write_bytes(ids.tobytes())
    hits = scan(tmp_path, SearchPatterns.of([], asked=CANARY)).matches
    assert [(match.path.name, match.how) for match in hits] == [("train.bin", "packed ids")]
