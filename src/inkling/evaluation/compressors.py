"""What a general compressor makes of the held-out text once it has read the training text.

Knows: xz and PPM. Does not know: models. Data: bytes before and bytes after -> nats.

The measure: size(before + after) − size(before), so that the compressor may use everything in
the training text, as a model may. A compressor keeps learning while it reads the held-out text,
which a model that is measured does not: that helps it a little.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

PPM_ORDER = 8
"""On half a million characters of prose orders 7 to 16 differ by less than one per cent."""

_LEAST_DICTIONARY = 1 << 16
_PPM_MEMORY = 1 << 28


def added_nats(size: Callable[[bytes], int], before: bytes, after: bytes) -> float:
    """Nats that `after` costs behind `before`, for a compressor given as `size` in bytes."""
    return 8 * math.log(2) * (size(before + after) - size(before))


def xz_size(data: bytes) -> int:
    """Bytes of xz at its best preset (9e), with a dictionary that covers all of `data`."""
    dictionary = max(_LEAST_DICTIONARY, 1 << len(data).bit_length())
    filters = [
        {
            "id": lzma.FILTER_LZMA2,
            "preset": 9 | lzma.PRESET_EXTREME,
            "dict_size": dictionary,
            "nice_len": 273,
        }
    ]
    return len(lzma.compress(data, lzma.FORMAT_RAW, filters=filters))


def ppm_installed() -> bool:
    """Whether the extra that brings PPM is installed."""
    return find_spec("pyppmd") is not None


def ppm_size(data: bytes) -> int:
    """Bytes of PPMd (variant H, as in 7-Zip), order 8."""
    ppmd = import_module("pyppmd")
    return len(ppmd.compress(data, max_order=PPM_ORDER, mem_size=_PPM_MEMORY, variant="H"))
