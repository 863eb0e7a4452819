"""What is wrong with a value that was typed, or written in a file, in a person's words.

Knows: pydantic's kinds of faults. Does not know where the value stood. Data: the value's name +
`ValidationError` -> "--minutes must be a number, not 'abc'."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_WHOLE, _NUMBER, _SWITCH = "a whole number", "a number", "true or false"
_WANTED = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "a finite number",
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "string_too_long": "of at most {max_length} characters",
    "string_too_short": "of at least {min_length} characters",
    "too_long": "of at most {max_length} entries",
    "too_short": "of at least {min_length} entries",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
}

_SHORT = str | int | float
"""What is worth repeating; a whole table is not."""

MOST_REPEATED = 60
"""Characters of a value that are repeated; a longer one is a text, not a slip."""


def fault(name: str, error: ValidationError) -> str:
    """A sentence on the first value that is wrong."""
    return fault_of(name, error.errors()[0])


def fault_of(name: str, found: Mapping[str, Any]) -> str:
    """A sentence on one of pydantic's errors; also of those that FastAPI collects."""
    kind, value = found["type"], found.get("input")
    if kind == "missing":
        return f"{name} is missing."
    if kind == "extra_forbidden":
        return f"There is no field {name}."
    wanted = _WANTED.get(kind)
    if wanted is not None:
        bounds = {
            key: f"{bound:g}" if isinstance(bound, float) else bound
            for key, bound in found.get("ctx", {}).items()
        }
        return wrong_value(name, wanted.format(**bounds), value)
    reason = found["msg"].removeprefix("Value error, ").rstrip(".")
    given = f"; you gave {value!r}" if _is_repeated(value) else ""
    return f"{name}: {reason[0].lower()}{reason[1:]}{given}."


def wrong_value(name: str, wanted: str, value: Any) -> str:
    """ "--minutes must be a number, not 'abc'."."""
    given = f", not {value!r}" if _is_repeated(value) else ""
    return f"{name} must be {wanted}{given}."


def _is_repeated(value: Any) -> bool:
    return isinstance(value, _SHORT) and len(repr(value)) <= MOST_REPEATED
