"""Weights in a byte each: a matrix as int8 with a scale for each row, norms as they are.

Knows: how numbers are rounded. Does not know: files, or who computes with them. Data: weights of
`GPT` -> arrays by name, a matrix as `NAME.weight` (N, K) int8 and `NAME.scale` (N,) float32.
"""

from __future__ import annotations

import numpy as np

from inkling.exports.exportable_run import Weights

LARGEST = 127


def quantise(weights: Weights) -> dict[str, np.ndarray]:
    """Each weight as the nearest multiple of its row's largest / LARGEST."""
    found: dict[str, np.ndarray] = {}
    for name, weight in weights.items():
        if weight.ndim == 1:
            found[name] = weight
            continue
        scale_N = np.abs(weight).max(axis=1) / np.float32(LARGEST)
        divisor_N = np.where(scale_N > 0, scale_N, np.float32(1))
        found[name] = np.rint(weight / divisor_N[:, None]).astype(np.int8)
        found[name.removesuffix("weight") + "scale"] = scale_N
    return found
