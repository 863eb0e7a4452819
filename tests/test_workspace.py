"""A workspace on disk: what is removed from it, and what never is."""

from __future__ import annotations

from pathlib import Path

from inkling.run_files import CONFIG_FILE
from inkling.run_names import next_name, note_deleted
from inkling.unfinished import sweep_run
from inkling.workflows.delete_runs import delete_runs
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


def test_names_of_deleted_runs_are_not_given_again(tmp_path: Path) -> None:
    """A saved reply that says "modern-2" must not come to mean another model; what a person called
    a run is theirs to use again."""
    workspace = Workspace.create(tmp_path / "w")
    for name in ("modern-1", "modern-2", "good"):
        workspace.run_path(name).mkdir(parents=True)
        (workspace.run_path(name) / CONFIG_FILE).write_text("{}")
    assert next_name(workspace, "modern") == "modern-3"
    delete_runs(workspace, [workspace.run_path("modern-2"), workspace.run_path("good")])
    assert workspace.run_names() == ["modern-1"]
    assert next_name(workspace, "modern") == "modern-3"
    assert next_name(workspace, "imported") == "imported-1"
    assert workspace.deleted_names_path.read_text() == "modern-2\n"
    assert workspace.deleted_names_path.stat().st_mode & 0o077 == 0
    note_deleted(workspace, ["modern-2", "modern-3"])
    assert workspace.deleted_names_path.read_text() == "modern-2\nmodern-3\n"
    workspace.deleted_names_path.write_bytes(b"\xff\0\nmodern-1-tuned-1")
    assert next_name(workspace, "modern-1-tuned") == "modern-1-tuned-2"
