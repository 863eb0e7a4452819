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


def loss_function(
    runtime: Runtime, steps: int, on_note: Callable[[str], None] = lambda text: None
) -> LossFunction:
    """`forward_loss` as a phase of so many steps computes it on this device. `on_note` is told
    where it cannot be compiled."""
    computed: LossFunction = forward_loss
    if runtime.dtype != torch.float32:
        computed = _in_type(runtime.device.type, runtime.dtype)
    if runtime.compiler is not None and steps >= COMPILED_FROM:
        computed = _Compiled(computed, runtime.compiler, on_note)
    return computed


class _Compiled:
    """A compiled function, or the plain one where a machine cannot compile it (it has no C
    compiler, say)."""

    def __init__(self, plain: LossFunction, backend: str, on_note: Callable[[str], None]) -> None:
        self._plain, self._on_note = plain, on_note
        self._computed: LossFunction = torch.compile(plain, backend=backend)

    def __call__(self, model: nn.Module, x_BT: Tensor, y_BT: Tensor) -> Tensor:
        from torch._dynamo.exc import TorchDynamoException

        try:
            return self._computed(model, x_BT, y_BT)
        except TorchDynamoException as error:
            self._computed = self._plain
            reason = str(getattr(error, "inner_exception", error)).strip().split("\n")[0][:200]
            self._on_note(f"Steps cannot be compiled here, and are slower for it ({reason}).")
            return self._plain(model, x_BT, y_BT)


def _in_type(device: str, dtype: torch.dtype) -> LossFunction:
    def computed(model: nn.Module, x_BT: Tensor, y_BT: Tensor) -> Tensor:
        with torch.autocast(device, dtype):
            return forward_loss(model, x_BT, y_BT)

    return computed
