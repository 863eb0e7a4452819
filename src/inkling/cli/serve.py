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
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.console import echo
from inkling.cli.generate import warn_if_stale
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.errors import UsageError, explain_os_error
from inkling.settings import reply_settings, sampling_settings
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.server.training_process import TrainingProcess

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
            help="Token, or API key, that every request must bring. Generated for another --host. "
            "Lists of processes show it: better in the environment, or --token-file.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file that holds the token; unlike --token, no list of processes shows it.",
            show_default=False,
        ),
    ] = None,
    any_account: Annotated[
        bool,
        typer.Option(
            "--any-account",
            help="Answer every account of this machine, e.g. a reverse proxy under its own.",
        ),
    ] = False,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Chat with the model in the browser, at http://127.0.0.1:5050, and serve the APIs."""
    trained: list[str] = []

    def note(trainings: TrainingProcess) -> None:
        if (name := trainings.status().run) is not None:
            trained.append(name)

    if token_file is not None:
        token = _token_in(token_file)
    try:
        serve_workspace(
            find_workspace(workspace),
            host,
            port,
            open_page,
            run,
            token,
            any_account=any_account,
            on_stop=note,
        )
    finally:
        if trained:
            echo(f"The training of {trained[0]} continues; inkling serve shows it again.")


def serve_workspace(
    workspace: Workspace,
    host: str = HOST,
    port: int = PORT,
    open_page: bool = True,
    run_name: str | None = None,
    token: str | None = None,
    any_account: bool = False,
    begin: Callable[[TrainingProcess], None] = lambda trainings: None,
    on_stop: Callable[[TrainingProcess], None] = lambda trainings: None,
) -> None:
    """Serve until Ctrl-C. Off loopback, and where the system does not tell whose a connection is, a
    token is generated and printed, unless one is given; else only this account is answered, or with
    `any_account` every one of this machine.

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
    from inkling.server.account import owners_are_known
    from inkling.server.app import bind, create_app
    from inkling.server.connections import server_config
    from inkling.server.security import is_loopback
    from inkling.server.services import SamplingDefaults
    from inkling.server.training_process import TrainingProcess
    from inkling.workflows.speaker import speaker_name

    if run_name:
        Run.open(workspace, run_name)
    name = workspace.name
    defaults = SamplingDefaults(
        page=reply_settings(workspace, {}), api=sampling_settings(workspace, {})
    )
    listener = bind(host, port)
    trainings = TrainingProcess(workspace)
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

    if token is None and not (is_loopback(host) and (any_account or owners_are_known())):
        token = secrets.token_urlsafe(16)
    scheduler = Scheduler(workspace, run_name)
    app = create_app(scheduler, trainings, name, host, token, closing, defaults, any_account)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}/" + (f"?token={token}" if token else "")
    config = server_config(app)
    # What is still under way at Ctrl-C is cut off, which is no error of anyone's.
    logging.getLogger("uvicorn.error").addFilter(lambda record: not closing.is_set())
    echo(f"{speaker_name(workspace)} is at {address}  (Ctrl-C stops the server)")
    training = trainings.status().pid is not None
    used = Run.open(workspace, run_name) if run_name else Run.newest(workspace)
    if used is not None:
        warn_if_stale(used)
    elif not training:
        echo("There is no trained model here yet; the page can train one.")
    sys.stdout.flush()
    if open_page and sys.stdout.isatty() and _has_desktop():
        webbrowser.open(address)
    Server(config).run(sockets=[listener])


def _token_in(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(explain_os_error(error, path, "read the token in")) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} does not hold a token: it is no text.") from None


def _has_desktop() -> bool:
    """Whether a browser window would appear before the person who typed the command. Elsewhere
    `webbrowser` may take over the terminal with a text browser."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if sys.platform == "darwin":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
