"""A model of whose weights each process holds a part: for models that fit no single device.

Knows: how weights are divided (`fully_shard`, each along its first dimension), how a whole one is
put together and dealt out again. Does not know: optimizers, checkpoints, the loop.
Data: a whole model -> `divide` -> the same one, of which a process holds its rows of each weight;
whole tensors <-> `whole`, `put`, `exchange`.

Everything here takes an undivided tensor as well and leaves it as it is, so that those who save,
restore and update weights need not ask. Forward and backward passes of a divided model need all
processes at the same time.

Source: FSDP2, torch.distributed.fsdp (github.com/pytorch/pytorch).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from inkling.errors import TrainingError
from inkling.ranks import Ranks

if TYPE_CHECKING:
    from inkling.config import BatchSettings
    from inkling.runtime import Runtime


def divides(ranks: Ranks, batches: Sequence[BatchSettings]) -> bool:
    """Whether the processes of a training share its weights: where one of its phases asks for it
    and there are several."""
    return ranks.count > 1 and any(batch.divide_weights for batch in batches)


def divided_in_vain(ranks: Ranks, batches: Sequence[BatchSettings]) -> bool:
    """Whether a phase asks for it, and there is only one process."""
    return ranks.count == 1 and any(batch.divide_weights for batch in batches)


def divide(model: nn.Module, runtime: Runtime) -> None:
    """Leave each process its part of every weight, on its device: block by block, so that no
    more than one block is whole at a time. Raises TrainingError where the model has no blocks."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.ModuleList):
        raise TrainingError(
            "Only models of the recipe modern can be divided over processes. Leave out "
            "--set train.divide_weights=true."
        )
    mesh = init_device_mesh(runtime.device.type, (runtime.ranks.count,))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            # Each process has its share of a mean over all targets already: a plain sum. gloo
            # knows no other.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    model.to(runtime.device)  # what is no weight: tables of positions


def is_divided(tensor: Tensor) -> bool:
    """Whether this process holds only a part of it."""
    return hasattr(tensor, "to_local")


def local(tensor: Tensor) -> Tensor:
    """What of it this process holds, to be changed in place."""
    return tensor.to_local() if is_divided(tensor) else tensor  # type: ignore[attr-defined]


def whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as they would be undivided, in main memory. All processes must ask."""
    return {
        name: tensor.full_tensor().cpu() if is_divided(tensor) else tensor  # type: ignore[attr-defined]
        for name, tensor in tensors.items()
    }


def put(target: Tensor, value: Tensor) -> None:
    """Make a tensor what a whole one is; of a divided one each process takes its own rows."""
    with torch.no_grad():
        if is_divided(target):
            mesh = target.device_mesh  # type: ignore[attr-defined]
            value = value[rows_of(mesh.get_local_rank(), mesh.size(), len(value))]
        local(target).copy_(value)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """`load_state_dict`, also of a divided model. Raises KeyError or RuntimeError where the weights
    are those of another model."""
    state = model.state_dict()
    if not any(map(is_divided, state.values())):
        model.load_state_dict(weights)
        return
    for name, target in state.items():
        put(target, weights[name])


def rows_of(rank: int, count: int, rows: int) -> slice:
    """Which rows of a weight a process holds: as many as any other, the last ones fewer."""
    size = -(-rows // count)
    return slice(min(rows, rank * size), min(rows, (rank + 1) * size))


class Exchange:
    """Divided matrices dealt out among the processes as whole ones, and back.

    Of the matrices of a list, the n-th goes to process n modulo their number: each gets about as
    many, and all of the list go over the wire in one call.
    """

    def __init__(self, shapes: Sequence[tuple[int, int]], rank: int, count: int) -> None:
        self._shapes, self._rank, self._count = shapes, rank, count

    @property
    def own(self) -> range:
        """Which matrices of the list this process gets."""
        return range(self._rank, len(self._shapes), self._count)

    def gather(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """This process's whole matrices, of its parts of all of them."""
        received = self._sent(
            [list(parts[other :: self._count]) for other in range(self._count)],
            [[self._part(index, other) for index in self.own] for other in range(self._count)],
        )
        return [torch.cat(pieces) for pieces in zip(*received, strict=True)]

    def scatter(self, matrices: Sequence[Tensor]) -> list[Tensor]:
        """Its parts of all matrices, of its whole ones."""
        received = self._sent(
            [
                [
                    matrix[rows_of(other, self._count, len(matrix))]
                    for matrix in matrices
                ]
                for other in range(self._count)
            ],
            [
                [
                    self._part(index, self._rank)
                    for index in range(other, len(self._shapes), self._count)
                ]
                for other in range(self._count)
            ],
        )  # fmt: skip
        return [
            received[index % self._count][index // self._count]
            for index in range(len(self._shapes))
        ]

    def _part(self, index: int, rank: int) -> tuple[int, int]:
        """The shape of a process's part of a matrix."""
        rows, columns = self._shapes[index]
        own = rows_of(rank, self._count, rows)
        return own.stop - own.start, columns

    def _sent(
        self, to: list[list[Tensor]], shapes: list[list[tuple[int, int]]]
    ) -> list[list[Tensor]]:
        """What each process sends here, in these shapes; `to` is what goes to each."""
        from torch import distributed

        flat = [torch.cat([part.reshape(-1) for part in parts] or [self._none(to)]) for parts in to]
        sizes = [sum(rows * columns for rows, columns in listed) for listed in shapes]
        arrived = flat[0].new_empty(sum(sizes))
        distributed.all_to_all_single(arrived, torch.cat(flat), sizes, [len(f) for f in flat])
        return [
            [
                piece.view(shape)
                for piece, shape in zip(
                    block.split([rows * columns for rows, columns in listed]), listed, strict=True
                )
            ]
            for block, listed in zip(arrived.split(sizes), shapes, strict=True)
        ]  # fmt: skip

    @staticmethod
    def _none(to: list[list[Tensor]]) -> Tensor:
        return next(part for parts in to for part in parts).new_empty(0)
