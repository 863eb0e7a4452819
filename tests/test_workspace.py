"""A workspace on disk: what is removed from it, and what never is."""

from __future__ import annotations

from pathlib import Path

from inkling.unfinished import sweep_run
from inkling.workspace import Workspace


def test_a_sweep_takes_only_what_a_training_left(tmp_path: Path) -> None:
    """Half-written files of the training go; what others write or keep there stays."""
    workspace = Workspace.create(tmp_path / "w")
    run = workspace.run_path("r")
    (run / "checkpoints").mkdir(parents=True)
    left = [".best.json.8tsezdn4", ".metrics.jsonl.a_b1c2d3", "checkpoints/.step-000500.8tsezdn4",
            "checkpoints/.step-000400.old"]  # fmt: skip
    kept = [".memory.8tsezdn4", ".spans.8tsezdn4", ".notes.markdown", ".best.json", "best.json"]
    for name in (*left, *kept):
        (run / name).mkdir() if ".step" in name or name.endswith("n4") else (run / name).touch()
    sweep_run(workspace, "r")
    assert not [name for name in left if (run / name).exists()]
    assert [name for name in kept if (run / name).exists()] == kept
