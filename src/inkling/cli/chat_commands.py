"""What can be typed in `inkling chat` besides messages: one table, one function a command.

Knows: names, arguments and help lines; README.md's list is checked against this table.
Data: "/name rest" -> `run_command` -> `ChatSession`. A command is a function of the session
and what stands behind its name, and a line in COMMANDS.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from inkling.chats.records import as_jsonl
from inkling.cli.chat_session import ChatSession
from inkling.config import SamplingSettings
from inkling.config.faults import fault
from inkling.errors import ChatsError, UsageError, explain_os_error
from inkling.permissions import private_opener


@dataclass(frozen=True)
class Command:
    """A command: what stands behind its name, what it does in one line, and its function."""

    arguments: str
    line: str
    run: Callable[[ChatSession, str], None]


def run_command(session: ChatSession, typed: str) -> None:
    """Run what was typed after the slash. Raises UsageError where there is no such command."""
    name, *rest = typed.split(maxsplit=1) or [""]
    command = COMMANDS.get(name.lower())
    if command is None:
        near = difflib.get_close_matches(name.lower(), COMMANDS, 1, 0.5)
        hint = f"Did you mean /{near[0]}?" if near else "/help lists what there is."
        raise UsageError(
            f"There is no command /{name}. {hint} A message may begin with a slash if it is typed "
            "twice: //"
        )
    command.run(session, rest[0].strip() if rest else "")


def listing() -> list[str]:
    """One line a command, as /help and README.md have them."""
    calls = {f"/{name} {command.arguments}".rstrip(): command for name, command in COMMANDS.items()}
    width = max(map(len, calls)) + 2
    return [f"{call:<{width}}{command.line}" for call, command in calls.items()]


def _setting(name: str) -> Callable[[ChatSession, str], None]:
    """A command that shows or sets one sampling setting."""

    def run(session: ChatSession, value: str) -> None:
        if value:
            given = None if name == "seed" and value.lower() == "off" else value
            session.settings = _checked(session.settings, name, given)
        shown = getattr(session.settings, name)
        said = {None: "off: each reply is drawn anew"}.get(shown, f"{shown}")
        session.console.note(f"{name.replace('_', '-')} {said}")

    return run


def _checked(settings: SamplingSettings, name: str, value: str | None) -> SamplingSettings:
    try:
        return SamplingSettings.model_validate({**settings.model_dump(), name: value})
    except ValidationError as error:
        raise UsageError(fault(f"/{name.replace('_', '-')}", error)) from None


def _reset(session: ChatSession, _: str) -> None:
    session.reset()
    session.console.note("A new chat; the model knows nothing of the one before.")


def _regenerate(session: ChatSession, _: str) -> None:
    session.regenerate()


def _edit(session: ChatSession, text: str) -> None:
    if text.lower() == "undo":
        session.undo_correction()
        session.console.note("Undone: the reply is again as the model wrote it.")
        return
    reply = session.last_reply()
    if not text:
        if not session.console.interactive:
            raise UsageError("Type the corrected reply behind it: /edit TEXT")
        try:
            text = session.console.ask("correct it: ", prefilled=reply.text)
        except (EOFError, KeyboardInterrupt):
            session.console.write("\n")
            session.console.note("Left as it is.")
            return
    if session.correct(text):
        session.console.note(
            "Corrected. The next inkling train or inkling finetune learns it; /edit undo takes "
            "it back."
        )
    else:
        session.console.note(
            "Corrected here; it will not be learned, since it was removed from the corpus before."
        )


def _why(session: ChatSession, numbers: str) -> None:
    if numbers not in ("", "numbers"):
        raise UsageError(f"/why takes nothing or numbers; you gave {numbers}.")
    from inkling.cli import memory_text, trace_text
    from inkling.workflows.why import explain

    reply = session.last_reply()
    session.refresh_memory()
    explained = explain(session.workspace, session.messages(), reply.position, session.model)
    console = session.console
    console.note("\n".join(trace_text.lines(explained.copied)))
    numbered = bool(numbers) or not console.styled
    console.note("\n".join(["", *memory_text.lines(explained, numbered)]))
    if explained.memory is not None and explained.memory.neighbours and not numbered:
        console.note("Bold is mostly, underlined partly from memory; /why numbers has the shares:")
        console.note_marked(memory_text.marked(explained.memory.pieces))


def _save(session: ChatSession, target: str) -> None:
    messages = session.messages()
    if not messages or session.conversation is None:
        raise UsageError("There is nothing to save yet. Say something first.")
    path = _free_path(Path(target).expanduser(), session.conversation)
    line = as_jsonl(session.store.summary(session.conversation), messages)
    try:
        with open(path, "x", encoding="utf-8", opener=private_opener) as file:
            try:
                file.write(line)
                file.flush()
            except OSError:
                path.unlink()  # half a file is worse than none
                raise
    except FileExistsError:
        raise ChatsError(
            f"{path} is there already and was left as it is. Choose another name: /save PATH"
        ) from None
    except OSError as error:
        raise ChatsError(explain_os_error(error, path, "write")) from None
    session.console.note(f"Saved as {path}. inkling add can read it.")


def _free_path(path: Path, conversation: int) -> Path:
    """The path itself; in a folder (the one here where none is named) a name not yet taken."""
    if not path.is_dir():
        return path
    number, name = 1, f"chat-{conversation}.jsonl"
    while (path / name).exists():
        number += 1
        name = f"chat-{conversation}-{number}.jsonl"
    return path / name


def _help(session: ChatSession, _: str) -> None:
    keys = (
        "A line that ends with \\ continues in the next one. Ctrl-C stops a reply, Ctrl-D leaves. "
        "// sends a message that begins with a slash."
    )
    session.console.note("\n".join([*listing(), "", keys]))


def _quit(session: ChatSession, _: str) -> None:
    session.leaving = True


COMMANDS: dict[str, Command] = {
    "temperature": Command("[X]", "Show or set; low is safe, high wild.", _setting("temperature")),
    "top-k": Command("[K]", "Show or set; sample from K tokens, 0 for all.", _setting("top_k")),
    "memory": Command(
        "[X]", "Show or set how much replies lean on what you said before, 0 to 1.",
        _setting("memory"),
    ),
    "best-of": Command("[N]", "Show or set; of N drafts the surest is used.", _setting("best_of")),
    "seed": Command("[N|off]", "Show or set; same seed, same reply.", _setting("seed")),
    "regenerate": Command("", "Generate another reply; the earlier ones are kept.", _regenerate),
    "edit": Command("[TEXT|undo]", "Correct the last reply; the next training learns it.", _edit),
    "why": Command(
        "[numbers]", "Show what of the last reply was copied or came from memory, and from where.",
        _why,
    ),
    "save": Command("[PATH]", "Save this chat to a file that inkling add can read.", _save),
    "reset": Command("", "Start a new chat.", _reset),
    "help": Command("", "Show this list.", _help),
    "quit": Command("", "Leave (or press Ctrl-D).", _quit),
}  # fmt: skip
