"""What several test processes need and one of them makes: trained workspaces above all.

Under pytest-xdist each worker is a process with a base folder of its own; their parent is shared.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """A folder that `make` filled, in whichever process asked first. Not to be written to by more
    than one process: copy it."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    # Made where it stays: a corpus remembers the paths of its sources.
    folder, done = root / f"{name}-made-once", root / f"{name}-made-once.done"
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            folder.mkdir()
            here = Path.cwd()
            os.chdir(folder)
            try:
                make(folder)
            finally:
                os.chdir(here)
            done.touch()
    return folder
