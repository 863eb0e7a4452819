"""A linear layer is the same function whichever library computes it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from inkling.model import linear as module
from inkling.model.linear import MIN_ROWS, Linear, linear, onednn_is_faster

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"),
    reason="this build of torch has no oneDNN",
)


@needs_onednn
@pytest.mark.parametrize("bias", [False, True])
def test_onednn_gives_torch_s_values_and_gradients(
    bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To 1e-5 of the values' size, for input, weight and bias; also where the gradient that
    comes in is a transposed view."""
    monkeypatch.setattr(module, "onednn_is_faster", lambda: True)
    torch.manual_seed(0)
    layer = Linear(48, 96, bias=bias)
    x = torch.randn(4, MIN_ROWS // 4, 48, requires_grad=True)
    target = torch.randn(4, 96, MIN_ROWS // 4)
    results = []
    for compute in (linear, F.linear):
        y = compute(x, layer.weight, layer.bias)
        inputs = [x, *layer.parameters()]
        gradients = torch.autograd.grad((y.mT * target).sum(), inputs)
        results.append((y, *gradients))
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(
            ours, theirs, rtol=1e-5, atol=1e-5 * theirs.detach().abs().max().item()
        )


@needs_onednn
def test_few_rows_and_other_types_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding and double precision never reach oneDNN."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("oneDNN was used")

    monkeypatch.setattr(module, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(module, "_product", refuse)
    layer = Linear(8, 4)
    layer(torch.randn(MIN_ROWS - 1, 8))
    layer.double()(torch.randn(MIN_ROWS, 8, dtype=torch.float64))
    with pytest.raises(AssertionError, match="oneDNN"):
        layer.float()(torch.randn(MIN_ROWS, 8))


def test_the_choice_is_a_function_of_the_machine() -> None:
    """Asked twice, and after other work, the answer is the same: a resume computes alike."""
    first = onednn_is_faster()
    torch.randn(64, 64) @ torch.randn(64, 64)
    onednn_is_faster.cache_clear()
    assert onednn_is_faster() == first
