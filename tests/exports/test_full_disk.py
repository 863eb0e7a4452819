"""An export onto a real file system that fills up while it is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inkling.errors import ExportError
from inkling.exports.kinds import ExportKind
from inkling.workflows.export import PlannedExport, plan_export
from inkling.workspace import Workspace
from tests.faults.test_full_disk import small_disk


@pytest.mark.parametrize("kind", ["hf", "gguf"])
def test_a_disk_that_fills_up_leaves_what_was_there(
    trained: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: ExportKind
) -> None:
    """Somebody else takes the room after it was looked for: at whatever file that shows, one
    sentence, nothing half-written, and the export that is replaced stays as it was."""
    whole = plan_export(trained, kind, to=tmp_path / "whole", gguf_type="f32").write()
    size = sum(path.stat().st_size for path in whole.iterdir())
    monkeypatch.setattr(PlannedExport, "size", 0)
    with small_disk(tmp_path / "disk", 2 * size // 1024 + 256) as disk:
        target = disk / "out"
        plan_export(trained, kind, to=target, gguf_type="f32").write()
        before = {path.name: path.read_bytes() for path in target.iterdir()}
        again = plan_export(trained, kind, to=target, gguf_type="f32", force=True)
        for share in (0.0, 0.3, 0.95):
            room = disk / "taken"
            room.write_bytes(bytes(int(shutil.disk_usage(disk).free - share * size)))
            with pytest.raises(ExportError, match=r"no space left on device|a full disk") as caught:
                again.write()
            assert "Nothing was left behind" in str(caught.value)
            room.unlink()
            assert {path.name: path.read_bytes() for path in target.iterdir()} == before
            assert [path.name for path in disk.iterdir()] == ["out"]
        again.write()
