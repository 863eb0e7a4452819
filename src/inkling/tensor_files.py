"""What a safetensors file says of itself before any of its tensors is read.

Knows: the header of the format (https://github.com/huggingface/safetensors): eight bytes of length,
JSON with type, shape and place of each tensor, then the numbers. Does not know models.
Data: path -> `read_shapes` -> names and shapes, which are compared before anything is built.
"""

from __future__ import annotations

import math
from pathlib import Path

from inkling.regular_files import open_regular, parse_json

MOST_HEADER_BYTES = 20_000_000
_ITEM_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1,
               "U8": 1, "BOOL": 1}  # fmt: skip

Shapes = dict[str, tuple[int, ...]]


def read_shapes(path: Path) -> Shapes:
    """Names and shapes of a file's tensors, which are as large as the file is.

    Raises OSError where it cannot be read, ValueError saying what of it is wrong.
    """
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, MOST_HEADER_BYTES):
            raise ValueError(f"{path.name} has no header")
        header = parse_json(file.read(length))
    shapes, bytes_of_tensors = {}, 0
    try:
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            shape = tuple(entry["shape"])
            if not all(type(side) is int and side >= 0 for side in shape):
                raise ValueError(f"{path.name} has a tensor {name} of no shape")
            shapes[name] = shape
            bytes_of_tensors += math.prod(shape) * _ITEM_BYTES[entry["dtype"]]
    except (AttributeError, KeyError, TypeError):
        raise ValueError(f"{path.name} has a header that describes no tensors") from None
    if 8 + length + bytes_of_tensors != size:
        raise ValueError(f"{path.name} is not as large as its header says")
    return shapes


def difference(found: Shapes, expected: Shapes) -> str | None:
    """What distinguishes tensors from those that were expected, in words; None for nothing."""
    for name, shape in expected.items():
        if name not in found:
            return f"{name} is missing"
        if found[name] != shape:
            return f"{name} is {found[name]}, not {shape}"
    unknown = next((name for name in found if name not in expected), None)
    return None if unknown is None else f"{unknown} is unknown"
