"""Options that several commands share, and the workspace they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.cli.console import echo, escaped_json
from inkling.errors import WorkspaceError
from inkling.workspace import CONFIG_NAME, Workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The workspace folder; by default the nearest one from here upward.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
RunOption = Annotated[
    str | None,
    typer.Option("--run", help="Name of a run; by default the newest.", show_default=False),
]


def find_workspace(path: Path | None) -> Workspace:
    """The workspace that --workspace names, else the nearest upward from here; put right where
    other accounts could read it."""
    workspace = named_workspace(path)
    _keep_private(workspace)
    return workspace


def create_workspace(path: Path, name: str | None = None) -> Workspace:
    """Make a folder a workspace, or take the one that is there, put right like any other."""
    if (path / CONFIG_NAME).is_file():
        _keep_private(Workspace(path.resolve()))
    return Workspace.create(path, name)


def _keep_private(workspace: Workspace) -> None:
    if workspace.close_to_others():
        echo(
            f"Other accounts of this machine could read {workspace.path}. Now only yours can.",
            err=True,
        )


def named_workspace(path: Path | None) -> Workspace:
    """The workspace that is meant, as it is: nothing is changed."""
    if path is None:
        return Workspace.find(Path.cwd())
    workspace = Workspace(path.resolve())
    if not workspace.config_path.is_file():
        raise WorkspaceError(
            f"There is no workspace at {path}. Check the path, or make one: inkling init {path}"
        )
    return workspace


def print_json(value: Any) -> None:
    """Print a value as indented JSON, other alphabets as they are."""
    typer.echo(escaped_json(json.dumps(value, ensure_ascii=False, indent=1)))
