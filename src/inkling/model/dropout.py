"""Dropout that costs little on a CPU.

Knows: masks. Does not know: models. Both functions keep the expectation of what they drop
from, and draw their seed from torch's global generator, so that a checkpoint's random state
covers them.

What is expensive about dropout on a CPU is not the multiplication but the random numbers, one
a value, and that dropping attention weights forbids the fused attention kernel, which never
writes the weights out. So:

- `Dropout` cuts each 64-bit random number into four 16-bit ones. The rate is rounded to
  1/65,536 and the survivors are scaled by the true share that is kept.
- `key_dropout` drops *values* instead of weights: position j of a head is dropped for all
  queries at once. For any one query this is the same as dropping its weights: they fall
  independently, with the same probability and the same scale. What differs is that two
  queries of a head lose the same positions; the expectation of every output is the same.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def keep_mask(shape: tuple[int, ...], rate: float) -> Tensor:
    """0 with probability `rate`, else the scale that keeps the expectation, float32 on the CPU."""
    count = int(np.prod(shape))
    dropped = round(rate * 65_536)
    seed = int(torch.randint(1 << 62, ()))
    words = np.random.SFC64(seed).random_raw(-(-count // 4))
    keep = np.asarray(words).view(np.uint16)[:count] >= dropped
    mask = torch.from_numpy(keep).float().view(shape)
    return mask.mul_(65_536 / (65_536 - dropped))


class Dropout(nn.Module):
    """`torch.nn.Dropout` with cheaper random numbers; on a GPU it is torch's own."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.rate)
        return x * keep_mask(tuple(x.shape), self.rate)


def key_dropout(v_BHTD: Tensor, rate: float) -> Tensor:
    """Drop whole positions of each head's values. (B, H, T, D) in and out."""
    if rate == 0:
        return v_BHTD
    shape = (*v_BHTD.shape[:3], 1)
    if v_BHTD.device.type != "cpu":
        return v_BHTD * F.dropout(v_BHTD.new_ones(shape), rate)
    return v_BHTD * keep_mask(shape, rate)
