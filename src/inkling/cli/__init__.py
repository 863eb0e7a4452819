"""The command line: one file a command group, shared options, the live line."""

from __future__ import annotations

from contextvars import ContextVar

COMMAND_STARTED: ContextVar[float] = ContextVar("command_started")
"""`time.time()` at which the running command began; `--minutes` counts from there."""
