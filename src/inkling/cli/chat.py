"""`inkling chat`: talk to a model in the terminal, or have a pipe of messages answered.

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
from inkling.cli.defaults import reply_settings
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.sampling import with_reply_sampling
from inkling.cli.talk import load_voice
from inkling.errors import InklingError


@with_reply_sampling
def chat(
    sampling: dict[str, Any],
    private: Annotated[
        bool, typer.Option("--private", help="Keep nothing of this chat in chats.db.")
    ] = False,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Talk to the model; /help there lists what else can be typed.

    In a pipe each line is a message, and standard output carries the replies alone.
    """
    found = find_workspace(workspace)
    settings = reply_settings(found, sampling)
    voice = load_voice(found, run)
    with ChatStore(":memory:" if private else found.chats_path) as store, Console() as console:
        session = ChatSession(found, voice, store, console, settings, private)
        if console.interactive:
            _greet(session)
        talk(session)


def _greet(session: ChatSession) -> None:
    console = session.console
    console.note(
        f"You are talking to {session.name}. /help lists what else can be typed; "
        "/quit or Ctrl-D leaves."
    )
    if session.private:
        console.note("This chat is private: nothing of it is kept.")
    if not session.voice.tuned:
        console.note("This run was not fine-tuned on dialogs: it goes on from what you type.")


def talk(session: ChatSession) -> None:
    """Answer messages until the person leaves or the pipe ends."""
    console = session.console
    while not session.leaving and (text := console.read("you: ")) is not None:
        text = text.strip()
        is_command = text.startswith("/") and not text.startswith("//")
        try:
            if is_command:
                run_command(session, text[1:])
            elif text:
                session.send(text[1:] if text.startswith("//") else text)
            elif console.interactive:
                console.note("Type a message; /help lists the commands, /quit leaves.")
        except KeyboardInterrupt:
            if not console.interactive:
                raise
            console.write("\n")  # a second Ctrl-C: the reply is dropped, the chat goes on
        except InklingError as error:
            if not is_command:
                raise  # a message that could not be kept or answered: nor could the next one
            console.note(str(error))
