"""Batches whose ids lie on the device, and those that are sent: the same rows."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from inkling.config import BatchSettings
from inkling.ranks import Ranks
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import IGNORE, DialogLoader, Loader, MixedLoader, RowShare, WindowLoader
from inkling.training.batches import Batches

ROWS, LENGTH, END = 5, 30, 4
SETTINGS = BatchSettings(
    sequence_length=LENGTH, total_batch_size=ROWS * LENGTH, device_batch_size=ROWS
)


def loader_of(kind: str) -> Loader:
    drawn = np.random.default_rng(0)
    ids = drawn.integers(5, 40, 900).astype(np.uint16)
    ids[::9] = END
    segments = tuple((start, 45, "d", 0) for start in range(0, 900, 45))
    masked = PackedIds("dialog_train", ids, drawn.integers(0, 2, 900).astype(np.uint8), segments)
    plain = PackedIds("train", ids, None, segments)
    dialogs = DialogLoader(masked, LENGTH, 1, END)
    return {
        "windows": WindowLoader(plain, LENGTH, 1),
        "masked windows": WindowLoader(masked, LENGTH, 1),
        "dialogs": dialogs,
        "mixed": MixedLoader(dialogs, WindowLoader(plain, LENGTH, 1), 0.4, 1),
    }[kind]


@pytest.mark.parametrize("kind", ["windows", "masked windows", "dialogs", "mixed"])
@pytest.mark.parametrize(("rank", "count"), [(0, 1), (1, 3), (6, 7)])
def test_held_ids_give_the_rows_that_are_sent(kind: str, rank: int, count: int) -> None:
    """For every process, over several epochs: to the bit, with the number of targets that count,
    and the loader at the same place."""
    runtime = Runtime(torch.device("cpu"), torch.float32, 1, 0.0, Ranks(rank, count))
    plain, held = loader_of(kind), loader_of(kind)
    sent = Batches(plain, SETTINGS, runtime)
    gathered = Batches(held, SETTINGS, replace(runtime, holds_ids=True))
    reference = loader_of(kind)
    for _ in range(15):
        x, y = reference.next_batch(ROWS, RowShare(rank, count))
        for batches in (sent, gathered):
            x_BT, y_BT, targets = batches.next()
            assert x_BT.dtype == y_BT.dtype == torch.int64
            assert x_BT.is_contiguous()
            assert np.array_equal(x_BT.numpy(), x)
            assert np.array_equal(y_BT.numpy(), y)
            assert targets == (y != IGNORE).sum()
        assert plain.state() == held.state() == reference.state()


def test_ids_are_copied_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what lies on the device main memory holds a part of them, not a second whole; the
    rows are the same, also where windows lie across parts."""
    monkeypatch.setattr("inkling.training.batches.COPIED_AT_ONCE", 1_000)
    runtime = Runtime(torch.device("cpu"), torch.float32, 1, 0.0, holds_ids=True)
    ids = np.random.default_rng(2).integers(5, 40, 100_500).astype(np.uint16)
    loaders = [WindowLoader(PackedIds("train", ids, None, ()), LENGTH, 1) for _ in range(2)]
    tracemalloc.start()
    batches = Batches(loaders[0], SETTINGS, runtime)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(ids)  # bytes, a fourth of what a whole copy takes
    for _ in range(400):
        assert torch.equal(batches.next()[0], torch.from_numpy(loaders[1].next_batch(ROWS)[0]))


def test_held_ids_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step sends where its windows begin, and nothing else."""
    loader = loader_of("windows")
    runtime = Runtime(torch.device("cpu"), torch.float32, 1, 0.0, holds_ids=True)
    batches = Batches(loader, SETTINGS, runtime)
    monkeypatch.setattr(loader, "next_batch", None)
    assert batches.next()[2] == ROWS * LENGTH
