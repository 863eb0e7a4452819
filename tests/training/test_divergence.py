"""A training that made nothing of the text says so in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from inkling.runs import Run
from inkling.training.loss_words import diverged
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]


def row(phase: str, val_loss: float, train_loss: float | None) -> dict[str, Any]:
    """A row of metrics.jsonl, as far as it matters here."""
    return {"phase": phase, "val_loss": val_loss, "train_loss": train_loss}


def test_worse_than_guessing_is_divergence() -> None:
    """ln V is what knowing nothing costs; a non-finite loss is no better. A
    text that was learned by heart is another matter."""
    below, above = math.log(100) - 0.01, math.log(100) + 0.01
    assert diverged([row("train", 9.0, 9.0), row("train", below, 3.0)], "train", 100) is None
    for loss in (above, math.inf, math.nan):
        sentence = diverged([row("train", 3.0, 3.0), row("train", loss, loss)], "train", 100)
        assert sentence is not None
        assert "choosing blindly among 100 costs 4.61" in sentence
    by_heart = [row("train", 3.0, 3.0), row("train", above, 0.2)]
    assert diverged(by_heart, "train", 100) is None
    assert diverged([row("train", 9.0, 9.0)], "finetune", 100) is None
    assert diverged([], "train", 100) is None


def test_a_fine_tuning_that_unlearns_is_divergence() -> None:
    """Its held-out loss may rise while it learns dialogs by heart; its own loss may not."""
    by_heart = [row("finetune", 2.0, None), row("finetune", 4.0, 0.3)]
    assert diverged(by_heart, "finetune", 1000) is None
    sentence = diverged([row("finetune", 2.0, None), row("finetune", 4.0, 3.5)], "finetune", 1000)
    assert sentence is not None
    assert "cost 2.00 nats before, and 3.50 at the end" in sentence


def test_a_diverging_rate_is_said_at_the_end(inkling: Inkling, trained: Workspace) -> None:
    """The command that used to end as if all were well. A planned rate says nothing, be the
    training ever so short."""
    options = ("--no-finetune", "--no-plots", "-w", trained.path)
    wild = ("--set", "train.learning_rate=50", "--steps", 20, "--name", "wild")
    result = inkling("train", *wild, *options)
    assert result.status == 0
    assert result.out.count("Warning: The training diverged") == 1
    assert "learning rate is too high" in result.out
    short = inkling("train", "--steps", 1, "--name", "short", *options)
    assert "diverged" not in short.out
    for name in ("wild", "short"):
        inkling("runs", name, "--delete", "--yes", "-w", trained.path)


@pytest.mark.parametrize("phase", ["train", "finetune"])
def test_a_planned_training_does_not_diverge(trained: Workspace, phase: Any) -> None:
    """No false alarm, in either phase."""
    run = Run(trained.runs_path / "tiny")
    vocab_size = run.config().model.vocab_size
    assert diverged(run.records("metrics.jsonl"), phase, vocab_size) is None
