"""What all settings have in common. Knows nothing of any one of them."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict

_SMALLEST_NORMAL = 1 << 52
"""Bits of the smallest positive normal number, as a whole number."""


def _normal(value: float) -> float:
    # By its bits: where subnormal numbers are flushed to zero, they compare equal to it.
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return sys.float_info.min if 0 < bits < _SMALLEST_NORMAL else value


PositiveShare = Annotated[float, AfterValidator(_normal)]
"""A number above zero that stays above it: what is smaller than any normal number counts as zero
on threads that compute with a model."""


class Settings(BaseModel):
    """Base of all settings: immutable, and unknown names are refused, in copies too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        unknown = set(update or ()) - set(type(self).model_fields)
        assert not unknown, f"{type(self).__name__} has no {', '.join(sorted(unknown))}"
        return super().model_copy(update=update, deep=deep)
