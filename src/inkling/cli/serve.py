"""`inkling serve`: the chat in the browser."""

from __future__ import annotations

import secrets
import sys
import webbrowser
from typing import Annotated

import typer

from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.talk import warn_if_stale
from inkling.errors import UsageError
from inkling.workspace import Workspace

HOST, PORT = "127.0.0.1", 5050


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = HOST,
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = PORT,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to the model in the browser, at http://127.0.0.1:5050."""
    serve_workspace(find_workspace(workspace), host, port, open_page, run)


def serve_workspace(
    workspace: Workspace,
    host: str = HOST,
    port: int = PORT,
    open_page: bool = True,
    run_name: str | None = None,
) -> None:
    """Serve until Ctrl-C. Off loopback a token is made up and printed."""
    if not 0 <= port < 65536:
        raise UsageError(f"--port must be between 0 and 65535; you gave {port}.")
    from inkling.runs import Run
    from inkling.server.app import bind, make_app  # before torch: a port in use is told at once
    from inkling.server.security import is_loopback

    if run_name:
        Run.open(workspace, run_name)
    name = workspace.name
    listener = bind(host, port)
    import uvicorn

    from inkling.inference.scheduler import Scheduler
    from inkling.runtime import Runtime

    token = None if is_loopback(host) else secrets.token_urlsafe(16)
    scheduler = Scheduler(workspace, Runtime.detect(), run_name)
    app = make_app(scheduler, name, host, token)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else "")
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=2, server_header=False, ws="none"
    )
    typer.echo(f"{name} is at {address}  (Ctrl-C stops the server)")
    used = Run.open(workspace, run_name) if run_name else Run.newest(workspace)
    if used is not None:
        warn_if_stale(used)
    if used is None:
        typer.echo("There is no trained model here yet; train one meanwhile: inkling train.")
    sys.stdout.flush()
    if open_page and sys.stdout.isatty():
        webbrowser.open(address)
    uvicorn.Server(config).run(sockets=[listener])
