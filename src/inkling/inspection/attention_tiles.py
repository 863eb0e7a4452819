"""Attention weights as small pictures: a byte a cell.

Knows: weights. Does not know: colours, pages.
Data: weights (H, T, T) -> `tiles` -> u8 (H, S, S), S at most SIDE.

√p instead of p, so that a weight of one per cent is seen (25 of 255) and the scale is one for all
heads. Where T is more than SIDE a cell is the largest weight of its block: a mean would hide lines.
"""

from __future__ import annotations

import numpy as np

SIDE = 64


def tiles(weights_HTT: np.ndarray) -> np.ndarray:
    """u8 (H, S, S)."""
    H, T, _ = weights_HTT.shape
    block = -(-T // SIDE)
    S = -(-T // block)
    padded = np.zeros((H, S * block, S * block), np.float32)
    padded[:, :T, :T] = weights_HTT
    cells = padded.reshape(H, S, block, S, block).max((2, 4))
    found: np.ndarray = np.round(255 * np.sqrt(np.clip(cells, 0, 1))).astype(np.uint8)
    return found
