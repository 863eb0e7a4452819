"""What is wrong with a value that was typed, or written in a file, in a person's words.

Knows: pydantic's kinds of faults. Does not know where the value stood. Data: the value's name +
`ValidationError` -> "--minutes must be a number, not 'abc'."
"""

from __future__ import annotations

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
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
}

_SHORT = str | int | float
"""What is worth repeating; a whole table is not."""


def fault(name: str, error: ValidationError) -> str:
    """A sentence on the first value that is wrong."""
    first = error.errors()[0]
    wanted = _WANTED.get(first["type"])
    if wanted is not None:
        bounds = {
            key: f"{bound:g}" if isinstance(bound, float) else bound
            for key, bound in first.get("ctx", {}).items()
        }
        return wrong_value(name, wanted.format(**bounds), first["input"])
    reason = first["msg"].removeprefix("Value error, ")
    given = f"; you gave {first['input']!r}" if isinstance(first["input"], _SHORT) else ""
    return f"{name}: {reason[0].lower()}{reason[1:]}{given}."


def wrong_value(name: str, wanted: str, value: Any) -> str:
    """ "--minutes must be a number, not 'abc'."."""
    return f"{name} must be {wanted}, not {value!r}."
