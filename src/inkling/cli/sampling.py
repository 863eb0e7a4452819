"""The sampling options, declared once for every command that generates text.

Knows: how a field of `SamplingSettings` becomes an option. Data: what was typed -> `sampling`, a
dict of the settings that were given, for `settings.sampling_settings`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from inkling.config import REPLY, TEXT, SamplingSettings


def with_reply_sampling(command: Callable[..., None]) -> Callable[..., None]:
    """`with_sampling` for a command that generates replies."""
    return with_sampling(command, REPLY)


def with_sampling(
    command: Callable[..., None], defaults: SamplingSettings = TEXT
) -> Callable[..., None]:
    """Put an option for each sampling setting in the place of the parameter `sampling`."""
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        found = _options(defaults) if parameter.name == "sampling" else [parameter]
        parameters += [entry.replace(kind=inspect.Parameter.KEYWORD_ONLY) for entry in found]

    def with_options(**given: Any) -> None:
        typed = {name: given.pop(name, None) for name in SamplingSettings.model_fields}
        typed["stop"] = tuple(typed["stop"]) if typed["stop"] else None
        sampling = {name: value for name, value in typed.items() if value is not None}
        command(sampling=sampling, **given)

    # Typer reads a command's options from these.
    with_options.__doc__ = command.__doc__
    with_options.__name__ = command.__name__
    with_options.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return with_options


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
