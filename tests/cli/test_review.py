"""`inkling corpus review`: what is masked, in numbers that add up, and minds that change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inkling.corpus.document import Document
from inkling.corpus.store import CorpusStore
from inkling.preparation import read_split, starter_questions
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]


@pytest.fixture
def workspace(inkling: Inkling, tmp_path: Path) -> Workspace:
    """A diary with an address in it, and dialogs with a number, a code and a link."""
    folder = tmp_path / "text"
    folder.mkdir()
    diary = "".join(
        f"Day {n}: the gulls were loud again and the tide was low.\n\n" for n in range(60)
    )
    (folder / "diary.md").write_text(f"{diary}Write to ada@example.com or to info@me.example.\n")
    (folder / "secret.md").write_text("The plan of 12 Harbour Lane, which nobody must know of.\n")
    talks = [
        f"Cleo: what about number {n}, +49 171 1234567?\nAda: call ada@example.com about {n} please"
        for n in range(12)
    ]
    talks.append("Bo: https://example.com/a\nBo: your code is 384756?\nAda: keep it")
    (folder / "dms.txt").write_text("\n\n".join(talks))
    made = Workspace.create(tmp_path / "w")
    assert inkling("add", folder, "--me", "Ada", "-w", made.path).status == 0
    return made


def reviewed(inkling: Inkling, workspace: Workspace, *options: str) -> dict[str, Any]:
    told = inkling("corpus", "review", "--json", *options, "-w", workspace.path)
    assert told.status == 0, told.err
    found: dict[str, Any] = json.loads(told.out)
    return found


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {kind["kind"]: kind["count"] for kind in found["masked"]}


def test_everything_masked_is_counted_and_shown(inkling: Inkling, workspace: Workspace) -> None:
    """By kind, with examples; the split counts the same, and its texts hold none of it."""
    found = reviewed(inkling, workspace)
    assert counts(found) == {"mail": 14, "phone": 12, "code": 1}
    mail = next(kind for kind in found["masked"] if kind["kind"] == "mail")
    assert mail["different"] == 2
    assert mail["examples"][0]["value"] in ("ada@example.com", "info@me.example")
    assert found["left_out"] == {"a message that is only a link": 1}
    split, _ = read_split(workspace)
    assert split.masked == counts(found)
    texts = [section.text for part in (split.train, split.held_out) for section in part]
    texts += [t for d in split.train_dialogs + split.held_out_dialogs for _, t in d.turns]
    texts += starter_questions(split)
    assert not any("1234567" in text or "@" in text or "384756" in text for text in texts)
    assert any("[phone]" in question for question in starter_questions(split))
    told = inkling("corpus", "review", "-w", workspace.path)
    assert "mail addresses -> [mail], 2 different" in told.out
    assert ">+49 171 1234567<" in told.out


def test_a_kind_and_a_value_are_kept_and_masked_again(
    inkling: Inkling, workspace: Workspace
) -> None:
    """Each decision alone, and both ways."""
    assert (
        "stay as they are"
        in inkling("corpus", "review", "--keep", "phone", "-w", workspace.path).out
    )
    assert counts(reviewed(inkling, workspace, "--keep", "info@me.example")) == {
        "mail": 13, "phone": 0, "code": 1,
    }  # fmt: skip
    assert reviewed(inkling, workspace)["decisions"]["kept values"] == ["info@me.example"]
    reviewed(inkling, workspace, "--drop", "phone", "--drop", "INFO@me.example")
    assert counts(reviewed(inkling, workspace)) == {"mail": 14, "phone": 12, "code": 1}


def test_people_files_and_texts_are_dropped_and_learned_again(
    inkling: Inkling, workspace: Workspace
) -> None:
    """Without a row of the corpus being deleted."""
    with CorpusStore(workspace.corpus_path) as store:
        before = store.corpus_hash()
    for name, sentence in (
        ("Cleo", "What Cleo said (12 messages) is left out"),
        ("secret.md", "secret.md is left out"),
        ("the gulls", "'the gulls' is masked wherever it stands"),
    ):
        told = inkling("corpus", "review", "--drop", name, "-w", workspace.path)
        assert sentence in told.out
    found = reviewed(inkling, workspace)
    assert counts(found) == {"mail": 2, "code": 1, "private": 60}
    assert found["left_out"]["documents that you left out"] == 1
    assert found["left_out"]["a message of somebody whom you left out"] == 12
    with CorpusStore(workspace.corpus_path) as store:
        assert store.corpus_hash() == before
    for name in ("cleo", "secret.md", "The Gulls"):
        assert (
            "learned again" in inkling("corpus", "review", "--keep", name, "-w", workspace.path).out
        )
    assert counts(reviewed(inkling, workspace)) == {"mail": 14, "phone": 12, "code": 1}


@pytest.mark.parametrize("option", ["--keep", "--drop"])
def test_a_name_that_means_nothing_is_told(
    inkling: Inkling, workspace: Workspace, option: str
) -> None:
    """In one sentence that says what to do."""
    told = inkling("corpus", "review", option, "zylophant", "-w", workspace.path)
    assert told.status == 2
    assert "zylophant" in told.err
    assert "inkling corpus" in told.err


def test_what_is_forgotten_is_in_no_decision(inkling: Inkling, workspace: Workspace) -> None:
    """A decision names the text that it is about."""
    for name in ("12 Harbour Lane", "Cleo"):
        inkling("corpus", "review", "--drop", name, "-w", workspace.path)
    for option, name in (("--match", "12 Harbour Lane"), ("--person", "Cleo")):
        told = inkling("corpus", "forget", option, name, "--yes", "-w", workspace.path)
        assert told.status == 0, told.err
    assert not any(reviewed(inkling, workspace)["decisions"].values())
    assert b"arbour lane" not in workspace.corpus_path.read_bytes()


def test_an_empty_corpus_is_reviewed(inkling: Inkling, tmp_path: Path) -> None:
    """There is nothing, and that is said."""
    made = Workspace.create(tmp_path / "empty")
    told = inkling("corpus", "review", "-w", made.path)
    assert told.status == 0, told.err
    assert "Nothing is masked" in told.out


def test_the_numbers_of_a_corpus_are_shown(inkling: Inkling, workspace: Workspace) -> None:
    """As text and as JSON, the same ones; what is masked among them."""
    told = inkling("corpus", "stats", "-w", workspace.path)
    assert told.status == 0, told.err
    for part in ("2 documents and 13 dialogs of", "Cleo 12", "English", "14 mail", "It buys"):
        assert part in told.out
    found = json.loads(inkling("corpus", "stats", "--json", "-w", workspace.path).out)
    assert {each["kind"]: each["count"] for each in found["masked"]} == counts(
        reviewed(inkling, workspace)
    )
    assert found["documents"] == 2
    assert "3 minutes:" in found["estimate"]


@pytest.mark.parametrize(
    ("dates", "shown", "hidden"),
    [
        (("2024-01-05", "2024-03-01"), ("2024-01", "2024-02", "2024-03"), "2024-04"),
        (("2011-01-05", "2024-03-01"), ("2011", "2024"), "2011-01"),
    ],
)
def test_months_are_shown_and_of_a_long_time_years(
    inkling: Inkling, tmp_path: Path, dates: tuple[str, str], shown: tuple[str, ...], hidden: str
) -> None:
    """Also a month in between of which there is nothing."""
    made = Workspace.create(tmp_path / "dated")
    with CorpusStore(made.corpus_path) as store:
        store.add("posts", "folder", [
            Document(f"A text of {date}. " * 9, f"{date}.md", date, date) for date in dates
        ])  # fmt: skip
    told = inkling("corpus", "stats", "-w", made.path)
    lines = [line for line in told.out.splitlines() if line.startswith("  ")]
    assert tuple(line.split()[0] for line in lines) == shown
    assert hidden not in [line.split()[0] for line in lines]
    assert sum("█" in line for line in lines) == 2
