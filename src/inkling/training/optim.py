"""The optimizers: Muon for the matrices inside blocks, AdamW for everything else.

Knows: parameters, gradients, the two update rules and their states. Does not know: losses,
batches, schedules (the loop passes the learning-rate factor).

Sources: Muon, Jordan et al. 2024 (kellerjordan.github.io/posts/muon): momentum, then the
update's nearest semi-orthogonal matrix by an odd matrix polynomial, scaled by
sqrt(max(1, rows/columns)). The polynomials are those of Polar Express, Amsel et al. 2025
(arXiv:2505.16932), table of degree-5 coefficients for a lower bound of 1e-3 on the singular
values. Departures: fp32 on a CPU (few have fast bf16), and every matrix of one
shape goes through one batched product, because at this size call overhead is what costs.

Where weights are divided over processes (training.divided) moments are too, and everything but
Muon's polynomial works on a process's own rows; for that whole matrices are dealt out among the
processes, each of which orthogonalises its share.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from inkling.training.divided import Exchange, is_divided, local, put

if TYPE_CHECKING:
    from torch import nn

    from inkling.config import OptimizerSettings

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
    near 1. A zero matrix stays zero. On a GPU it is computed in bf16, for which the polynomials
    were made.
    """
    x = update_NRC / (update_NRC.norm(dim=(1, 2), keepdim=True) * 1.01 + 1e-7)
    if x.is_cuda:
        x = x.bfloat16()
    for a, b, c in POLAR_EXPRESS[:iterations]:
        gram = x @ x.mT
        # x <- a x + (b gram + c gram²) x, two of the three products on the small square.
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


class Muon:
    """Momentum orthogonalised by a polynomial, for 2-D weights.

    A weight may hold several stacked matrices (a fused projection): `parts` says how many;
    each is orthogonalised alone, as if it were a weight of its own.
    """

    def __init__(
        self,
        weights: dict[str, nn.Parameter],
        parts: dict[str, int],
        momentum: float,
        weight_decay: float,
        iterations: int,
    ) -> None:
        self.weights, self.parts = weights, parts
        self.momentum, self.weight_decay, self.iterations = momentum, weight_decay, iterations
        self.buffers = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self._by_shape: dict[tuple[int, int], list[str]] = defaultdict(list)
        for name, weight in weights.items():
            rows, columns = weight.shape[0] // parts[name], weight.shape[1]
            self._by_shape[min(rows, columns), max(rows, columns)].append(name)

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Apply one update from the gradients in `.grad`."""
        for names in self._by_shape.values():
            momenta = []
            for name in names:
                gradient, buffer = self.weights[name].grad, local(self.buffers[name])
                assert gradient is not None
                gradient = local(gradient)
                buffer.lerp_(gradient, 1 - self.momentum)
                momenta.append(gradient.lerp(buffer, self.momentum))
            for name, update in zip(names, self._orthogonal(names, momenta), strict=True):
                weight, parts = self.weights[name], self.parts[name]
                scale = max(1.0, weight.shape[0] / parts / weight.shape[1]) ** 0.5
                own = local(weight)
                own.mul_(1 - lr * self.weight_decay)
                own.view(update.shape).add_(update, alpha=-lr * scale)

    def _orthogonal(self, names: list[str], momenta: list[Tensor]) -> list[Tensor]:
        """Each weight's momentum with its stacked matrices orthogonalised; of divided weights this
        process's rows, in and out."""
        if not is_divided(self.weights[names[0]]):
            return self._orthogonal_wholes([self.parts[name] for name in names], momenta)
        mesh = self.weights[names[0]].device_mesh  # type: ignore[attr-defined]
        shapes = [tuple(self.weights[name].shape) for name in names]
        exchange = Exchange(shapes, mesh.get_local_rank(), mesh.size())  # type: ignore[arg-type]
        wholes = exchange.gather(momenta)
        if wholes:
            parts = [self.parts[names[index]] for index in exchange.own]
            found = self._orthogonal_wholes(parts, wholes)
            wholes = [
                update.reshape(whole.shape) for update, whole in zip(found, wholes, strict=True)
            ]
        return exchange.scatter(wholes)

    def _orthogonal_wholes(self, parts: list[int], momenta: list[Tensor]) -> list[Tensor]:
        """The same of whole weights: (N, rows, columns) of one that stacks N matrices."""
        stacks = [
            momentum.view(count, -1, momentum.shape[1])
            for count, momentum in zip(parts, momenta, strict=True)
        ]
        wide = [stack if stack.shape[1] <= stack.shape[2] else stack.mT for stack in stacks]
        ortho = orthogonalise(torch.cat(wide), self.iterations)
        return [
            update if update.shape == stack.shape else update.mT
            for update, stack in zip(ortho.split(parts), stacks, strict=True)
        ]

    def state_tensors(self) -> dict[str, Tensor]:
        return {f"muon.momentum.{name}": buffer for name, buffer in self.buffers.items()}

    def load_state_tensors(self, tensors: dict[str, Tensor]) -> None:
        for name, buffer in self.buffers.items():
            put(buffer, tensors[f"muon.momentum.{name}"])


class AdamW:
    """Adam with bias correction (Kingma & Ba 2014, arXiv:1412.6980) and decoupled weight decay
    (Loshchilov & Hutter 2017, arXiv:1711.05101).

    Ours rather than `torch.optim.AdamW` because making any torch.optim optimizer imports 800
    modules, 1.6 s of a training that takes ten; a test holds it to torch's numbers.
    """

    def __init__(
        self,
        weights: dict[str, nn.Parameter],
        betas: tuple[float, float],
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        self.weights, self.betas, self.eps, self.weight_decay = weights, betas, eps, weight_decay
        self.steps = 0
        self.first = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self.second = {name: torch.zeros_like(weight) for name, weight in weights.items()}

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Apply one update from the gradients in `.grad`."""
        self.steps += 1
        beta1, beta2 = self.betas
        weights, first, second = (
            [local(tensor) for tensor in tensors.values()]
            for tensors in (self.weights, self.first, self.second)
        )
        gradients = [local(w.grad) for w in self.weights.values() if w.grad is not None]
        assert len(gradients) == len(weights)
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        denominator = torch._foreach_sqrt(second)
        torch._foreach_div_(denominator, (1 - beta2**self.steps) ** 0.5)
        torch._foreach_add_(denominator, self.eps)
        if self.weight_decay:
            torch._foreach_mul_(weights, 1 - lr * self.weight_decay)
        torch._foreach_addcdiv_(weights, first, denominator, -lr / (1 - beta1**self.steps))

    def state_tensors(self) -> dict[str, Tensor]:
        tensors = {"adam.steps": torch.tensor(self.steps)}
        for name in self.weights:
            tensors[f"adam.first.{name}"] = self.first[name]
            tensors[f"adam.second.{name}"] = self.second[name]
        return tensors

    def load_state_tensors(self, tensors: dict[str, Tensor]) -> None:
        self.steps = int(tensors["adam.steps"])
        for name in self.weights:
            put(self.first[name], tensors[f"adam.first.{name}"])
            put(self.second[name], tensors[f"adam.second.{name}"])


class Optimizers:
    """Muon and AdamW as one thing: step, zero, state as named tensors.

    With the algorithm "muon" matrices inside blocks go to Muon, the rest (embedding, head,
    norms) to AdamW without weight decay; with "adamw" everything goes to AdamW, with it.
    """

    def __init__(self, model: nn.Module, settings: OptimizerSettings) -> None:
        named = dict(model.named_parameters())
        muon = settings.algorithm == "muon"
        matrices = {
            name: weight
            for name, weight in named.items()
            if muon and name.startswith("blocks.") and weight.ndim == 2
        }
        parts = {name: _FUSED_PARTS.get(name.rsplit(".", 2)[-2], 1) for name in matrices}
        self._settings = settings
        self._weights = list(named.values())
        self.muon = Muon(
            matrices,
            parts,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            iterations=settings.muon_iterations,
        )
        self.adam = AdamW(
            {name: weight for name, weight in named.items() if name not in matrices},
            betas=(settings.beta1, settings.beta2),
            eps=settings.adam_eps,
            weight_decay=0.0 if muon else settings.weight_decay,
        )

    def step(self, factor: float) -> None:
        """One update at `factor` times the peak learning rates."""
        self.muon.step(self._settings.matrix_lr * factor)
        self.adam.step(self._settings.learning_rate * factor)

    def zero_grad(self) -> None:
        for weight in self._weights:
            weight.grad = None

    def state_tensors(self) -> dict[str, Tensor]:
        """Everything a later step depends on, by name."""
        return self.muon.state_tensors() | self.adam.state_tensors()

    def load_state_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state_tensors` gave. Raises KeyError where one is missing."""
        self.muon.load_state_tensors(tensors)
        self.adam.load_state_tensors(tensors)
