"""A workspace's own defaults: the [train] and [sampling] tables of inkling.toml.

Knows: which keys the tables may hold. Data: inkling.toml + what was typed -> `TrainRequest`,
`SamplingSettings`. What is typed wins.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from inkling.config import REPLY, TEXT, SamplingSettings, TrainRequest
from inkling.errors import UsageError, WorkspaceError
from inkling.training.overrides import parse_overrides
from inkling.training.recipes import RECIPES, is_rung
from inkling.workspace import Workspace

_TRAIN_KEYS = ("minutes", "steps", "recipe", "seed", "eval_every", "save_every", "finetune", "set")


def train_request(
    workspace: Workspace, typed: Mapping[str, Any], overrides: Iterable[str]
) -> TrainRequest:
    """What to train. `typed` holds options, None where one was not given.

    Raises UsageError for a typed value that is out of range, WorkspaceError for one in the file.
    """
    table = _table(workspace, "train", _TRAIN_KEYS)
    given = {key: value for key, value in typed.items() if value is not None}
    # Minutes and steps decide each other: what is typed of one leaves the file's other out.
    if "steps" in given or "minutes" in given:
        table = {key: value for key, value in table.items() if key not in ("minutes", "steps")}
    lines = [f"{key}={value}" for key, value in dict(table.pop("set", {})).items()]
    values = {"recipe": "modern", **table, **given}
    if values["recipe"] not in RECIPES:
        raise UsageError(
            f"There is no recipe called {values['recipe']!r}. There are: {', '.join(RECIPES)}."
        )
    if values.get("minutes") is not None and values.get("steps") is not None:
        raise UsageError("Give --minutes or --steps, not both: each decides the other.")
    for key in ("minutes", "steps", "eval_every", "save_every"):
        value = values.get(key)
        if value is not None and not (isinstance(value, int | float) and 0 < value < 1e9):
            option = f"--{key.replace('_', '-')}"
            where = option if key in given else f"{workspace.config_path}: train.{key}"
            raise UsageError(
                f"{where} must be a number above 0 and below 1,000,000,000; you gave {value}."
            )
    if not 0 <= values.get("seed", 0) < 2**63:
        raise UsageError(f"--seed must be between 0 and 2^63 - 1; you gave {values['seed']}.")
    values["finetune"] = values.get("finetune", True) and not is_rung(values["recipe"])
    values["overrides"] = parse_overrides([*lines, *overrides])
    try:
        return TrainRequest.model_validate(values)
    except ValidationError as error:
        raise WorkspaceError(_explain(workspace, "train", error)) from None


def reply_settings(workspace: Workspace, typed: Mapping[str, Any]) -> SamplingSettings:
    """How to draw a reply to a person: like any text, but in several drafts."""
    return sampling_settings(workspace, typed, REPLY)


def sampling_settings(
    workspace: Workspace, typed: Mapping[str, Any], otherwise: SamplingSettings = TEXT
) -> SamplingSettings:
    """How to draw: what was typed, else what the workspace says, else as `otherwise`.

    Raises UsageError naming the option that is out of range.
    """
    table = _table(workspace, "sampling", tuple(SamplingSettings.model_fields))
    given = {key: value for key, value in typed.items() if value is not None}
    try:
        defaults = SamplingSettings.model_validate({**otherwise.model_dump(), **table})
    except ValidationError as error:
        raise WorkspaceError(_explain(workspace, "sampling", error)) from None
    try:
        return SamplingSettings.model_validate({**defaults.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise UsageError(f"{option}: {reason}; you gave {first['input']}.") from None


def _table(workspace: Workspace, name: str, known: tuple[str, ...]) -> dict[str, Any]:
    config = workspace.read_config()
    if config.get("version", 1) != 1:
        raise WorkspaceError(
            f"{workspace.config_path} is of version {config['version']}; this Inkling knows 1. "
            "Upgrade: pip install --upgrade inkling-gpt."
        )
    table = config.get(name, {})
    if not isinstance(table, dict):
        raise WorkspaceError(f"{workspace.config_path}: {name} should be a table: [{name}].")
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}."
            raise WorkspaceError(f"{workspace.config_path}: [{name}] has no {key!r}; {hint}")
    return dict(table)


def _explain(workspace: Workspace, name: str, error: ValidationError) -> str:
    first = error.errors()[0]
    reason = first["msg"][0].lower() + first["msg"][1:]
    where = ".".join(map(str, first["loc"]))
    return f"{workspace.config_path}: {name}.{where}: {reason}; it says {first['input']}."
