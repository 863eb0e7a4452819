"""The optimizers: Muon for the matrices inside blocks, AdamW for everything else.

Knows: parameters, gradients, the two update rules and their states. Does not know: losses,
batches, schedules (the loop passes the learning-rate factor).

Sources: Muon, Jordan et al. 2024 (kellerjordan.github.io/posts/muon): momentum, then the
update's nearest semi-orthogonal matrix by an odd matrix polynomial, scaled by
sqrt(max(1, rows/columns)). The polynomials are those of Polar Express, Amsel et al. 2025
(arXiv:2505.16932), table of degree-5 coefficients for a lower bound of 1e-3 on the singular
values. Departures: fp32 throughout (these CPUs have no fast bf16), and every matrix of one
shape goes through one batched product, because at this size call overhead is what costs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch import nn

    from inkling.config import TrainingSettings

POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)

# Stacked matrices in the model's fused projections.
_FUSED_PARTS = {"qkv": 3, "gate_up": 2}


def orthogonalise(update_NRC: Tensor, iterations: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrix of each of N matrices, approximately.

    update_NRC is (N, rows, columns) with rows <= columns; singular values of the result lie
    near 1. A zero matrix stays zero.
    """
    x = update_NRC / (update_NRC.norm(dim=(1, 2), keepdim=True) * 1.01 + 1e-7)
    for a, b, c in POLAR_EXPRESS[:iterations]:
        gram = x @ x.mT
        # x <- a x + (b gram + c gram²) x, two of the three products on the small square.
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


class Muon(torch.optim.Optimizer):
    """Momentum orthogonalised by a polynomial, for 2-D weights.

    A weight may hold several stacked matrices (a fused projection): `parts` says how many;
    each is orthogonalised alone, as if it were a weight of its own.
    """

    def __init__(
        self,
        params: list[tuple[nn.Parameter, int]],
        lr: float,
        momentum: float,
        weight_decay: float,
        iterations: int,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([weight for weight, _ in params], defaults)
        self.iterations = iterations
        self._by_shape: dict[tuple[int, int], list[tuple[nn.Parameter, int]]] = defaultdict(list)
        for weight, parts in params:
            rows, columns = weight.shape[0] // parts, weight.shape[1]
            self._by_shape[min(rows, columns), max(rows, columns)].append((weight, parts))
            self.state[weight]["momentum"] = torch.zeros_like(weight)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Apply one update from the gradients in `.grad`."""
        group = self.param_groups[0]
        lr, beta, decay = group["lr"], group["momentum"], group["weight_decay"]
        for (short, _long), members in self._by_shape.items():
            updates = []
            for weight, parts in members:
                gradient, buffer = weight.grad, self.state[weight]["momentum"]
                assert gradient is not None
                buffer.lerp_(gradient, 1 - beta)
                nesterov = gradient.lerp(buffer, beta)
                stacked = nesterov.view(parts, -1, weight.shape[1])
                updates.append(stacked if stacked.shape[1] == short else stacked.mT)
            ortho = orthogonalise(torch.cat(updates), self.iterations)
            for (weight, parts), update in zip(
                members, ortho.split([parts for _, parts in members]), strict=True
            ):
                rows, columns = weight.shape[0] // parts, weight.shape[1]
                step_NRC = update if update.shape[1] == rows else update.mT
                scale = max(1.0, rows / columns) ** 0.5
                weight.mul_(1 - lr * decay)
                weight.view(parts, rows, columns).add_(step_NRC, alpha=-lr * scale)


class Optimizers:
    """Muon and AdamW as one thing: step, zero, state as named tensors.

    Matrices inside blocks go to Muon, the rest (embedding, head, norms) to AdamW without
    weight decay.
    """

    def __init__(self, model: nn.Module, settings: TrainingSettings) -> None:
        matrices: list[tuple[str, nn.Parameter, int]] = []
        others: list[tuple[str, nn.Parameter]] = []
        for name, weight in model.named_parameters():
            if name.startswith("blocks.") and weight.ndim == 2:
                matrices.append((name, weight, _FUSED_PARTS.get(name.rsplit(".", 2)[-2], 1)))
            else:
                others.append((name, weight))
        self._muon_names = {weight: name for name, weight, _ in matrices}
        self._adam_names = {weight: name for name, weight in others}
        self.muon = Muon(
            [(weight, parts) for _, weight, parts in matrices],
            lr=settings.matrix_lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            iterations=settings.muon_iterations,
        )
        self.adam = torch.optim.AdamW(
            [weight for _, weight in others],
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            eps=1e-10,
            weight_decay=0.0,
            fused=True,
        )
        self._peaks = (settings.matrix_lr, settings.learning_rate)

    def step(self, factor: float) -> None:
        """One update at `factor` times the peak learning rates."""
        for optimizer, peak in zip((self.muon, self.adam), self._peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * factor
            optimizer.step()

    def zero_grad(self) -> None:
        self.muon.zero_grad(set_to_none=True)
        self.adam.zero_grad(set_to_none=True)

    def state_tensors(self) -> dict[str, Tensor]:
        """Everything a later step depends on, by name."""
        tensors = {
            f"muon.momentum.{name}": self.muon.state[weight]["momentum"]
            for weight, name in self._muon_names.items()
        }
        for weight, name in self._adam_names.items():
            for key, value in self.adam.state[weight].items():
                tensors[f"adam.{key}.{name}"] = value
        return tensors

    def load_state_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state_tensors` gave. Raises KeyError where one is missing."""
        for weight, name in self._muon_names.items():
            self.muon.state[weight]["momentum"] = tensors[f"muon.momentum.{name}"].clone()
        state: dict[nn.Parameter, dict[str, Any]] = {}
        for weight, name in self._adam_names.items():
            if f"adam.step.{name}" not in tensors:
                continue  # saved before the first step
            state[weight] = {
                key: tensors[f"adam.{key}.{name}"].clone()
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
        self.adam.state.clear()
        self.adam.state.update(state)
