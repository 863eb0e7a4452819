"""A linear layer that takes the faster of torch's two matrix-product libraries.

Knows: which processors MKL, torch's default for fp32 on x86, does not use fully. Does not know:
models. Data: x (…, K), weight (N, K) -> x weightᵀ + bias, (…, N), with its gradients.

On AMD processors with AVX-512 MKL stays with narrower instructions, and oneDNN, which torch
carries as well, is twice as fast (docs/benchmarks.md, "Matrix products"). Which one computes is a
function of the processor alone, so that a run resumes to the bit on the machine it began on. Few
rows, as in decoding, are left to MKL.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MIN_ROWS = 256
"""Below this oneDNN's cost of a call weighs more than what it saves."""


@cache
def onednn_is_faster() -> bool:
    """Whether this processor is one on which oneDNN wins, and torch has it."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    if not torch.backends.mkldnn.is_available() or not hasattr(
        torch.ops.mkldnn, "_linear_pointwise"
    ):
        return False
    try:
        with open("/proc/cpuinfo") as file:
            return any(line.startswith("vendor_id") and "AMD" in line for line in file)
    except OSError:
        return False


def _product(x_MK: Tensor, weight_NK: Tensor, bias_N: Tensor | None = None) -> Tensor:
    """x weightᵀ + bias by oneDNN, (M, N). Either matrix may be a transposed view."""
    return torch.ops.mkldnn._linear_pointwise(x_MK, weight_NK, bias_N, "none", [], "")


class _Linear(torch.autograd.Function):
    """∂L/∂x = g weight, ∂L/∂weight = gᵀ x, ∂L/∂bias = Σ g, each product by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x_MK: Tensor, weight_NK: Tensor, bias_N: Tensor | None) -> Tensor:
        ctx.save_for_backward(x_MK, weight_NK)
        ctx.has_bias = bias_N is not None
        return _product(x_MK, weight_NK, bias_N)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x_MK, weight_NK = ctx.saved_tensors
        grad_MN = grads[0].contiguous()
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            _product(grad_MN, weight_NK.t()) if needs_x else None,
            _product(grad_MN.t(), x_MK.t()) if needs_weight else None,
            grad_MN.sum(0) if ctx.has_bias and needs_bias else None,
        )


def linear(x: Tensor, weight_NK: Tensor, bias_N: Tensor | None = None) -> Tensor:
    """x weightᵀ + bias. (…, K) in, (…, N) out; the same values either way, to rounding."""
    K = x.shape[-1]
    suits = x.device.type == "cpu" and x.dtype == torch.float32 and x.numel() >= MIN_ROWS * K
    if not suits or not onednn_is_faster():
        return F.linear(x, weight_NK, bias_N)
    y_MN = _Linear.apply(x.reshape(-1, K), weight_NK, bias_N)  # type: ignore[no-untyped-call]
    assert isinstance(y_MN, Tensor)
    return y_MN.view(*x.shape[:-1], -1)


class Linear(nn.Linear):
    """`torch.nn.Linear`, computed by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)
