"""From losses to the numbers people compare: the arithmetic, in one place.

Knows: nats, bits, perplexity. Data: nats -> bits, perplexity.
"""

from __future__ import annotations

import math


def bits(nats: float) -> float:
    """Nats to bits: divide by ln 2."""
    return nats / math.log(2)


def perplexity(nats: float) -> float:
    """exp of a loss; inf rather than an overflow."""
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf
