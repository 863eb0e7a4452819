"""Settings that a person sets by hand: `--set train.matrix_lr=0.01` and `inkling.toml`.

Knows: the names of settings and how close a misspelt one is. Does not know what they do.
Data: ("model.n_layer", "3") pairs + `TrainingPlan` -> `TrainingPlan`. Raises UsageError with what
to type.

The documented name of a setting is part and name, `train.matrix_lr`, as in config.json; with its
group, `train.optimizer.matrix_lr`, it is understood as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from inkling.config import TrainingPlan, TrainingSettings
from inkling.config.faults import fault
from inkling.config.training import FLAT_NAMES
from inkling.errors import UsageError

# Decided elsewhere: setting them here would be silently overruled.
_ELSEWHERE = {
    "model.vocab_size": "the tokenizer decides it",
    "model.rung": "choose a --recipe instead",
    "train.steps": "use --steps instead",
    "finetune.steps": "it follows from --steps or --minutes",
}

# The long form of each name -> the documented one.
_GROUPED = {
    f"{phase}.{group}.{name}": f"{phase}.{flat}"
    for phase in ("train", "finetune")
    for flat, (group, name) in FLAT_NAMES.items()
}


def apply_overrides(plan: TrainingPlan, overrides: Iterable[tuple[str, Any]]) -> TrainingPlan:
    """The plan with some settings replaced, in any order.

    Raises UsageError for a misspelt name, with the nearest that there is, for a value out of
    range, and for values that do not go together.
    """
    parts = _parts(plan)
    for key, value in overrides:
        _apply(parts, key, value)
    try:
        return TrainingPlan.model_validate({**dict(plan), **parts})
    except ValidationError as error:
        raise UsageError(f"These settings do not go together: {_reason(error)}.") from None


def check_each(plan: TrainingPlan, overrides: Iterable[tuple[str, Any]]) -> None:
    """Raises UsageError for a name or a value that is wrong in every plan with the parts of this
    one. Values that only do not go with others here are let pass."""
    for key, value in overrides:
        _apply(_parts(plan), key, value, alone=True)


def _parts(plan: TrainingPlan) -> dict[str, BaseModel]:
    parts: dict[str, BaseModel] = {"model": plan.model, "train": plan.train}
    if plan.finetune is not None:
        parts["finetune"] = plan.finetune
    return parts


def _apply(parts: dict[str, BaseModel], typed: str, value: Any, *, alone: bool = False) -> None:
    known = [f"{part}.{name}" for part, settings in parts.items() for name in _names(settings)]
    key = _GROUPED.get(typed, typed)
    if key not in known:
        # The nearest by its last word: the part before the dot is what people leave out.
        usable = [name for name in reversed(known) if name not in _ELSEWHERE]
        last = {name.rsplit(".", 1)[1]: name for name in usable}
        near = [
            last[word]
            for word in difflib.get_close_matches(key.rsplit(".", 1)[-1], list(last), 1, 0.7)
        ]
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
        raise UsageError(f"There is no setting {typed!r}.{hint}")
    if key in _ELSEWHERE:
        raise UsageError(f"{typed} cannot be set: {_ELSEWHERE[key]}.")
    part, name = key.split(".")
    settings = parts[part]
    try:
        parts[part] = type(settings).model_validate({**settings.model_dump(), name: value})
    except ValidationError as error:
        if alone and not any(entry["loc"][-1:] == (name,) for entry in error.errors()):
            return
        raise UsageError(fault(typed, error)) from None


def _reason(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")


def _names(settings: BaseModel) -> Iterable[str]:
    return FLAT_NAMES if isinstance(settings, TrainingSettings) else type(settings).model_fields
