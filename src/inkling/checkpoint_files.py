"""What is written down beside the tensors: a checkpoint's state.json, a run's best.json.

Knows: what they hold, and how damage is noticed before anything is believed. Does not know the
tensors, or which checkpoints there are (inkling.checkpoints).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inkling.config import Phase
from inkling.errors import CheckpointError
from inkling.regular_files import read_json
from inkling.run_files import BEST_FILE, STATE_FILE

FORMAT_VERSION = 1

_Step = Annotated[int, Field(ge=0, lt=2**53, strict=True)]


class _State(BaseModel):
    """What every state.json holds; the rest is the loop's."""

    model_config = ConfigDict(extra="allow")

    version: Annotated[int, Field(strict=True)] = 0
    step: _Step
    phase: Phase
    sha256: dict[str, str]


class BestEntry(BaseModel):
    """What best.json says of a phase. The loss is left out of weights that were imported without
    one."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    step: _Step
    val_nats_per_char: Annotated[float, Field(strict=True)] = 0.0


_BEST = TypeAdapter(dict[Phase, BestEntry])


def read_state(folder: Path) -> dict[str, Any]:
    """A checkpoint's state. Raises ValueError and OSError where it is damaged."""
    state: dict[str, Any] = read_json(folder / STATE_FILE)
    if not isinstance(state, dict):
        raise ValueError(f"{STATE_FILE} holds no state")
    if type(state.get("version")) is int and state["version"] > FORMAT_VERSION:
        raise CheckpointError(
            f"The checkpoint {folder} was written by a newer version of Inkling. "
            "Upgrade: pip install --upgrade inkling-gpt."
        )
    if state.pop("seal", None) != seal(state):
        raise ValueError(f"{STATE_FILE} does not match its checksum")
    try:
        _State.model_validate(state)
    except ValidationError as error:
        raise ValueError(f"{STATE_FILE}: {_first(error)}") from None
    return state


def seal(state: Mapping[str, Any]) -> str:
    """The checksum of a state by itself."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def read_best(run_path: Path) -> dict[Phase, dict[str, float]]:
    """What best.json says; nothing where there is none. Raises CheckpointError."""
    path = run_path / BEST_FILE
    try:
        found = _BEST.validate_python(read_json(path))
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        reason = _first(error)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)
    else:
        return {phase: entry.model_dump(exclude_unset=True) for phase, entry in found.items()}
    raise CheckpointError(
        f"{path} is damaged ({reason}), so that nobody knows which checkpoint is the best. "
        "Restore that file, or train a new run: inkling train."
    )


def _first(error: ValidationError) -> str:
    """The first thing that is wrong."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg'].lower()}"
