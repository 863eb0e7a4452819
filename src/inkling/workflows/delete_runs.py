"""Runs deleted for good."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from inkling.errors import WorkspaceError, explain_os_error
from inkling.run_names import note_deleted
from inkling.workspace import Workspace


def delete_runs(workspace: Workspace, folders: Iterable[Path]) -> None:
    """Delete the folders of runs. Raises WorkspaceError while a training holds the lock: it may
    be writing into one of them."""
    with workspace.training_lock():
        for folder in folders:
            note_deleted(workspace, [folder.name])
            # Renamed first: a crash while deleting must not leave half a run.
            hidden = folder.with_name(f".{folder.name}.old")
            try:
                shutil.rmtree(hidden, ignore_errors=True)  # what such a crash left
                folder.rename(hidden)
                shutil.rmtree(hidden)
            except OSError as error:
                raise WorkspaceError(explain_os_error(error, folder, "delete")) from error
