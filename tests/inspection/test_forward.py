"""The forward pass that is shown is the model's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from inkling.config import ModelSettings
from inkling.inspection.forward import attention_steps, read
from inkling.inspection.heads import head_measures, row_entropy
from inkling.inspection.neurons import FiringPlaces, measure_neurons
from inkling.inspection.surprise import surprises
from inkling.model.attention import Attention
from inkling.model.ladder import FusedMultiHead, Head
from inkling.model.language_model import LanguageModel
from inkling.tokens.tokenizer import Tokenizer


def test_the_logits_are_the_models(model: LanguageModel, ids: list[int]) -> None:
    """Every recipe, in characters and pieces, at every length, to 1e-5 of the largest logit."""
    for length in (1, 2, len(ids)):
        with torch.inference_mode():
            own = model(torch.tensor([ids[:length]]))[0]
        torch.testing.assert_close(
            read(model, ids[:length]).logits_TV, own, rtol=1e-5, atol=1e-5 * float(own.abs().max())
        )


def test_the_weights_are_those_of_an_explicit_mask(
    model: LanguageModel, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model itself hands to its attention, multiplied, masked and normalised in double
    precision, is what is shown, to 1e-5."""
    caught: list[torch.Tensor] = []

    def explicit(q: torch.Tensor, k: torch.Tensor) -> None:
        T = q.shape[-2]
        mask = torch.full((T, T), float("-inf"), dtype=torch.float64).triu(1)
        scores = q.double() @ k.double().transpose(-1, -2) / q.shape[-1] ** 0.5
        caught.append((scores + mask).softmax(-1))

    fused = F.scaled_dot_product_attention

    def spied(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **rest: object) -> torch.Tensor:
        explicit(q[0], k[0])
        return fused(q, k, v, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(F, "scaled_dot_product_attention", spied)
    hooks = [
        part.register_forward_hook(
            lambda head, given, _: explicit(head.query(given[0])[0], head.key(given[0])[0])
        )
        for part in model.modules()
        if isinstance(part, Head)
    ]
    with torch.inference_mode():
        model(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    states = read(model, ids)
    shown = [layer.attention.weights_HTT for layer in states.layers if layer.attention]
    expected = iter(caught)
    for weights_HTT in shown:
        wanted = torch.stack([next(expected) for _ in weights_HTT]) if hooks else next(expected)
        torch.testing.assert_close(weights_HTT.double(), wanted, rtol=0, atol=1e-5)
    assert next(expected, None) is None
    has_attention = any(isinstance(m, Attention | FusedMultiHead | Head) for m in model.modules())
    assert bool(shown) == has_attention


def test_the_four_steps() -> None:
    """Exact numbers: scores, their division by √D, −inf ahead, rows that sum to 1; the toggle
    leaves the division out and makes rows sharper."""
    q = torch.tensor([[1.0, 0, 0, 0], [2, 0, 0, 0], [0, 4, 0, 0]])
    k = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    steps = attention_steps(q, k)
    assert steps.scores.tolist() == [[1, 0, 1], [2, 0, 2], [0, 4, 4]]
    assert steps.scaled.tolist() == [[0.5, 0, 0.5], [1, 0, 1], [0, 2, 2]]
    assert steps.masked[0].tolist() == [0.5, -torch.inf, -torch.inf]
    e = np.e
    np.testing.assert_allclose(steps.weights[1], [e / (1 + e), 1 / (1 + e), 0], rtol=1e-6)
    unscaled = attention_steps(q, k, scale=False)
    np.testing.assert_allclose(unscaled.weights[1, 0], e**2 / (1 + e**2), rtol=1e-6)
    before, after = row_entropy(unscaled.weights.numpy()), row_entropy(steps.weights.numpy())
    assert before[0] == after[0] == 0
    assert (before[1:] < after[1:]).all()


def test_surprise_sums_to_the_loss(model: LanguageModel, ids: list[int]) -> None:
    """In bits, the cross-entropy that training minimises; the rank of the likeliest is 1."""
    with torch.inference_mode():
        logits = model(torch.tensor([ids]))[0]
    loss = F.cross_entropy(logits[:-1].double(), torch.tensor(ids[1:]), reduction="sum")
    found = surprises(read(model, ids).logits_TV.numpy(), ids)
    assert sum(one.bits for one in found) == pytest.approx(float(loss) / np.log(2), rel=1e-5)
    for one in found:
        assert one.bits == pytest.approx(-np.log2(one.p), abs=1e-6)
        tops = [index for index, _ in one.top]
        assert (one.id in tops) == (one.rank <= len(tops))
        assert one.rank == 1 + int(
            (logits[one.position - 1] > logits[one.position - 1, one.id]).sum()
        )


def test_silent_neurons_are_counted(model: LanguageModel, ids: list[int]) -> None:
    """ReLU's exact zeros, SwiGLU's closed gates; each recipe has the one that it says."""
    for layer in read(model, ids).layers:
        if layer.neurons is None:
            continue
        measured = measure_neurons(layer.neurons)
        values = layer.neurons.activations_TF
        if isinstance(model.settings, ModelSettings):
            assert (measured.kind, measured.share_at_zero) == ("swiglu", None)
            assert measured.share_gated is not None
            assert 0 < measured.share_gated < 1
        else:
            assert measured.share_at_zero == float((values <= 0).double().mean())
            assert 0.2 < measured.share_at_zero < 0.8


def test_firing_places_are_the_strongest(model: LanguageModel, tokenizer: Tokenizer) -> None:
    """Each place's value is what the neuron says there when its stretch is read."""
    text = np.array(tokenizer.encode("the quiet harbour. was The end\n" * 40), np.int64)
    found = FiringPlaces.find(model, text)
    first = read(model, text[:CONTEXT_READ].tolist())
    assert len(found.values_LFN) == len(first.layers)
    for layer, values, positions in zip(
        first.layers, found.values_LFN, found.positions_LFN, strict=True
    ):
        if layer.neurons is None:
            assert values.shape[0] == 0
            continue
        assert (np.diff(values, axis=-1) <= 0).all()
        # Nothing in the first stretch is stronger than the strongest of all.
        best = layer.neurons.activations_TF.max(0).values.numpy()
        assert (best <= values[:, 0] + 1e-5).all()
        at = np.flatnonzero(positions[:, 0] < CONTEXT_READ)
        for neuron in at[:5]:
            shown = float(layer.neurons.activations_TF[positions[neuron, 0], neuron])
            assert shown == pytest.approx(float(values[neuron, 0]), abs=1e-5)


CONTEXT_READ = 96


def test_heads_are_named_where_it_is_measured() -> None:
    """A head that looks at the piece before, one that copies, one that looks everywhere."""
    ids = [1, 2, 3, 4] * 5
    T = len(ids)
    previous = np.eye(T, k=-1)
    previous[0, 0] = 1
    copying = np.zeros((T, T))
    for t in range(T):
        copying[t, t - 3 if t >= 4 else t] = 1
    evenly = np.tril(np.ones((T, T))) / np.arange(1, T + 1)[:, None]
    first, second, third = head_measures(np.stack([previous, copying, evenly]), ids)
    assert first.name == "previous piece"
    assert first.entropy == 0
    assert first.distance == pytest.approx((T - 1) / T)
    assert second.name == "copying"
    assert second.shares["copying"] == 1
    assert third.name is None
    assert third.entropy == pytest.approx(np.log2(np.arange(1, T + 1)).mean())
    # Nothing repeats in three pieces, so nothing can be measured.
    short = head_measures(np.tril(np.ones((1, 3, 3))) / np.array([[1], [2], [3]]), [1, 2, 3])[0]
    assert short.shares["same"] is None
    assert short.name is None
