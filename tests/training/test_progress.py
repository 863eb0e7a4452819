"""What a training tells the outside, before its first step."""

from __future__ import annotations

from inkling.config import Replan
from inkling.runs import Run
from inkling.training.progress import ProgressWriter, read_progress
from inkling.workspace import Workspace


def test_a_resumed_run_begins_with_the_steps_that_were_recorded(lab: Workspace) -> None:
    """Of each phase its last re-plan, whoever looks before a second has passed."""
    run = Run(lab.run_path("tiny"))
    config = run.config()
    assert config.finetune is not None
    tuning = config.finetune.schedule.steps
    for replans, steps in (
        ((), config.train.schedule.steps + tuning),
        ((("train", 50), ("train", 90)), 90 + tuning),
        ((("train", 90), ("finetune", 7)), 97),
    ):
        made = tuple(Replan(phase=phase, step=1, steps=count) for phase, count in replans)
        run.write_config(config.model_copy(update={"replans": made}))
        ProgressWriter(run, 1, None)
        found = read_progress(run)
        assert found is not None
        assert found.steps == steps
