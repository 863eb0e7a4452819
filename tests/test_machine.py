"""What a container grants is what counts, whichever version of control groups says it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from inkling import runtime
from inkling.machine import affinity_cores, core_quota, memory, usable_cores
from inkling.ranks import Ranks
from inkling.runtime import Runtime

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_no_limit_means_the_whole_machine(tmp_path: Path) -> None:
    """Without control groups: all memory, and the cores the system may run us on."""
    room = memory(tmp_path / "none", tmp_path, tmp_path / "no-meminfo")
    assert (room.total, room.available, room.limited) == (MACHINE, None, False)
    assert core_quota(tmp_path / "none", tmp_path) is None
    assert usable_cores(tmp_path / "none", tmp_path) == affinity_cores()


def test_limits_of_the_second_version_hold_from_any_group_above(tmp_path: Path) -> None:
    """The strictest of a group and of those it is part of; what can be dropped is free."""
    groups = tmp_path / "cgroup"
    groups.write_text("0::/pod/app\n")
    (tmp_path / "pod/app").mkdir(parents=True)
    (tmp_path / "pod/memory.max").write_text("300000000\n")
    (tmp_path / "pod/memory.current").write_text("200000000\n")
    (tmp_path / "pod/memory.stat").write_text("anon 7\ninactive_file 50000000\n")
    (tmp_path / "pod/app/memory.max").write_text("max\n")
    (tmp_path / "pod/app/cpu.max").write_text("50000 100000\n")
    (tmp_path / "pod/cpu.max").write_text("max 100000\n")
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 1 kB\nMemAvailable:    200000 kB\n")
    room = memory(groups, tmp_path, info)
    assert (room.total, room.available, room.limited) == (300_000_000, 150_000_000, True)
    assert core_quota(groups, tmp_path) == 0.5
    assert usable_cores(groups, tmp_path) == 1


def test_limits_of_the_first_version(tmp_path: Path) -> None:
    """One tree a controller; a quota of -1 and a huge limit mean none."""
    groups = tmp_path / "cgroup"
    groups.write_text("5:memory:/box\n4:cpu,cpuacct:/box\n1:name=systemd:/\n")
    for name in ("memory/box", "cpu/box"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "memory/memory.limit_in_bytes").write_text("9223372036854771712")
    (tmp_path / "memory/box/memory.limit_in_bytes").write_text("400000000")
    (tmp_path / "memory/box/memory.usage_in_bytes").write_text("100000000")
    (tmp_path / "memory/box/memory.stat").write_text("total_inactive_file 20000000")
    (tmp_path / "cpu/box/cpu.cfs_quota_us").write_text("150000")
    (tmp_path / "cpu/box/cpu.cfs_period_us").write_text("100000")
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")
    room = memory(groups, tmp_path, tmp_path / "no-meminfo")
    assert (room.total, room.available) == (400_000_000, 320_000_000)
    assert core_quota(groups, tmp_path) == 1.5


@pytest.mark.parametrize(
    ("told", "count"), [("1", 1), ("1000", 4), ("0", 1), ("", 4), ("two", 4), ("4,3", 4)]
)
def test_threads_are_those_that_the_environment_asks_for(
    monkeypatch: pytest.MonkeyPatch, told: str, count: int
) -> None:
    """Never more than there are cores; torchrun's one for each process is not a person's wish."""
    monkeypatch.setattr(runtime, "usable_cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    before = torch.get_num_threads()
    try:
        assert Runtime.detect().threads == count
        assert Runtime.detect(ranks=Ranks(0, 2, 0, 2)).threads == 2
    finally:
        torch.set_num_threads(before)
