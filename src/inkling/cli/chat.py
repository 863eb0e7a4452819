"""`inkling chat`: chat with a model in the terminal, or have a pipe of messages answered.

Knows: the order of things, message after message. What a session does is in `chat_session`,
the slash commands are in `chat_commands`, the terminal is in `console`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from inkling.chats import ChatStore
from inkling.cli.chat_commands import run_command
from inkling.cli.chat_session import ChatSession
from inkling.cli.console import Console
from inkling.cli.generate import load_model_or_warn
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.sampling import with_reply_sampling
from inkling.errors import InklingError
from inkling.settings import reply_settings


@with_reply_sampling
def chat(
    sampling: dict[str, Any],
    private: Annotated[
        bool, typer.Option("--private", help="Do not store this chat in chats.db.")
    ] = False,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Chat with the model; /help lists the commands that can be typed there.

    In a pipe each line is a message, also one that begins with a slash, and standard output carries
    only the replies.
    """
    found = find_workspace(workspace)
    settings = reply_settings(found, sampling)
    model = load_model_or_warn(found, run)
    private = private or not found.is_writable()
    with ChatStore(":memory:" if private else found.chats_path) as store, Console() as console:
        session = ChatSession(found, model, store, console, settings, private)
        if console.interactive:
            _greet(session)
        talk(session)


def _greet(session: ChatSession) -> None:
    console = session.console
    console.note(
        f"You are chatting with {session.name}. /help lists the commands; /quit or Ctrl-D leaves."
    )
    if not session.workspace.is_writable():
        console.note("This workspace can only be read, so nothing of this chat is stored.")
    elif session.private:
        console.note("This chat is private: nothing of it is stored.")
    if not session.model.tuned and session.model.template is None:
        console.note("This run was not fine-tuned on dialogs: it continues what you type.")


def talk(session: ChatSession) -> None:
    """Answer messages until the person leaves or the pipe ends."""
    console = session.console
    while not session.leaving and (text := console.read("you: ")) is not None:
        text = text.strip()
        slashed = console.takes_commands and text.startswith("/")
        is_command = slashed and not text.startswith("//")
        try:
            if is_command:
                run_command(session, text[1:])
            elif text:
                session.send(text[1:] if slashed else text)
            elif console.interactive:
                console.note("Type a message; /help lists the commands, /quit leaves.")
        except KeyboardInterrupt:
            if not console.interactive:
                raise
            console.write("\n")  # a second Ctrl-C: the reply is dropped, the chat continues
        except InklingError as error:
            if not is_command:
                raise  # a message that could not be kept or answered: nor could the next one
            console.note(str(error))
