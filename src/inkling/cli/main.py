"""The `inkling` command: finds the command group to load, turns errors into one sentence.

Knows: which commands there are. Does not know what they do: each group is a module of this
package that is imported only when one of its commands runs, so `inkling --help` stays fast.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from inkling import __version__
from inkling.cli import COMMAND_STARTED
from inkling.error_messages import sentence_and_status
from inkling.runtime import process_started

# name: (module of inkling.cli, one line for --help)
COMMANDS: dict[str, tuple[str, str]] = {
    "start": ("start", "From a folder of your writing to a chat: all of the below in one."),
    "demo": ("start", "The same with the bundled author, in ./demo-workspace."),
    "init": ("corpus", "Create a workspace."),
    "add": ("add", "Add writing and dialogs to the workspace."),
    "corpus": ("corpus", "Show what the workspace holds, and what was left out."),
    "train": ("train", "Train a model on the workspace's text, then on its dialogs."),
    "finetune": ("train", "Fine-tune a trained run on the dialogs."),
    "runs": ("runs", "List, compare and delete runs."),
    "plot": ("runs", "Draw a run's figures."),
    "ladder": ("ladder", "Train from a bigram to a GPT, and see what each idea buys."),
    "generate": ("generate", "Generate text from a prompt."),
    "chat": ("chat", "Chat with the model in the terminal."),
    "ask": ("ask", "Answer a list of prompts with one run, or two side by side."),
    "trace": ("trace", "Find which words of a text were copied, and from where."),
    "inspect": ("inspect", "Look inside a run: what it computes on a text."),
    "eval": ("eval", "Evaluate a run: losses, baselines, leaks, voice."),
    "guess": ("guess", 'Play "me or the model?": twenty replies, blind.'),
    "export": (
        "export",
        "Write a run for transformers, vLLM, llama.cpp, Ollama, MLX or a browser.",
    ),
    "import-model": ("export", "Bring a model's folder into the workspace as a run."),
    "serve": ("serve", "Chat with the model in the browser, and serve the APIs."),
    "doctor": ("doctor", "Check machine and workspace, and estimate a training."),
}


@contextmanager
def _aborting() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Abort() from None


class LazyGroup(TyperGroup):
    """Lists every command without importing any."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"inkling.cli.{COMMANDS[cmd_name][0]}")
        return _as_command(cmd_name, getattr(module, cmd_name.replace("-", "_")))

    # Of a KeyboardInterrupt in either of these Typer would make an exit with 130 and not a word.
    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _aborting():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        with _aborting():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _as_command(name: str, function: Any) -> TyperCommand | TyperGroup:
    """The command of a function, or of a Typer application with commands of its own."""
    if isinstance(function, typer.Typer):
        group = typer.main.get_group(function)
        group.name = name
        return group
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(function)
    command = typer.main.get_command(single)
    command.name = name
    assert isinstance(command, TyperCommand)
    return command


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    help="Turn your own writing into your own small GPT, on your own machine.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"inkling {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Options before the command's name."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status. No traceback ever reaches a user without --debug."""
    # As the command itself, the clock began with the process, imports included.
    COMMAND_STARTED.set(process_started() if arguments is None else time.time())
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold bytes that are no text: shown escaped, they end nothing.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in arguments
    # --debug may stand anywhere; the commands themselves do not know it.
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        status = app(arguments or ["--help"], prog_name="inkling", standalone_mode=False)
        return int(status or 0)
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130
    except BrokenPipeError:
        # The reader (head, less) went away: not an error, and nothing more to print.
        sys.stdout = None
        return 0
    except Exception as error:
        if debug:
            raise
        sentence, status = sentence_and_status(error)
        _say(sentence)
        return status


def _say(message: str) -> None:
    from inkling.cli.console import visible

    print(f"inkling: {visible(message)}", file=sys.stderr)
