"""The loss of some rows, and how it is computed: in which number type, compiled or as it is.

Knows: cross-entropy, torch's autocast and compiler. Does not know: batches, gradients, steps.
Data: model, x, y (B, T) -> `LossFunction` -> summed loss in nats.

Weights stay in fp32: only matrix products and attention are computed in the smaller type, and the
loss is in fp32 again. On a CPU everything is fp32 and nothing is compiled, so that a run is the
same to the bit; what a GPU does is tried on the CPU by the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkling.tokens.loader import IGNORE

if TYPE_CHECKING:
    from inkling.runtime import Runtime

LossFunction = Callable[[nn.Module, Tensor, Tensor], Tensor]

COMPILED_FROM = 1_000
"""Steps of a phase from which compiling, half a minute and more, is paid back."""


def forward_loss(model: nn.Module, x_BT: Tensor, y_BT: Tensor) -> Tensor:
    """Summed cross-entropy of the targets that count, in nats."""
    logits_BTV = model(x_BT)
    return F.cross_entropy(
        logits_BTV.flatten(0, 1), y_BT.flatten(), ignore_index=IGNORE, reduction="sum"
    )


def loss_function(runtime: Runtime, steps: int) -> LossFunction:
    """`forward_loss` as a phase of so many steps computes it on this device."""
    computed: LossFunction = forward_loss
    if runtime.dtype != torch.float32:
        computed = _in_type(runtime.device.type, runtime.dtype)
    if runtime.compiler is not None and steps >= COMPILED_FROM:
        computed = torch.compile(computed, backend=runtime.compiler)
    return computed


def _in_type(device: str, dtype: torch.dtype) -> LossFunction:
    def computed(model: nn.Module, x_BT: Tensor, y_BT: Tensor) -> Tensor:
        with torch.autocast(device, dtype):
            return forward_loss(model, x_BT, y_BT)

    return computed
