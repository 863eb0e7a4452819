"""`inkling serve`: the chat in the browser."""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.talk import warn_if_stale
from inkling.errors import UsageError
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.server.trainings import Trainings

HOST, PORT = "127.0.0.1", 5050

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
"""What stands in an address and a cookie without quoting, and is not guessed."""


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = PORT,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="INKLING_TOKEN",
            help="Token, or API key, that every request must bring. Made up for another --host.",
        ),
    ] = None,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to the model in the browser, at http://127.0.0.1:5050."""
    trained: list[str] = []

    def note(trainings: Trainings) -> None:
        if (name := trainings.status().run) is not None:
            trained.append(name)

    try:
        serve_workspace(find_workspace(workspace), host, port, open_page, run, token, on_stop=note)
    finally:
        if trained:
            typer.echo(f"The training of {trained[0]} goes on; inkling serve shows it again.")


def serve_workspace(
    workspace: Workspace,
    host: str = HOST,
    port: int = PORT,
    open_page: bool = True,
    run_name: str | None = None,
    token: str | None = None,
    begin: Callable[[Trainings], None] = lambda trainings: None,
    on_stop: Callable[[Trainings], None] = lambda trainings: None,
) -> None:
    """Serve until Ctrl-C. Off loopback a token is made up and printed, unless one is given.

    `begin` is called once the address is ours, `on_stop` at the first Ctrl-C or SIGTERM.
    """
    if not 0 <= port < 65536:
        raise UsageError(f"--port must be between 0 and 65535; you gave {port}.")
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError(
            "--token must be 16 to 200 letters, digits, '-' or '_'. For a good one: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(16))".'
        )
    from inkling.runs import Run
    from inkling.server.app import bind, make_app
    from inkling.server.security import is_loopback
    from inkling.server.trainings import Trainings

    if run_name:
        Run.open(workspace, run_name)
    name = workspace.name
    listener = bind(host, port)
    trainings = Trainings(workspace)
    begin(trainings)
    import uvicorn

    from inkling.inference.scheduler import Scheduler

    closing = threading.Event()

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if not closing.is_set():
                closing.set()
                on_stop(trainings)
            super().handle_exit(sig, frame)

    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(16)
    scheduler = Scheduler(workspace, run_name)
    app = make_app(scheduler, trainings, name, host, token, closing)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else "")
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=2, server_header=False, ws="none"
    )
    # What is still under way at Ctrl-C is cut off, which is no error of anyone's.
    logging.getLogger("uvicorn.error").addFilter(lambda record: not closing.is_set())
    typer.echo(f"{name} is at {address}  (Ctrl-C stops the server)")
    training = trainings.status().pid is not None
    used = Run.open(workspace, run_name) if run_name else Run.newest(workspace)
    if used is not None:
        warn_if_stale(used)
    elif not training:
        typer.echo("There is no trained model here yet; the page can train one.")
    sys.stdout.flush()
    if open_page and sys.stdout.isatty() and _has_desktop():
        webbrowser.open(address)
    Server(config).run(sockets=[listener])


def _has_desktop() -> bool:
    """Whether a browser window would appear before the person who typed the command. Elsewhere
    `webbrowser` may take over the terminal with a text browser."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform == "darwin":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
