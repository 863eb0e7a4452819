"""Options that several commands share, and the workspace they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.errors import WorkspaceError
from inkling.workspace import Workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The workspace folder; by default the nearest one upward from here.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
RunOption = Annotated[
    str | None,
    typer.Option("--run", help="A run by name; by default the newest.", show_default=False),
]


def find_workspace(path: Path | None) -> Workspace:
    """The workspace that --workspace names, else the nearest upward from here."""
    if path is None:
        return Workspace.find(Path.cwd())
    workspace = Workspace(path.resolve())
    if not workspace.config_path.is_file():
        raise WorkspaceError(
            f"There is no workspace at {path}. Check the path, or make one: inkling init {path}"
        )
    return workspace


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def plural(count: int, noun: str) -> str:
    """ "1 document", "2 documents", "1,204 entries"."""
    if count == 1:
        return f"1 {noun}"
    ending = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {ending}"
