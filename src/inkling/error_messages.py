"""Any exception as one sentence for a person, and the exit status that goes with it.

Knows: what the errors of Inkling, of the command line and of the system mean to someone who
types commands. Does not know where the sentence is shown: a terminal, a run's page, a log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inkling.errors import InklingError, explain_os_error
from inkling.runtime import is_out_of_memory


def sentence_and_status(error: Exception) -> tuple[str, int]:
    """What happened and what to do next; the exit status of a command that ends with it."""
    if isinstance(error, InklingError):
        return str(error), error.exit_code
    if hasattr(error, "exit_code") and hasattr(error, "format_message"):  # of the command line
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "inkling"
        return f"{_command_line_sentence(error)} See: {command} --help", int(error.exit_code)
    if type(error).__name__ == "Abort":
        return "Stopped.", 130
    if isinstance(error, OSError) and error.filename is not None:
        return explain_os_error(error, Path(str(error.filename)), "use"), 1
    if isinstance(error, FileNotFoundError):  # without a name only the working folder can be meant
        return (
            "The folder that you are in was deleted or moved. Change to one that is there, e.g. "
            "cd ~, and run the same command again."
        ), 1
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return (
            f"The system refused: {reason}. Nothing saved before was lost; fix that and try again."
        ), 1
    if is_out_of_memory(error):
        return (
            "There is not enough memory. Close other programs, or train a smaller model with "
            "fewer --minutes. Nothing saved before was lost."
        ), 1
    return (
        f"Inkling failed in a way it should not: {type(error).__name__}: {error}. Nothing saved "
        "before was lost. Run the same command with --debug to see where, and please report it."
    ), 1


def _command_line_sentence(error: Any) -> str:
    from pydantic import ValidationError

    from inkling.config.faults import fault

    option, cause = getattr(error, "param", None), error.__cause__
    if option is not None and isinstance(cause, ValidationError):
        name = max(option.opts, key=len)
        return fault(name if name.startswith("-") else name.upper(), cause)
    return str(error.format_message()).rstrip(".") + "."
