"""Notes on a run that is there already: its title, and what of its text was forgotten since.

Knows: title.txt and stale.json. Does not know the rest of a run's folder (inkling.runs).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inkling.atomic_files import atomic_write
from inkling.errors import WorkspaceError, explain_os_error
from inkling.regular_files import read_json, read_regular
from inkling.run_files import STALE_FILE, TITLE_FILE

STALE = "trained on text that has since been forgotten; train a new one: inkling train."

MAX_TITLE = 60
"""Characters."""


def run_title(text: str) -> str:
    """A title as it is kept: one line of readable characters, cut where it is too long."""
    readable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(readable.split())[:MAX_TITLE].strip()


def read_title(run_path: Path) -> str:
    """What a person calls the run; empty where nobody named it."""
    try:
        return run_title(read_regular(run_path / TITLE_FILE).decode("utf-8", "replace"))
    except OSError:
        return ""


def write_title(run_path: Path, title: str) -> None:
    """Call the run something, or with an empty title nothing. Raises WorkspaceError."""
    title, path = run_title(title), run_path / TITLE_FILE
    try:
        if title:
            atomic_write(path, title + "\n")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkspaceError(explain_os_error(error, path, "write")) from error


def add_stale(run_path: Path, entry: Mapping[str, Any]) -> None:
    """Record what of the run's text has been forgotten, unless that is recorded already."""
    known = read_stale(run_path)
    if not any(entry.items() <= other.items() for other in known):
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        content = json.dumps({"forgotten": [*known, {"when": now, **entry}]}, indent=1)
        atomic_write(run_path / STALE_FILE, content + "\n")


def read_stale(run_path: Path) -> list[dict[str, Any]]:
    """What was forgotten since the run was trained; empty where nothing was."""
    path = run_path / STALE_FILE
    if not path.exists():
        return []
    try:
        found = read_json(path)["forgotten"]
        noted = [entry for entry in found if isinstance(entry, dict)]
    except (OSError, ValueError, KeyError, TypeError):
        noted = []
    return noted or [{"what": "unknown"}]  # a damaged note is still a note
