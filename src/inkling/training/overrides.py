"""Settings that a person sets by hand: `--set train.matrix_lr=0.01` and `inkling.toml`.

Knows: the names of settings and how close a misspelt one is. Does not know what they do.
Data: ("model.n_layer", "3") pairs + `Plan` -> `Plan`. Raises UsageError with what to type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from inkling.config import Plan
from inkling.errors import UsageError

# Decided elsewhere: setting them here would be silently overruled.
_ELSEWHERE = {
    "model.vocab_size": "the tokenizer decides it",
    "model.rung": "choose a --recipe instead",
    "train.steps": "use --steps instead",
    "finetune.steps": "it follows from --steps or --minutes",
}


def parse_overrides(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`KEY=VALUE` texts as pairs."""
    pairs = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"--set needs KEY=VALUE, e.g. --set model.n_layer=3; you gave {text!r}."
            )
        pairs.append((key.strip(), value.strip()))
    return tuple(pairs)


def apply_overrides(plan: Plan, overrides: Iterable[tuple[str, Any]]) -> Plan:
    """The plan with some settings replaced; a misspelt name is answered with the nearest."""
    for key, value in overrides:
        plan = _apply(plan, key, value)
    return plan


def _apply(plan: Plan, key: str, value: Any) -> Plan:
    parts: dict[str, BaseModel] = {"model": plan.model, "train": plan.train}
    if plan.finetune is not None:
        parts["finetune"] = plan.finetune
    known = [f"{part}.{name}" for part, settings in parts.items() for name in _names(settings)]
    if key not in known:
        # The nearest by its last word: the part before the dot is what people leave out.
        usable = [name for name in reversed(known) if name not in _ELSEWHERE]
        last = {name.rsplit(".", 1)[1]: name for name in usable}
        near = [
            last[word]
            for word in difflib.get_close_matches(key.rsplit(".", 1)[-1], list(last), 1, 0.7)
        ]
        hint = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(known)}."
        raise UsageError(f"There is no setting {key!r}.{hint}")
    if key in _ELSEWHERE:
        raise UsageError(f"{key} cannot be set: {_ELSEWHERE[key]}.")
    part, name = key.split(".")
    settings = parts[part]
    try:
        changed = type(settings).model_validate({**settings.model_dump(), name: value})
        return Plan.model_validate({**dict(plan), part: changed})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"{key}: {reason[0].lower()}{reason[1:]}; you gave {value}.") from None


def _names(settings: BaseModel) -> Iterable[str]:
    return type(settings).model_fields
