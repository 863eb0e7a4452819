"""The first ten losses of every recipe: a refactor that changes the training changes these.

To write them anew after a change that is meant: INKLING_WRITE_GOLDEN=1 scripts/test -k golden
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from inkling.cli.main import main
from inkling.config import TrainRequest
from inkling.preparation import prepare_run
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.training.callbacks import Callbacks
from inkling.training.configure import start_run
from inkling.training.planner import merges_for
from inkling.training.recipes import RECIPES, uses_characters
from inkling.training.session import train_run
from inkling.workspace import Workspace
from tests.conftest import DEMO

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "losses.json"
STEPS = 10

# The full batch of the classic recipes would take a minute a recipe.
MODERN_FROM_NOISE = "modern-from-noise"
"""`modern` without the start from the table of pairs, at the rates it had before that existed."""
OVERRIDES = {
    MODERN_FROM_NOISE: (
        ("train.bigram_iterations", "0"),
        ("train.momentum", "0.95"),
        ("finetune.momentum", "0.95"),
        ("train.matrix_lr", "0.06"),
        ("finetune.matrix_lr", "0.03"),
        ("train.learning_rate", "0.015"),
        ("finetune.learning_rate", "0.0075"),
    ),
    "classic-fast": (("train.total_batch_size", "512"), ("finetune.total_batch_size", "512")),
    "classic-full": (("train.total_batch_size", "384"), ("finetune.total_batch_size", "384")),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The first four posts and a fixed handful of messages."""
    folder = tmp_path_factory.mktemp("golden")
    source = folder / "writing"
    source.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:4]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:40]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", str(folder / "w")]) == 0
    assert main(["add", str(source), "-w", str(folder / "w")]) == 0
    return Workspace(folder / "w")


def first_losses(workspace: Workspace, name: str) -> list[float]:
    """Nats a token of the first ten steps, and of the first two of fine-tuning."""
    recipe = "modern" if name == MODERN_FROM_NOISE else name
    merges = (lambda _: 0) if uses_characters(recipe) else merges_for  # type: ignore[arg-type]
    prepared = prepare_run(workspace, name, merges)
    request = TrainRequest(
        recipe=recipe,
        steps=STEPS,
        name=name,
        finetune=recipe == "modern" or recipe in OVERRIDES,
        overrides=OVERRIDES.get(name, ()),
        eval_every=1_000,
        save_every=1_000,
    )
    losses: dict[str, list[float]] = {"train": [], "finetune": []}
    runtime = Runtime.detect(threads=2)
    run = start_run(prepared, request, runtime)
    config = run.config()
    if config.finetune is not None:
        tuned = config.finetune.replace(steps=2)
        run.write_config(config.model_copy(update={"finetune": tuned}))
    callbacks = Callbacks(on_step=lambda report: losses[report.phase].append(report.loss))
    train_run(run, runtime, lambda session, phase: callbacks)
    return losses["train"] + losses["finetune"]


@pytest.mark.parametrize("recipe", [*RECIPES, MODERN_FROM_NOISE])
def test_the_first_losses_are_golden(workspace: Workspace, recipe: str) -> None:
    """Within 2e-4 of those of the pinned build, on any CPU."""
    losses = first_losses(workspace, recipe)
    assert len(losses) in (STEPS, STEPS + 2)
    if recipe == "modern":  # its first step is not its beginning
        vocab_size = Run(workspace.run_path(recipe)).config().model.vocab_size
        assert losses[0] < 0.65 * math.log(vocab_size)
    else:
        assert losses[STEPS - 1] < losses[0]
    if os.environ.get("INKLING_WRITE_GOLDEN"):
        known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        known[recipe] = [round(loss, 6) for loss in losses]
        GOLDEN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    golden = json.loads(GOLDEN.read_text())[recipe]
    assert losses == pytest.approx(golden, abs=2e-4)
