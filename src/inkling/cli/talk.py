"""`inkling generate` and `inkling chat`: text in, streamed text out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli.defaults import sampling_settings
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.config import SamplingSettings

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run
    from inkling.workspace import Workspace

_DEFAULTS = SamplingSettings()


def _option(name: str, flag: str) -> Any:
    """An option with the help text and the default of the setting of that name."""
    description = SamplingSettings.model_fields[name].description
    default = getattr(_DEFAULTS, name)
    shown = f" Default {default:g}." if default is not None and default != () else ""
    # Not typer's default: an option that is not given leaves it to inkling.toml.
    return typer.Option(flag, help=f"{description}{shown}", show_default=False)


Temperature = Annotated[float | None, _option("temperature", "--temperature")]
TopK = Annotated[int | None, _option("top_k", "--top-k")]
TopP = Annotated[float | None, _option("top_p", "--top-p")]
MinP = Annotated[float | None, _option("min_p", "--min-p")]
Penalty = Annotated[float | None, _option("repetition_penalty", "--repetition-penalty")]
MaxTokens = Annotated[int | None, _option("max_tokens", "--max-tokens")]
Seed = Annotated[int | None, _option("seed", "--seed")]
Stop = Annotated[list[str] | None, _option("stop", "--stop")]


def load_voice(workspace: Workspace, run_name: str | None) -> ChatModel:
    """The model of the named run, else of the newest."""
    from inkling.runs import Run

    run = Run.choose(workspace, run_name)
    warn_if_stale(run)
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime

    return ChatModel.load(run, Runtime.detect())


def warn_if_stale(run: Run) -> None:
    """Say once that the person has since forgotten text that this run was trained on."""
    from inkling.runs import STALE

    if run.stale():
        typer.echo(f"The run {run.name!r} was {STALE}", err=True)


def generate(
    prompt: Annotated[str, typer.Option(help="Text to go on from.")] = "",
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    repetition_penalty: Penalty = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    stop: Stop = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Go on from a text, streamed as it is written."""
    found = find_workspace(workspace)
    settings = sampling_settings(
        found,
        {
            "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
            "repetition_penalty": repetition_penalty, "max_tokens": max_tokens, "seed": seed,
            "stop": tuple(stop) if stop else None,
        },
    )  # fmt: skip
    voice = load_voice(found, run)
    _stream(_chain(prompt, voice.complete(prompt, settings)))


def chat(
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    min_p: MinP = None,
    repetition_penalty: Penalty = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    stop: Stop = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to the model. An empty line or Ctrl-D ends; Ctrl-C stops a reply."""
    found = find_workspace(workspace)
    settings = sampling_settings(
        found,
        {
            "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
            "repetition_penalty": repetition_penalty, "max_tokens": max_tokens, "seed": seed,
            "stop": tuple(stop) if stop else None,
        },
    )  # fmt: skip
    name = found.name
    voice = load_voice(found, run)
    if sys.stdin.isatty():
        import readline  # noqa: F401  (gives input() line editing and history)

        typer.echo(f"You are talking to {name}. An empty line ends.")
        if not voice.tuned:
            typer.echo("(This run was not fine-tuned on dialogs: it goes on from what you type.)")
    history: list[tuple[str, str]] = []
    while True:
        try:
            message = input("you: " if sys.stdin.isatty() else "").strip()
        except EOFError:
            break
        if not message:
            break
        reply = ""
        if sys.stdin.isatty():
            sys.stdout.write(f"{name}: ")
        try:
            for piece in voice.reply(message, history, settings):
                reply += piece
                sys.stdout.write(piece)
                sys.stdout.flush()
        except KeyboardInterrupt:
            sys.stdout.write(" (stopped)")
        sys.stdout.write("\n")
        history += [("them", message), ("me", reply)] if reply else []


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _stream(pieces: Iterator[str]) -> None:
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
