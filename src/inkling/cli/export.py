"""`inkling export` and `import-model`: options, warnings, and the question before anything is
written. Does not know any engine's format (inkling.exports)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.options import JsonOption, RunOption, WorkspaceOption, find_workspace, print_json
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


@export.command("hf", short_help="For transformers and vLLM.")
def huggingface(
    run: RunOption = None,
    to: FolderOption = None,
    force: ForceOption = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a folder that transformers and vLLM load."""
    _export("hf", run, to, force, yes, workspace, as_json)


@export.command("gguf", short_help="For llama.cpp, Ollama and LM Studio.")
def gguf(
    run: RunOption = None,
    gguf_type: Annotated[
        str, typer.Option("--type", help="f32 (exact), f16, or q8_0 (a quarter of the size).")
    ] = "f16",
    to: FolderOption = None,
    force: ForceOption = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a GGUF file for llama.cpp, with a Modelfile for Ollama beside it."""
    _export("gguf", run, to, force, yes, workspace, as_json, gguf_type)


@export.command("mlx", short_help="For mlx-lm on a Mac.")
def mlx(
    run: RunOption = None,
    to: FolderOption = None,
    force: ForceOption = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a folder that mlx-lm loads."""
    _export("mlx", run, to, force, yes, workspace, as_json)


@export.command("page", short_help="One HTML file that chats by itself in a browser.")
def page(
    run: RunOption = None,
    memory: Annotated[
        bool, typer.Option(help="Take along what was really said before, word for word.")
    ] = True,
    to: FolderOption = None,
    force: ForceOption = False,
    yes: YesOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one HTML file that chats in any browser, without a network: to keep, or to send to
    somebody."""
    _export("page", run, to, force, yes, workspace, as_json, memory=memory)


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
    typer.echo(f"Imported {folder} as the run {run.name}. Next: inkling chat --run {run.name}")


def _export(
    kind: ExportKind,
    run: str | None,
    to: Path | None,
    force: bool,
    yes: bool,
    workspace: Path | None,
    as_json: bool,
    gguf_type: str = "f16",
    memory: bool = True,
) -> None:
    from inkling.workflows.export import plan_export

    found = find_workspace(workspace)
    planned = plan_export(found, kind, run, to=to, gguf_type=gguf_type, force=force, memory=memory)
    if not yes:
        without = ["--no-memory leaves the memory out."] if planned.memory else []
        _ask([*planned.warnings, *without], can_ask=sys.stdin.isatty() and not as_json)
    target = planned.write()
    files = sorted(path for path in target.iterdir())
    written = sum(path.stat().st_size for path in files)
    if as_json:
        print_json(
            {
                "run": planned.model.config.name, "kind": kind, "folder": str(target),
                "files": {path.name: path.stat().st_size for path in files},
                "warnings": planned.warnings,
            }
        )  # fmt: skip
        return
    if kind == "page":
        typer.echo(f"Wrote {target / planned.file_name} ({size(written)}). Open it in a browser.")
    else:
        typer.echo(f"Wrote {target} ({size(written)}). README.md there says how to open it.")
    for sentence in planned.memory_warnings:
        typer.echo(sentence)
    typer.echo("Its weights may contain private text: give it only to people who may read that.")


def _ask(warnings: list[str], can_ask: bool) -> None:
    for warning in warnings:
        typer.echo(warning, err=True)
    if warnings and not can_ask:
        raise UsageError(
            "Nobody can be asked here (no terminal, or --json), so add --yes to export it all the "
            "same."
        )
    if warnings:
        typer.confirm("Export it all the same?", abort=True)
