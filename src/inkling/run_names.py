"""Names that new runs get: numbers that were never given before, not those of deleted runs either.

Knows: `.deleted-runs`, a line for each name that was deleted. Does not know what a run holds, or
how one is deleted. Data: names of deleted runs -> `note_deleted` -> the file -> `next_name`.

A saved chat says which run wrote a reply, and a page remembers which run replies: if "modern-1" is
deleted, the next "modern-1" would be taken for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from inkling.atomic_files import atomic_write
from inkling.regular_files import read_regular
from inkling.workspace import Workspace, is_run_name


def next_name(workspace: Workspace, stem: str) -> str:
    """`stem-N` with the first number that no run has or had."""
    taken = {*workspace.run_names(), *_deleted(workspace)}
    return next(name for n in range(1, 1_000_000) if (name := f"{stem}-{n}") not in taken)


def note_deleted(workspace: Workspace, names: Iterable[str]) -> None:
    """Remember names, so that `next_name` does not give them again. Where nothing can be written
    they are forgotten: whoever deletes may do so because the disk is full."""
    known = _deleted(workspace)
    new = [name for name in names if _is_numbered(name) and name not in known]
    if new:
        with contextlib.suppress(OSError):
            lines = "".join(f"{name}\n" for name in [*known, *new])
            atomic_write(workspace.deleted_names_path, lines)


def _is_numbered(name: str) -> bool:
    """Whether `next_name` might give it: what somebody called a run is nobody else's."""
    return name.rpartition("-")[2].isdecimal()


def _deleted(workspace: Workspace) -> list[str]:
    try:
        lines = read_regular(workspace.deleted_names_path).decode("ascii", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if is_run_name(line)]
