"""Which of the processes of one training this is, and what they say to each other.

Knows: what `torchrun` tells a process, and torch's collectives. Does not know: models, runs, what
is trained. A process that was started alone is the first of one: it is its own answer to
everything, and no library is imported for it.
Data: RANK, WORLD_SIZE, … -> `Ranks` -> sums and decisions that are the same in every process.

What is decided from the clock, a signal or a measurement is decided by the first process alone.
Sums are made the same way in each process, so that weights that begin equal stay equal to the bit.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from inkling.errors import LostRankError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")

LONGEST_WAIT = timedelta(hours=3)
"""For each other: the first process reads and packs the text, measures and draws alone. One that
has died is noticed at once, by its closed connection."""
MOST_SUMMED = 1 << 24
"""Numbers that go over the wire at once: 64 MB are copied, however large the model."""


@dataclass(frozen=True)
class Ranks:
    """One process's place among those of its training."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Its place among those of this machine, which says which GPU is its own."""
    local_count: int = 1

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Ranks:
        """As torchrun, or whoever started the processes, says. Raises UsageError where that makes
        no sense."""
        if "RANK" not in environment or "WORLD_SIZE" not in environment:
            return cls()
        try:
            rank, count = int(environment["RANK"]), int(environment["WORLD_SIZE"])
            local_rank = int(environment.get("LOCAL_RANK", rank))
            local_count = int(environment.get("LOCAL_WORLD_SIZE", count))
        except ValueError:
            local_rank, local_count, rank, count = 0, 0, 0, 0
        if not (0 <= rank < count and 0 <= local_rank < local_count):
            raise UsageError(
                "RANK and WORLD_SIZE in the environment do not say which process this is. Start "
                "with torchrun, or unset them to train in one process."
            )
        return cls(rank, count, local_rank, local_count)

    @property
    def first(self) -> bool:
        """Whether this is the process that decides, writes and prints."""
        return self.rank == 0

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Within the block the processes can reach each other; it begins when all are there."""
        if self.count == 1:
            yield
            return
        import torch
        from torch import distributed

        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        with _others():
            distributed.init_process_group(backend, timeout=LONGEST_WAIT)
        yield
        # Not after an error: closing may wait for those that are lost.
        distributed.destroy_process_group()

    def decided(self, decide: Callable[[], T]) -> T:
        """What `decide` says in the first process, which alone calls it. The others wait."""
        if self.count == 1:
            return decide()
        import torch
        from torch import distributed

        said = [decide() if self.first else None]
        with _others():
            distributed.broadcast_object_list(said, device=torch.device("cpu"))
        answer: T = said[0]  # type: ignore[assignment]
        return answer

    def total(self, number: float) -> float:
        """The sum of each process's number."""
        if self.count == 1:
            return number
        import torch

        return float(self.totals(torch.tensor(number, dtype=torch.float64)))

    def totals(self, numbers: Tensor) -> Tensor:
        """The sums of each process's numbers, which are those of all processes afterwards."""
        if self.count > 1:
            from torch import distributed

            with _others():
                distributed.all_reduce(numbers)
        return numbers

    def any(self, flag: bool) -> bool:
        """Whether it is so in at least one process."""
        return flag if self.count == 1 else self.total(flag) > 0

    def add_gradients(self, weights: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of each weight's gradients."""
        if self.count == 1:
            return
        import torch
        from torch import distributed

        for bucket in _buckets([weight.grad for weight in weights if weight.grad is not None]):
            flat = torch.cat([gradient.flatten() for gradient in bucket])
            with _others():
                distributed.all_reduce(flat)
            sizes = [gradient.numel() for gradient in bucket]
            for gradient, summed in zip(bucket, flat.split(sizes), strict=True):
                gradient.copy_(summed.view_as(gradient))

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Make each tensor what it is in the first process."""
        if self.count == 1:
            return
        from torch import distributed

        for tensor in tensors:
            with _others():
                distributed.broadcast(tensor.detach(), 0)

    def part_randomness(self) -> None:
        """Let processes whose random state is the same draw different numbers from here on: each
        leaves out other values by dropout. The first process's state stays as it is."""
        if self.first:
            return
        import torch

        torch.manual_seed(int(torch.randint(1 << 62, ())) + self.rank)


ALONE = Ranks()


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    """The same gradients in groups of at most `MOST_SUMMED` numbers, or of one."""
    bucket: list[Tensor] = []
    size = 0
    for gradient in gradients:
        if bucket and size + gradient.numel() > MOST_SUMMED:
            yield bucket
            bucket, size = [], 0
        bucket.append(gradient)
        size += gradient.numel()
    if bucket:
        yield bucket


@contextlib.contextmanager
def _others() -> Iterator[None]:
    """Something that needs the others: where one is gone, a sentence."""
    try:
        yield
    except RuntimeError as error:
        raise LostRankError(
            "Another process of this training has ended or cannot be reached, so it stops here "
            f"({str(error).splitlines()[0][:200]}). Continue from the last checkpoint, with as "
            "many processes as you like: the same command with --resume."
        ) from error
