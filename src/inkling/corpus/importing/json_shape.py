"""What is read of the objects in a list of JSON: their fields, declared.

Knows: how an object becomes a `Shape`, decoded by msgspec or put together from a dict. Does not
know: files, where an object stands in one, any source.
Data: text of a list -> `decoder` -> shapes; a dict -> `shaped` -> a shape.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec


class Broken:
    """What stands for a value that is no JSON."""


BROKEN: Final = Broken()


class Shape(msgspec.Struct, frozen=True, gc=False):
    """What is read of the objects of a list: each field is a key and has a default. Other keys are
    passed over, which takes a fraction of the time of decoding them.

    Any value may stand in any field, as in a dict, so annotate with Any; with another shape where
    most often an object of that shape stands.
    """


UNREAD: Final = msgspec.Raw(b"null")
"""The default of a field that is annotated with `msgspec.Raw`, as one that is rarely wanted: it is
decoded by `unread`."""


def unread(value: object) -> Any:
    """The value of a field that may not have been decoded yet; BROKEN where it cannot be."""
    if not isinstance(value, msgspec.Raw):
        return value
    try:
        return json.loads(bytes(value).decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return BROKEN


ShapeT = TypeVar("ShapeT", bound=Shape)


def shaped(shape: type[ShapeT], value: Any) -> ShapeT | Any:
    """A decoded object in a shape; anything else as it is."""
    if not isinstance(value, dict):
        return value
    return shape(
        **{
            name: value[key] if inner is None else shaped(inner, value[key])
            for name, key, inner in _keys(shape)
            if key in value
        }
    )


@lru_cache(maxsize=64)
def _keys(shape: type[Shape]) -> list[tuple[str, str, type[Shape] | None]]:
    """Of each field its name, its key, and the shape that most often stands in it."""
    found = []
    for field in msgspec.structs.fields(shape):
        inner = field.type if isinstance(field.type, type) else object
        found.append((field.name, field.encode_name, inner if issubclass(inner, Shape) else None))
    return found


@lru_cache(maxsize=64)
def decoder(shape: type[Shape] | None) -> Callable[[str], list[Any]]:
    """Decodes a list of objects in a shape, or a list of anything."""
    return msgspec.json.Decoder(list if shape is None else list[shape]).decode  # type: ignore[valid-type]
