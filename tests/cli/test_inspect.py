"""`inkling inspect`: tables, JSON and figures of what a run computes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inkling.workspace import Workspace
from tests.conftest import Result

TEXT = "The piano was out of tune, and so was the piano."
COMMANDS = ("pieces", "pairs", "attention", "heads", "next")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_table_json_and_a_figure(
    command: str, inkling: Callable[..., Result], trained: Workspace, tmp_path: Path
) -> None:
    """The same numbers in three forms; the file is the kind that its name says."""
    table = inkling("inspect", command, TEXT, "-w", trained.path)
    assert table.status == 0, table.err
    assert "␣piano" in table.out or command in ("heads", "next")
    printed = inkling("inspect", command, TEXT, "--json", "-w", trained.path)
    found = json.loads(printed.out)
    assert found["run"] == "tiny"
    path = tmp_path / "numbers.json"
    assert inkling("inspect", command, TEXT, "--out", path, "-w", trained.path).status == 0
    assert json.loads(path.read_text()) == found
    picture = tmp_path / "figure.png"
    assert inkling("inspect", command, TEXT, "--out", picture, "-w", trained.path).status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_numbers_add_up(inkling: Callable[..., Result], trained: Workspace) -> None:
    """Rows of attention and the distribution sum to 1; a colder one is surer."""
    found = json.loads(inkling("inspect", "attention", TEXT, "--json", "-w", trained.path).out)
    weights = np.array(found["weights"])
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert np.triu(weights, 1).sum() == 0
    cold, hot = (
        json.loads(
            inkling("inspect", "next", TEXT, "--json", "--temperature", t, "-w", trained.path).out
        )
        for t in (0.2, 1.5)
    )
    assert sum(piece["after"] for piece in cold["pieces"]) == pytest.approx(1)
    assert cold["entropy_bits_after"] < hot["entropy_bits_after"]


def test_what_cannot_be_is_said(
    inkling: Callable[..., Result], trained: Workspace, tmp_path: Path
) -> None:
    """One sentence that says what to do."""
    where = ("-w", trained.path)
    assert "no head 9" in inkling("inspect", "attention", "a", "--head", 9, *where).err
    assert "no checkpoint of step 7" in inkling("inspect", "next", "a", "--step", 7, *where).err
    wrong = inkling("inspect", "heads", "a", "--out", tmp_path / "x.pdf", *where)
    assert (wrong.status, ".png or .json" in wrong.err) == (2, True)
    assert "no folder" in inkling("inspect", "heads", "a", "--out", "gone/x.png", *where).err
    assert "gone" in inkling("inspect", "heads", "a", "--run", "gone", *where).err
    for text in ("", "é☃🐖 $x$ \t\n", "x" * 3000):
        for command in COMMANDS:
            assert inkling("inspect", command, text, *where).status == 0
    assert "left out" in inkling("inspect", "next", "word " * 900, *where).err
