"""Update rules and schedules against plain references, with exact numbers."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from inkling.config import ModelSettings, OptimizerSettings, ScheduleSettings
from inkling.model.gpt import GPT
from inkling.training.optim import POLAR_EXPRESS, AdamW, Muon, Optimizers, orthogonalise
from inkling.training.schedule import lr_factor, progress, progress_knots


def reference_muon(
    weight: torch.Tensor, gradients: list[torch.Tensor], lr: float, beta: float, decay: float
) -> torch.Tensor:
    """Muon for one matrix, written out in float64."""
    weight, buffer = weight.double(), torch.zeros_like(weight, dtype=torch.float64)
    for gradient in gradients:
        gradient = gradient.double()
        buffer = beta * buffer + (1 - beta) * gradient
        update = (1 - beta) * gradient + beta * buffer
        tall = update.shape[0] > update.shape[1]
        x = update.T if tall else update
        x = x / (x.norm() * 1.01 + 1e-7)
        for a, b, c in POLAR_EXPRESS[:3]:
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x.T if tall else x
        scale = max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5
        weight = weight * (1 - lr * decay) - lr * scale * x
    return weight


@pytest.mark.parametrize(
    ("shape", "parts"), [((16, 16), 1), ((48, 16), 3), ((40, 16), 2), ((16, 40), 1)]
)
def test_muon_equals_its_reference_matrix_by_matrix(shape: tuple[int, int], parts: int) -> None:
    """Batched and fused, each matrix moves as if it were alone."""
    torch.manual_seed(1)
    weight = nn.Parameter(torch.randn(shape))
    start = weight.detach().clone()
    gradients = [torch.randn(shape) for _ in range(4)]
    muon = Muon({"w": weight}, {"w": parts}, momentum=0.9, weight_decay=0.2, iterations=3)
    for gradient in gradients:
        weight.grad = gradient
        muon.step(0.1)
    for part, whole in enumerate(start.chunk(parts)):
        expected = reference_muon(whole, [g.chunk(parts)[part] for g in gradients], 0.1, 0.9, 0.2)
        torch.testing.assert_close(
            weight.detach().chunk(parts)[part].double(), expected, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw_equals_torch(decay: float) -> None:
    """Ten steps with a changing rate, rtol 1e-5."""
    torch.manual_seed(2)
    ours = {name: nn.Parameter(torch.randn(5, 7)) for name in "ab"}
    theirs = [nn.Parameter(weight.detach().clone()) for weight in ours.values()]
    adam = AdamW(ours, (0.9, 0.95), eps=1e-8, weight_decay=decay)
    reference = torch.optim.AdamW(theirs, betas=(0.9, 0.95), eps=1e-8, weight_decay=decay)
    for step in range(10):
        for mine, yours in zip(ours.values(), theirs, strict=True):
            mine.grad = torch.randn(5, 7) * 10**-step
            yours.grad = mine.grad.clone()
        reference.param_groups[0]["lr"] = 0.01 * (step + 1)
        reference.step()
        adam.step(0.01 * (step + 1))
    for mine, yours in zip(ours.values(), theirs, strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-5, atol=1e-6)


def test_five_polynomials_make_singular_values_one() -> None:
    """The update is nearly semi-orthogonal, also for badly conditioned gradients."""
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(24, 60), full_matrices=False)
    update = u @ torch.diag(torch.logspace(0, -2.5, 24)) @ v
    values = torch.linalg.svdvals(orthogonalise(update[None])[0])
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.25
    assert torch.equal(orthogonalise(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4))


def test_optimizer_state_comes_back_to_the_bit() -> None:
    """Steps after a restore equal steps without one."""
    settings = ModelSettings(
        n_layer=1, n_head=1, n_embd=32, head_dim=32, n_hidden=48, vocab_size=20
    )
    ids = torch.randint(0, 20, (2, 16))

    def train(model: GPT, optimizers: Optimizers, steps: int) -> None:
        for _ in range(steps):
            model(ids).logsumexp(-1).sum().backward()
            optimizers.step(0.5)
            optimizers.zero_grad()

    torch.manual_seed(0)
    one = GPT(settings)
    first = Optimizers(one, OptimizerSettings())
    train(one, first, 3)
    two = GPT(settings)
    two.load_state_dict(one.state_dict())
    second = Optimizers(two, OptimizerSettings())
    second.load_state_tensors({k: v.clone() for k, v in first.state_tensors().items()})
    train(one, first, 3)
    train(two, second, 3)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_learning_rate_rises_holds_and_falls() -> None:
    """Exact numbers of the schedule."""
    settings = ScheduleSettings(warmup_steps=4, decay_ratio=0.5, min_lr_ratio=0.1)
    assert lr_factor(settings, 0, 0.0) == 0.25
    assert lr_factor(settings, 3, 0.1) == 1.0
    assert lr_factor(settings, 50, 0.5) == 1.0
    assert lr_factor(settings, 75, 0.75) == pytest.approx(0.55)
    assert lr_factor(settings, 100, 1.0) == pytest.approx(0.1)


def test_progress_is_continuous_across_replans() -> None:
    """A re-plan changes the pace, never the place."""
    knots = progress_knots(100, [(40, 80), (60, 160)])
    assert progress(knots, 0) == 0.0
    assert progress(knots, 40) == pytest.approx(0.4)
    assert progress(knots, 60) == pytest.approx(0.7)
    assert progress(knots, 110) == pytest.approx(0.85)
    assert progress(knots, 160) == progress(knots, 500) == 1.0
    steps = [progress(knots, step) for step in range(161)]
    assert all(a <= b for a, b in itertools.pairwise(steps))
