"""What a killed process left half-written in a workspace: finding and removing it.

Knows: which files and folders nobody reads again. Does not know how they are written
(inkling.atomic_files), nor when it is safe to remove them: callers hold the lock.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from inkling.atomic_files import is_unfinished
from inkling.run_files import CHECKPOINTS_FOLDER, CONFIG_FILE, TRAINING_FILES
from inkling.workspace import CONFIG_NAME, Workspace, is_run_name


def leftovers(workspace: Workspace) -> list[Path]:
    """What a process left behind that was killed while it wrote: nobody reads it again.

    While something else writes here, what it is just writing is among them.
    """
    found = [
        path
        for name in (CONFIG_NAME, workspace.training_status_path.name)
        for path in workspace.path.glob(f".{name}.????????")
    ]
    for top in (workspace.runs_path, workspace.ladders_path, workspace.exports_path):
        for folder, folders, files in os.walk(top):
            unfinished = set(filter(is_unfinished, folders + files))
            found += [Path(folder, name) for name in unfinished]
            folders[:] = [name for name in folders if name not in unfinished]
    if workspace.runs_path.is_dir():
        found += [
            path
            for path in workspace.runs_path.iterdir()
            if is_run_name(path.name) and path.is_dir() and not (path / CONFIG_FILE).exists()
        ]
    if workspace.importing_path.exists() and workspace.importing_process() is None:
        found.append(workspace.importing_path)
    return sorted(found)


def sweep_status(workspace: Workspace) -> None:
    """Remove what a training left that was killed while it told how it gets on. Only for who
    holds the training lock."""
    for path in workspace.path.glob(f".{workspace.training_status_path.name}.????????"):
        path.unlink(missing_ok=True)


def sweep_run(workspace: Workspace, name: str) -> None:
    """Remove what a training of a run left that was killed while it wrote. Only for who holds
    the training lock; what others may be writing there (memory, spans, reports) stays."""
    run = workspace.run_path(name)
    found = [path for file in TRAINING_FILES for path in run.glob(f".{file}.*")]
    found += (run / CHECKPOINTS_FOLDER).glob(".step-*")
    for path in found:
        if not is_unfinished(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
