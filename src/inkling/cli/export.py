"""`inkling export` and `import-model`: options, warnings, and the question before anything is
written. Does not know any engine's format (inkling.exports)."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.console import echo
from inkling.cli.options import (
    JsonOption,
    RunOption,
    WorkspaceOption,
    find_workspace,
    in_place_of,
    print_json,
)
from inkling.errors import UsageError
from inkling.wording import size

if TYPE_CHECKING:
    from inkling.exports.kinds import ExportKind

FolderOption = Annotated[
    Path | None,
    typer.Option(
        help="The folder to write; by default exports/RUN-KIND in the workspace.",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an export that is there.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Write it whatever the warnings say.")]

export = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write a run in the form of another engine.",
)


@dataclass(frozen=True)
class _Asked:
    """What every form of export is asked, as options."""

    to: FolderOption = None
    force: ForceOption = False
    yes: YesOption = False
    workspace: WorkspaceOption = None
    as_json: JsonOption = False


def _with_asked(command: Callable[..., None]) -> Callable[..., None]:
    """Put an option for each field of `_Asked` in the place of the parameter `asked`."""
    options = list(inspect.signature(_Asked, eval_str=True).parameters.values())
    return in_place_of("asked", options, lambda typed: _Asked(**typed), command)


@export.command("hf", short_help="For transformers and vLLM.")
@_with_asked
def huggingface(run: RunOption = None, *, asked: _Asked) -> None:
    """Write a folder that transformers and vLLM load."""
    _export("hf", run, asked)


@export.command("gguf", short_help="For llama.cpp, Ollama and LM Studio.")
@_with_asked
def gguf(
    run: RunOption = None,
    gguf_type: Annotated[
        str, typer.Option("--type", help="f32 (exact), f16, or q8_0 (a quarter of the size).")
    ] = "f16",
    *,
    asked: _Asked,
) -> None:
    """Write a GGUF file for llama.cpp, with a Modelfile for Ollama beside it."""
    _export("gguf", run, asked, gguf_type)


@export.command("mlx", short_help="For mlx-lm on a Mac.")
@_with_asked
def mlx(run: RunOption = None, *, asked: _Asked) -> None:
    """Write a folder that mlx-lm loads."""
    _export("mlx", run, asked)


@export.command("page", short_help="One HTML file that chats by itself in a browser.")
@_with_asked
def page(
    run: RunOption = None,
    memory: Annotated[
        bool, typer.Option(help="Take along what was really said before, word for word.")
    ] = True,
    *,
    asked: _Asked,
) -> None:
    """Write one HTML file that chats in any browser, without a network: to keep, or to send to
    somebody."""
    _export("page", run, asked, memory=memory)


def import_model(
    folder: Annotated[
        Path, typer.Argument(help="An exported folder (hf, mlx), or any Qwen3 from Hugging Face.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the new run.", show_default=False)
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring a model's folder into the workspace as a run."""
    from inkling.workflows.export import import_model as bring_in

    run = bring_in(find_workspace(workspace), folder, name)
    echo(f"Imported {folder} as the run {run.name}. Next: inkling chat --run {run.name}")


def _export(
    kind: ExportKind,
    run: str | None,
    asked: _Asked,
    gguf_type: str = "f16",
    memory: bool = True,
) -> None:
    from inkling.workflows.export import plan_export

    planned = plan_export(
        find_workspace(asked.workspace), kind, run,
        to=asked.to, gguf_type=gguf_type, force=asked.force, memory=memory,
    )  # fmt: skip
    if not asked.yes:
        without = ["--no-memory leaves the memory out."] if planned.memory else []
        _ask([*planned.warnings, *without], can_ask=sys.stdin.isatty() and not asked.as_json)
    target = planned.write()
    files = sorted(path for path in target.iterdir())
    written = sum(path.stat().st_size for path in files)
    if asked.as_json:
        print_json(
            {
                "run": planned.model.config.name, "kind": kind, "folder": str(target),
                "files": {path.name: path.stat().st_size for path in files},
                "warnings": planned.warnings,
            }
        )  # fmt: skip
        return
    if kind == "page":
        echo(f"Wrote {target / planned.file_name} ({size(written)}). Open it in a browser.")
    else:
        echo(f"Wrote {target} ({size(written)}). README.md there says how to open it.")
    for sentence in planned.memory_warnings:
        echo(sentence)
    typer.echo("Its weights may contain private text: give it only to people who may read that.")


def _ask(warnings: list[str], can_ask: bool) -> None:
    for warning in warnings:
        echo(warning, err=True)
    if warnings and not can_ask:
        raise UsageError(
            "Nobody can be asked here (no terminal, or --json), so add --yes to export it all the "
            "same."
        )
    if warnings:
        typer.confirm("Export it all the same?", abort=True)
