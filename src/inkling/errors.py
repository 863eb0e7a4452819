"""Every error that a user can meet, as one tree.

    InklingError                 exit 1: something failed that the message explains
    ├── UsageError               exit 2: the command was typed in a way that cannot work
    ├── WorkspaceError           no workspace here, not writable, locked by another training
    ├── CorpusError              nothing readable, too little text, an unknown format
    ├── ChatsError               the kept chats cannot be used, or do not allow what was asked
    │   └── ChatNotFoundError    no such conversation, reply or variant
    ├── TokenizerError           text or ids that cannot be encoded or decoded
    ├── RunError                 no such run, a run that cannot do what was asked
    │   └── CheckpointError      a checkpoint that is damaged or of another kind
    ├── ExportError              a run that cannot be exported, a folder that is no export
    ├── TrainingError            training cannot continue (memory, NaN, disk)
    │   └── LostRankError        another process of the same training has ended
    └── ServerError              the web server cannot start (port in use, address refused)

A message is one or two sentences: what happened, what was found, what to type next. Only
`cli` and `server` turn these into exit codes and HTTP statuses. What the system refuses
becomes such a message here as well (`explain_os_error`).
"""

from __future__ import annotations

from pathlib import Path


class InklingError(Exception):
    """Base of all errors meant for a user; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(InklingError):
    """The command itself is wrong: an impossible value, a missing argument."""

    exit_code = 2


class WorkspaceError(InklingError):
    """A workspace is missing, unreadable, read-only or in use."""


class CorpusError(InklingError):
    """Text that cannot be imported, or not enough of it."""


class ChatsError(InklingError):
    """The kept chats cannot be read or written, or do not hold what was asked for."""


class ChatNotFoundError(ChatsError):
    """A conversation, a reply or a variant that is not there."""


class TokenizerError(InklingError):
    """Text that cannot be encoded, or ids that are not in the vocabulary."""


class RunError(InklingError):
    """A run that does not exist or cannot be used as asked."""


class CheckpointError(RunError):
    """A checkpoint that is damaged, incomplete or from another recipe."""


class ExportError(InklingError):
    """A run that cannot be exported exactly, a folder that cannot hold it or is no export."""


class TrainingError(InklingError):
    """Training cannot start or continue."""


class LostRankError(TrainingError):
    """Another process of the same training has ended, or cannot be reached."""


class ServerError(InklingError):
    """The server cannot start."""


def explain_os_error(error: OSError, path: Path, doing: str) -> str:
    """One sentence for a failed file operation, e.g. `doing="write"`."""
    reason = (error.strerror or str(error)).lower()
    advice = {
        "no space left on device": "free some disk space, then run the same command again",
        "permission denied": "check who owns it, or choose another folder with --workspace",
        "read-only file system": "choose a folder you can write to with --workspace",
        "file too large": "raise the file size limit (ulimit -f), then run the same command again",
    }.get(reason, "fix that, then run the same command again")
    return f"Could not {doing} {path}: {reason}. Nothing saved before was lost; {advice}."
