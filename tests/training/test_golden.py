"""The first ten losses of every recipe: a refactor that changes the training changes these.

To write them anew after a change that is meant: INKLING_WRITE_GOLDEN=1 scripts/test -k golden
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from inkling.cli.main import main
from inkling.config import TrainRequest
from inkling.preparation import prepare_run
from inkling.runtime import Runtime
from inkling.training.loop import Hooks
from inkling.training.planner import merges_for
from inkling.training.recipes import RECIPES, uses_characters
from inkling.training.session import train_run
from inkling.training.start import start_run
from inkling.workspace import Workspace
from tests.conftest import DEMO

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "losses.json"
STEPS = 10

# The full batch of the classic recipes would take a minute a recipe.
SMALLER = {
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


def first_losses(workspace: Workspace, recipe: str) -> list[float]:
    """Nats a token of the first ten steps, and of the first two of fine-tuning."""
    merges = (lambda _: 0) if uses_characters(recipe) else merges_for  # type: ignore[arg-type]
    prepared = prepare_run(workspace, recipe, merges)
    request = TrainRequest(
        recipe=recipe,
        steps=STEPS,
        name=recipe,
        finetune=recipe in ("modern", *SMALLER),
        overrides=SMALLER.get(recipe, ()),
        eval_every=1_000,
        save_every=1_000,
    )
    losses: dict[str, list[float]] = {"train": [], "finetune": []}
    runtime = Runtime.detect(threads=2)
    run = start_run(prepared, request, runtime)
    config = run.config()
    if config.finetune is not None:
        tuned = config.finetune.model_copy(update={"steps": 2})
        run.write_config(config.model_copy(update={"finetune": tuned}))
    hooks = Hooks(on_step=lambda report: losses[report.phase].append(report.loss))
    train_run(run, runtime, lambda session, phase: hooks)
    return losses["train"] + losses["finetune"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_first_losses_are_golden(workspace: Workspace, recipe: str) -> None:
    """Within 2e-4 of those of the pinned build, on any CPU."""
    losses = first_losses(workspace, recipe)
    assert len(losses) in (STEPS, STEPS + 2)
    assert losses[STEPS - 1] < losses[0]
    if os.environ.get("INKLING_WRITE_GOLDEN"):
        known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        known[recipe] = [round(loss, 6) for loss in losses]
        GOLDEN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    golden = json.loads(GOLDEN.read_text())[recipe]
    assert losses == pytest.approx(golden, abs=2e-4)
