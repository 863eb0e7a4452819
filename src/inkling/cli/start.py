"""`inkling start` and `demo`: everything from text to a chat in the browser, in one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from inkling.cli import COMMAND_STARTED
from inkling.cli.add_progress import ImportLine
from inkling.cli.add_text import print_result
from inkling.cli.console import echo
from inkling.cli.options import create_workspace
from inkling.cli.serve import HOST, PORT, serve_workspace
from inkling.cli.train_and_serve import train_while_serving
from inkling.cli.training_view import ResumeView, TrainingView, finish
from inkling.corpus.demo import demo_corpus
from inkling.errors import UsageError
from inkling.settings import train_request
from inkling.workflows.add import add
from inkling.workflows.addresses import check_targets, short_name, target_of
from inkling.workspace import CONFIG_NAME, Workspace

DEMO_WORKSPACE = Path("demo-workspace")
DEMO_NAME = "Wilma"
DEMO_MINUTES = 3.4
START_WORKSPACE = Path("inkling-workspace")

PortOption = Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")]
HostOption = Annotated[str, typer.Option(help="Address of the page.")]
OpenOption = Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")]
ServeOption = Annotated[
    bool,
    typer.Option("--serve/--no-serve", help="Serve the page while the model trains and after."),
]


def start(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|URL", help="Folders or files of your writing, or addresses of it."
        ),
    ],
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
        float | None, typer.Option(help="Minutes of training. Default 3.", show_default=False)
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Skip the questions and use the defaults.")
    ] = False,
    serve: ServeOption = True,
    host: HostOption = HOST,
    port: PortOption = PORT,
    open_page: OpenOption = True,
) -> None:
    """From a folder of your writing to a chat with your own model."""
    targets = [target_of(path) for path in paths]
    check_targets(targets)
    if minutes is not None and not 0 < minutes < 1e6:
        raise UsageError(f"--minutes must be more than 0; you gave {minutes:g}.")
    asking = sys.stdin.isatty() and not yes
    default_name = me or short_name(targets[0])
    if asking and name is None and not (workspace / CONFIG_NAME).exists():
        name = typer.prompt("What should your model be called?", default=default_name)
    found = create_workspace(workspace, name or default_name)
    planned = train_request(found, {"minutes": minutes})  # a wrong inkling.toml is noticed first
    if asking and planned.minutes is None and planned.steps is None:
        minutes = typer.prompt("How many minutes may it train?", default=3.0, type=float)
        if not 0 < minutes < 1e6:
            raise UsageError(f"The minutes must be more than 0; you gave {minutes:g}.")
    with ImportLine() as line:
        results = add(found, targets, me=me, progress=line.show, waiting=line.waiting)
    for source, result in results.items():
        print_result(source, result, me)
    _train_and_serve(found, minutes, serve, host, port, open_page)


def demo(
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Where to keep the demo.")
    ] = DEMO_WORKSPACE,
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = DEMO_MINUTES,
    serve: ServeOption = True,
    host: HostOption = HOST,
    port: PortOption = PORT,
    open_page: OpenOption = True,
) -> None:
    """Train on the bundled author's newsletter and messages, then chat with the result."""
    if not 0 < minutes < 1e6:
        raise UsageError(f"--minutes must be more than 0; you gave {minutes:g}.")
    corpus = demo_corpus()
    found = create_workspace(workspace, DEMO_NAME)
    results = add(found, [corpus / "posts", corpus / "dms.txt"])
    for source, result in results.items():
        print_result(Path(source).name, result)
    _train_and_serve(found, minutes, serve, host, port, open_page)


def _train_and_serve(
    workspace: Workspace,
    minutes: float | None,
    serve: bool,
    host: str,
    port: int,
    open_page: bool,
) -> None:
    """Train unless a finished run of this very corpus is there; continue one that was stopped."""
    from inkling.corpus.store import CorpusStore
    from inkling.runs import Run

    with CorpusStore(workspace.corpus_path) as store:
        corpus_hash = store.corpus_hash()
    configs = [run.config() for run in Run.readable(workspace) if not run.is_rung()]
    same = [config for config in configs if config.data.corpus_hash == corpus_hash]
    trained = same[-1].name if same and same[-1].complete else None
    unfinished = same[-1].name if same and not same[-1].complete else None
    if trained is not None:
        echo(f"Run {trained} is already trained on this text.")
        if serve:
            serve_workspace(workspace, host, port, open_page)
    elif serve:
        train_while_serving(workspace, minutes, unfinished, host, port, open_page)
    else:
        _train(workspace, minutes, unfinished)


def _train(workspace: Workspace, minutes: float | None, unfinished: str | None) -> None:
    from inkling.workflows.train import resume, train

    started = COMMAND_STARTED.get()
    if unfinished is not None:
        with ResumeView() as view:
            result = resume(workspace, unfinished, callbacks=view, started=started)
    else:
        with TrainingView() as view:
            result = train(workspace, minutes=minutes, callbacks=view, started=started)
    finish(result)
