"""The sampling options, declared once for every command that generates text.

Knows: how a field of `SamplingSettings` becomes an option. Data: what was typed -> `sampling`, a
dict of the settings that were given, for `settings.sampling_settings`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from inkling.cli.options import in_place_of
from inkling.config import REPLY, TEXT, SamplingSettings


def with_reply_sampling(command: Callable[..., None]) -> Callable[..., None]:
    """`with_sampling` for a command that generates replies."""
    return with_sampling(command, REPLY)


def with_sampling(
    command: Callable[..., None], defaults: SamplingSettings = TEXT
) -> Callable[..., None]:
    """Put an option for each sampling setting in the place of the parameter `sampling`."""
    return in_place_of("sampling", _options(defaults), _given, command)


def _given(typed: dict[str, Any]) -> dict[str, Any]:
    typed["stop"] = tuple(typed["stop"]) if typed["stop"] else None
    return {name: value for name, value in typed.items() if value is not None}


def _options(defaults: SamplingSettings) -> list[inspect.Parameter]:
    options = []
    for name, field in SamplingSettings.model_fields.items():
        if name == "memory" and defaults is TEXT:
            continue  # it is of replies; a text that is continued has none
        default = getattr(defaults, name)
        shown = f" Default {default:g}." if isinstance(default, int | float) else ""
        flag = f"--{name.replace('_', '-')}"
        # Not typer's default: an option that is not given leaves it to inkling.toml.
        option = typer.Option(flag, help=f"{field.description}{shown}", show_default=False)
        kind: Any = list[str] if name == "stop" else field.annotation
        options.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )
        )
    return options
