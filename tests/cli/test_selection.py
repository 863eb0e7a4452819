"""Choosing which text is learned: one flag each, or a line in inkling.toml, kept by the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.config import Selection
from inkling.corpus.document import Document
from inkling.corpus.store import CorpusStore
from inkling.errors import InklingError, UsageError
from inkling.preparation import read_split
from inkling.runs import Run
from inkling.settings import selection_as_typed, train_request
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]
TINY = ("--no-plots", "--no-progress", "--steps", "2", "--set", "model.n_embd=16",
        "--set", "model.n_head=1", "--set", "model.head_dim=16", "--set", "model.n_hidden=16",
        "--set", "model.n_layer=1")  # fmt: skip


def diary(year: int, count: int = 12) -> list[Document]:
    return [
        Document(
            f"In {year} day {n} was a day of rain {year * n}, and nobody went out at all. " * 6,
            f"{year}/{n}.md", f"{year} {n}", f"{year}-0{1 + n % 9}-11",
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A diary of two years, and a blog."""
    made = Workspace.create(tmp_path / "w")
    with CorpusStore(made.corpus_path) as store:
        store.add("/home/diary", "folder", [*diary(2023), *diary(2024)])
        store.add("/home/blog", "substack", [
            Document(f"Post {n} of the blog says {n * 7919} things about bread. " * 8, f"{n}.html")
            for n in range(12)
        ])  # fmt: skip
    return made


def learned(workspace: Workspace, **chosen: object) -> tuple[str, str]:
    """The training text and the held-out text."""
    split, _ = read_split(workspace, 0, Selection.model_validate(chosen))
    train, held_out = ("".join(s.text for s in part) for part in (split.train, split.held_out))
    return train, held_out


def test_a_run_keeps_what_was_chosen(inkling: Inkling, workspace: Workspace) -> None:
    """Printed in the plan, listed by `runs`, in its config, and repeated to the same text."""
    told = inkling("train", *TINY, "--in", "2024", "--kind", "writing", "-w", workspace.path)
    assert told.status == 0, told.err
    assert "chosen    writing only; in 2024" in told.out
    run = Run.open(workspace, workspace.run_names()[-1])
    assert run.config().selection == Selection(since="2024", until="2024", kind="writing")
    (row,) = json.loads(inkling("runs", "--json", "-w", workspace.path).out)
    assert row["selection"] == ["writing only", "in 2024"]
    assert "in 2024" in inkling("runs", "-w", workspace.path).out
    told = inkling("train", "--repeat", run.name, "--no-plots", "-w", workspace.path)
    assert told.status == 0, told.err
    again = Run.open(workspace, workspace.run_names()[-1])
    assert again.config().selection == run.config().selection
    assert (again.data_path / "train.bin").read_bytes() == (
        run.data_path / "train.bin"
    ).read_bytes()


def test_the_file_says_it_and_what_is_typed_wins(workspace: Workspace) -> None:
    """Names as they are typed; one text or several; a year as both ends."""
    with workspace.config_path.open("a") as file:
        file.write(
            '[train]\nin = 2024\nonly_source = "diary"\nweight = {diary = 2.0}\nmin_length = 40\n'
        )
    request = train_request(workspace, {})
    assert request.selection == Selection(
        since="2024", until="2024", only_sources=("diary",), weights=(("diary", 2.0),),
        min_length=40,
    )  # fmt: skip
    typed = train_request(workspace, {"from": "2023-02", "weight": ["diary=0.5", "a=b=3"]})
    assert typed.selection is not None
    assert (typed.selection.since, typed.selection.until) == ("2023-02", None)
    assert typed.selection.weights == (("diary", 0.5), ("a=b", 3.0))


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"from": "March"}, "--from"),
        ({"in": "2024-13"}, "--in"),
        ({"kind": "poems"}, "--kind"),
        ({"min_length": -1}, "--min-length"),
        ({"weight": ["diary"]}, "--weight"),
        ({"weight": ["diary=much"]}, "--weight"),
        ({"weight": ["diary=0"]}, "--weight"),
    ],
)
def test_a_wrong_choice_is_told(workspace: Workspace, typed: dict[str, object], named: str) -> None:
    """By the option that it was typed as."""
    with pytest.raises(InklingError, match=named):
        train_request(workspace, typed)


def test_a_selection_is_typed_as_it_was_meant(inkling: Inkling) -> None:
    """What the page asks for becomes options that mean the same, whatever names look like."""
    chosen = Selection.model_validate(
        {
            "only_sources": ["diary", "-rf"], "people": ["Ada Lovelace"], "since": "2024",
            "min_length": 20, "groups": True, "weights": [["a=b", 0.1]], "kind": "writing",
        }
    )  # fmt: skip
    assert selection_as_typed(chosen) == [
        "--only-source=diary", "--only-source=-rf", "--person=Ada Lovelace", "--from=2024",
        "--kind=writing", "--min-length=20", "--groups", "--weight=a=b=0.1",
    ]  # fmt: skip
    assert selection_as_typed(Selection()) == []
    # Options that there are not are refused also in front of --help.
    assert inkling("train", *selection_as_typed(chosen), "--help").status == 0
    assert inkling("train", "--not-a-thing=1", "--help").status == 2


def test_the_ladder_learns_what_was_chosen(
    inkling: Inkling, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is typed beside what the file says reaches the climb."""
    asked: list[Selection | None] = []

    def climb(*arguments: object, selection: Selection | None, **more: object) -> None:
        asked.append(selection)
        raise UsageError("enough")

    monkeypatch.setattr("inkling.cli.ladder.climb", climb)
    with workspace.config_path.open("a") as file:
        file.write("\n[train]\nmin_length = 30\n")
    inkling("ladder", "--in", "2024", "--weight", "diary=2", "-w", str(workspace.path))
    assert asked == [
        Selection(since="2024", until="2024", min_length=30, weights=(("diary", 2.0),))
    ]


def test_a_wrong_line_of_the_file_is_told(workspace: Workspace) -> None:
    """As every other line of it."""
    with workspace.config_path.open("a") as file:
        file.write('[train]\nfrom = "soon"\n')
    with pytest.raises(InklingError, match=r"inkling\.toml"):
        train_request(workspace, {})


def test_too_little_was_chosen(inkling: Inkling, workspace: Workspace) -> None:
    """It says what was chosen."""
    told = inkling("train", *TINY, "--in", "1999", "-w", workspace.path)
    assert told.status != 0
    assert "in 1999" in told.err
    assert not workspace.run_names()


def test_a_source_that_there_is_not_is_told(inkling: Inkling, workspace: Workspace) -> None:
    """Before anything is trained."""
    told = inkling("train", *TINY, "--only-source", "dairy", "-w", workspace.path)
    assert told.status != 0
    assert "dairy" in told.err


def test_a_weight_repeats_a_source_in_the_training_part(workspace: Workspace) -> None:
    """Twice as much of it, or half; what is held out is as ever."""
    train, held_out = learned(workspace)
    for weight, times in ((2.0, 2.0), (3.0, 3.0), (0.5, 0.5), (1.5, 1.5)):
        again, measured = learned(workspace, weights=(("blog", weight),))
        assert measured == held_out
        assert again.count("bread") == pytest.approx(times * train.count("bread"), rel=0.15)
        assert again.count("rain") == train.count("rain")
    assert learned(workspace, weights=(("blog", 1.0),)) == (train, held_out)


def test_nothing_chosen_is_everything(workspace: Workspace) -> None:
    """To the byte what it was without choices."""
    assert learned(workspace) == learned(workspace, kind="all")
    assert Selection().sentences() == []
