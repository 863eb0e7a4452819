"""Options that several commands share, and the workspace they name."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
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


def in_place_of(
    name: str,
    options: Sequence[inspect.Parameter],
    gather: Callable[[dict[str, Any]], Any],
    command: Callable[..., None],
) -> Callable[..., None]:
    """The command with `options` in the place of its parameter `name`, which is given what `gather`
    makes of them."""
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        found = options if parameter.name == name else [parameter]
        parameters += [entry.replace(kind=inspect.Parameter.KEYWORD_ONLY) for entry in found]

    def with_options(**given: Any) -> None:
        typed = {option.name: given.pop(option.name) for option in options}
        command(**given, **{name: gather(typed)})

    # Typer reads a command's options from these.
    with_options.__doc__ = command.__doc__
    with_options.__name__ = command.__name__
    with_options.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return with_options


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
