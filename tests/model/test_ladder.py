"""The rungs: each is what it says, and the fused one equals the written-out one."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from inkling.config import LadderSettings, Rung
from inkling.model.dropout import Dropout, keep_mask, key_dropout
from inkling.model.ladder import Head, LadderModel


def settings(rung: Rung, dropout: float = 0.0) -> LadderSettings:
    """A small rung."""
    return LadderSettings(
        rung=rung, n_layer=3, n_head=4, n_embd=64, context_length=32, vocab_size=50,
        dropout=dropout,
    )  # fmt: skip


def written_out_twin(classic: LadderModel) -> LadderModel:
    """A `blocks` model with the weights of a `classic` one."""
    twin = LadderModel(settings("blocks", classic.settings.dropout))
    weights = dict(classic.state_dict())
    for layer in range(classic.settings.n_layer):
        fused = weights.pop(f"blocks.{layer}.attention.qkv.weight")
        for name, stacked in zip(("query", "key", "value"), fused.chunk(3), strict=True):
            for head, matrix in enumerate(stacked.chunk(classic.settings.n_head)):
                weights[f"blocks.{layer}.attention.heads.{head}.{name}.weight"] = matrix.clone()
    twin.load_state_dict(weights)
    return twin


def test_classic_equals_its_written_out_form() -> None:
    """Values and gradients agree to 1e-5, at every length."""
    torch.manual_seed(3)
    classic = LadderModel(settings("classic"))
    with torch.no_grad():
        for weight in classic.parameters():
            weight.copy_(torch.randn_like(weight) * 0.15)
    twin = written_out_twin(classic)
    for length in (1, 7, 32):
        ids = torch.randint(50, (3, length))
        one, other = classic(ids), twin(ids)
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    targets = torch.randint(50, (3, 32))
    for model in (classic, twin):
        F.cross_entropy(model(ids).flatten(0, 1), targets.flatten()).backward()
    ours, theirs = dict(classic.named_parameters()), dict(twin.named_parameters())
    for name, weight in theirs.items():
        if ".heads." not in name:
            torch.testing.assert_close(ours[name].grad, weight.grad, rtol=1e-5, atol=1e-5)
    for layer in range(3):
        fused = ours[f"blocks.{layer}.attention.qkv.weight"].grad
        assert fused is not None
        parts = [
            theirs[f"blocks.{layer}.attention.heads.{head}.{name}.weight"].grad
            for name in ("query", "key", "value")
            for head in range(4)
        ]
        torch.testing.assert_close(fused, torch.cat(parts), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rung", get_args(Rung))
def test_no_rung_looks_ahead(rung: Rung) -> None:
    """A later token changes nothing before it; the bigram sees nothing but the last token."""
    torch.manual_seed(0)
    model = LadderModel(settings(rung)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
        one = torch.randint(50, (1, 20))
        other = one.clone()
        other[0, 12:] = (other[0, 12:] + 1) % 50
        a, b = model(one), model(other)
        assert torch.allclose(a[0, :12], b[0, :12], atol=1e-6)
        assert not torch.allclose(a[0, 12], b[0, 12])
        past = one.clone()
        past[0, :5] = (past[0, :5] + 1) % 50
        assert torch.allclose(model(past)[0, 10], a[0, 10]) == (rung == "bigram")


def test_a_head_is_softmax_of_scaled_scores() -> None:
    """One head against the formula, number by number."""
    torch.manual_seed(1)
    head = Head(8, 4, 16, 0.0)
    x = torch.randn(1, 3, 8)
    with torch.no_grad():
        out = head(x)
        q, k, v = (x[0] @ part.weight.T for part in (head.query, head.key, head.value))
    for t in range(3):
        scores = torch.tensor([float(q[t] @ k[j]) / 2.0 for j in range(t + 1)])
        expected = sum(w * v[j] for j, w in enumerate(scores.softmax(0)))
        torch.testing.assert_close(out[0, t], expected, rtol=1e-5, atol=1e-6)


def test_the_bigram_learns_the_counts() -> None:
    """Trained on pairs, its probabilities become their shares."""
    ids = torch.tensor([0, 1, 0, 1, 0, 2, 0, 1] * 20)
    model = LadderModel(LadderSettings(rung="bigram", vocab_size=3))
    optimizer = torch.optim.Adam(model.parameters(), 0.3)
    for _ in range(300):
        F.cross_entropy(model(ids[:-1]), ids[1:]).backward()
        optimizer.step()
        optimizer.zero_grad()
    after_zero = model(torch.tensor([0])).softmax(-1)[0]
    assert after_zero.tolist() == pytest.approx([0, 0.75, 0.25], abs=0.01)


def test_the_cheap_mask_drops_the_right_share_and_keeps_the_mean() -> None:
    """Rate, scale and mean over a million draws; another draw is another mask."""
    torch.manual_seed(0)
    mask = keep_mask((1000, 1000), 0.1)
    assert float((mask == 0).float().mean()) == pytest.approx(0.1, abs=0.001)
    assert float(mask.mean()) == pytest.approx(1, abs=0.002)
    assert mask.unique().tolist() == pytest.approx([0, 1 / 0.9], rel=1e-4)
    assert not torch.equal(mask, keep_mask((1000, 1000), 0.1))
    torch.manual_seed(0)
    assert torch.equal(mask, keep_mask((1000, 1000), 0.1))


def test_dropout_is_off_when_it_should_be() -> None:
    """In evaluation, and at rate 0."""
    x = torch.randn(4, 5)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert not torch.equal(Dropout(0.5)(x), x)


def test_dropping_keys_equals_dropping_weights_for_one_query() -> None:
    """The mean output over many masks is the output without dropout, and its variance is that
    of dropping attention weights."""
    torch.manual_seed(0)
    T, D, rate = 6, 4, 0.3
    weights = torch.rand(T).softmax(0)
    values = torch.randn(1, 1, T, D)
    ours = torch.stack([weights @ key_dropout(values, rate)[0, 0] for _ in range(20_000)])
    theirs = torch.stack([F.dropout(weights, rate) @ values[0, 0] for _ in range(20_000)])
    plain = weights @ values[0, 0]
    torch.testing.assert_close(ours.mean(0), plain, rtol=0, atol=0.02)
    torch.testing.assert_close(ours.var(0), theirs.var(0), rtol=0.06, atol=1e-3)
