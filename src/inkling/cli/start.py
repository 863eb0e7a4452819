"""`inkling start` and `demo`: everything from text to a chat in the browser, in one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from inkling.cli.corpus import add_paths, print_result
from inkling.cli.serve import HOST, PORT, serve_workspace
from inkling.cli.train import resume_training, train_new
from inkling.cli.train_and_serve import train_while_serving
from inkling.config import TrainRequest
from inkling.errors import InklingError, UsageError
from inkling.workspace import Workspace

DEMO_WORKSPACE = Path("demo-workspace")
DEMO_NAME = "Wilma"
DEMO_MINUTES = 3.4
START_WORKSPACE = Path("inkling-workspace")

PortOption = Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")]
HostOption = Annotated[str, typer.Option(help="Address of the page.")]
OpenOption = Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")]
ServeOption = Annotated[
    bool, typer.Option("--serve/--no-serve", help="Serve the chat when training is done.")
]


def start(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files of your writing.")],
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Where to keep text and models.")
    ] = START_WORKSPACE,
    name: Annotated[
        str | None, typer.Option(help="What the model is called.", show_default=False)
    ] = None,
    me: Annotated[
        str | None,
        typer.Option(help="Your name in dialogs, where it is not `me`.", show_default=False),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Time for training. Default 3.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, take the defaults.")] = False,
    serve: ServeOption = True,
    host: HostOption = HOST,
    port: PortOption = PORT,
    open_page: OpenOption = True,
) -> None:
    """From a folder of writing to a chat with your own model."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"There is nothing at {path}. Check the spelling of the path.")
    if minutes is not None and not 0 < minutes < 1e6:
        raise UsageError(f"--minutes must be more than 0; you gave {minutes:g}.")
    asking = sys.stdin.isatty() and not yes
    if asking and name is None and not (workspace / "inkling.toml").exists():
        name = typer.prompt(
            "What should your model be called?", default=me or paths[0].resolve().stem
        )
    if asking and minutes is None:
        minutes = typer.prompt("How many minutes may it train?", default=3.0, type=float)
        if not 0 < minutes < 1e6:
            raise UsageError(f"The minutes must be more than 0; you gave {minutes:g}.")
    found = Workspace.create(workspace, name or me or paths[0].resolve().stem)
    for source, result in add_paths(found, paths, me).items():
        print_result(source, result, me)
    _train_and_serve(found, minutes, serve, host, port, open_page)


def demo(
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Where to keep the demo.")
    ] = DEMO_WORKSPACE,
    minutes: Annotated[float, typer.Option(help="Time for training.")] = DEMO_MINUTES,
    serve: ServeOption = True,
    host: HostOption = HOST,
    port: PortOption = PORT,
    open_page: OpenOption = True,
) -> None:
    """Train on the bundled author's newsletter and messages, then chat with the result."""
    if not 0 < minutes < 1e6:
        raise UsageError(f"--minutes must be more than 0; you gave {minutes:g}.")
    corpus = demo_corpus()
    found = Workspace.create(workspace, DEMO_NAME)
    results = add_paths(found, [corpus / "posts", corpus / "dms.txt"])
    for source, result in results.items():
        print_result(Path(source).name, result)
    _train_and_serve(found, minutes, serve, host, port, open_page)


def demo_corpus() -> Path:
    """The demo corpus: inside the installed package, or beside it in a source checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "demo", package.parent.parent / "demo"):
        if (folder / "dms.txt").is_file():
            return folder
    raise InklingError(
        "The demo corpus is not in this installation. Reinstall: "
        "pip install --force-reinstall inkling-gpt."
    )


def _train_and_serve(
    workspace: Workspace,
    minutes: float | None,
    serve: bool,
    host: str,
    port: int,
    open_page: bool,
) -> None:
    """Train unless a finished run of this very corpus is there; go on with a stopped one."""
    from inkling.corpus.store import CorpusStore
    from inkling.runs import Run

    with CorpusStore(workspace.corpus_path) as store:
        corpus_hash = store.corpus_hash()
    configs = [run.config() for run in Run.readable(workspace) if not run.is_rung()]
    same = [config for config in configs if config.data.corpus_hash == corpus_hash]
    trained = same[-1].name if same and same[-1].complete else None
    unfinished = same[-1].name if same and not same[-1].complete else None
    if trained is not None:
        typer.echo(f"Run {trained} is already trained on this text.")
        if serve:
            serve_workspace(workspace, host, port, open_page)
    elif serve:
        train_while_serving(workspace, minutes, unfinished, host, port, open_page)
    elif unfinished is not None:
        resume_training(workspace, unfinished)
    else:
        train_new(workspace, TrainRequest(minutes=minutes))
