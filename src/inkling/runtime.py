"""Where and how tensors are computed: device, number type, threads.

Knows: the machine. Does not know: models, data. One `Runtime` is made by the command and
passed down; nothing reads a global.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.errors import UsageError
from inkling.machine import usable_cores
from inkling.ranks import ALONE, Ranks

if TYPE_CHECKING:
    import torch


def process_started() -> float:
    """`time.time()` at which this process began (now, where the system does not say)."""
    try:
        with open("/proc/self/stat") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/uptime") as file:
            uptime = float(file.read().split()[0])
        return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return time.time()


# torch raises a bare RuntimeError when the CPU's allocator fails, the system's loader an
# ImportError where a library finds no room, a compiled module SystemError where it forgot to say
# it; these are their words.
_OUT_OF_MEMORY = (
    "not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory",
    "bad_alloc", "failed to map segment", "error return without exception set",
    "can't start new thread",
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on the CPU or a GPU."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError | SystemError | ImportError)
        and any(words in str(error).lower() for words in _OUT_OF_MEMORY)
    )


@dataclass(frozen=True)
class Runtime:
    """Device, dtype and thread count of one command, and its place among those of one training.

    `started` is when the command began; `--minutes` counts from there.
    """

    device: torch.device
    dtype: torch.dtype
    """Of matrix products and attention while training; weights are fp32."""
    threads: int
    started: float
    ranks: Ranks = ALONE
    compiler: str | None = None
    """The backend of `torch.compile` that long trainings use; None for none."""
    losses_read_every: int = 1
    """Steps. To read a loss waits for all that a GPU still has to compute."""
    holds_ids: bool = False
    """Whether packed ids lie on the device, where they fit beside the model."""

    @classmethod
    def detect(
        cls, threads: int | None = None, started: float | None = None, ranks: Ranks = ALONE
    ) -> Runtime:
        """The best device of this machine, or this process's share of it. Sets torch's threads, as
        many as there are cores or OMP_NUM_THREADS says, and flushes denormals.

        `started` is when the command began, by default now. Raises UsageError where there are
        fewer GPUs here than processes.
        """
        import torch

        began = time.time() if started is None else started
        count = threads or _threads_for(ranks)
        if torch.get_num_threads() != count:
            torch.set_num_threads(count)
        # Denormal numbers (tiny momenta) cost a hundred cycles each and change nothing.
        torch.set_flush_denormal(True)
        if torch.cuda.is_available():
            gpus = torch.cuda.device_count()
            if ranks.local_count > gpus:
                raise UsageError(
                    f"{ranks.local_count} processes were started here, and there are {gpus} GPUs: "
                    f"torchrun --nproc-per-node {gpus}."
                )
            torch.cuda.set_device(ranks.local_rank)
            device = torch.device("cuda", ranks.local_rank)
            dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
            return cls(
                device, dtype, count, began, ranks, "inductor", losses_read_every=10, holds_ids=True
            )
        return cls(torch.device("cpu"), torch.float32, count, began, ranks)

    def describe(self) -> str:
        """One phrase for a person: "2 CPU threads", "8 × NVIDIA …"."""
        if self.device.type == "cuda":
            import torch

            device = torch.cuda.get_device_name(self.device)
        else:
            device = f"{self.threads} CPU thread{'s' if self.threads != 1 else ''}"
        return device if self.ranks.count == 1 else f"{self.ranks.count} × {device}"


def _threads_for(ranks: Ranks) -> int:
    cores = max(1, usable_cores() // ranks.local_count)
    told = os.environ.get("OMP_NUM_THREADS", "")
    # torchrun tells each of several processes to use one, whatever the machine has.
    if ranks.local_count > 1 or not told.isdecimal():
        return cores
    return min(cores, max(1, int(told)))
