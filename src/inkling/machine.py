"""What this machine lets a process use: cores and memory, limits of containers included.

Knows: how Linux and macOS say it, and that a control group may grant less than the machine has.
Does not know torch. Data: /proc, /sys/fs/cgroup, sysconf -> numbers.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GROUPS, _GROUPS_ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_MEMORY_INFO = Path("/proc/meminfo")
_UNLIMITED = 1 << 60
"""A limit above this is how the first version of control groups says that there is none."""


@dataclass(frozen=True)
class MainMemory:
    """Bytes of main memory. `total` is what this process may use; `available` is what of that
    nobody uses now, None where the system does not say."""

    total: int
    available: int | None
    limited: bool
    """Whether a control group grants less than the machine has."""


def affinity_cores() -> int:
    """Cores that the system may run this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cores(groups: Path = _GROUPS, root: Path = _GROUPS_ROOT) -> int:
    """Cores worth of time that this process may use: a container may be granted fewer than it
    sees, and threads beyond them only wait for each other."""
    quota = core_quota(groups, root)
    cores = affinity_cores()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def core_quota(groups: Path = _GROUPS, root: Path = _GROUPS_ROOT) -> float | None:
    """The strictest limit of CPU time that a control group sets, in cores; None for none."""
    quotas = []
    for folder in _folders("cpu", groups, root):
        words = _read(folder / "cpu.max").split()  # "150000 100000", or "max 100000"
        if len(words) != 2:
            words = [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
        if words[0].isdecimal() and words[1].isdecimal() and int(words[1]):
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory(
    groups: Path = _GROUPS, root: Path = _GROUPS_ROOT, info: Path = _MEMORY_INFO
) -> MainMemory:
    """Main memory, as far as this process may use it."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    total, available = machine, _available(info)
    for folder in _folders("memory", groups, root):
        for limit_file, usage_file, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit = _read(folder / limit_file)
            if not limit.isdecimal() or int(limit) >= min(machine, _UNLIMITED):
                continue
            total = min(total, int(limit))
            usage = _read(folder / usage_file)
            if usage.isdecimal():
                # Files read a while ago count as used, and are dropped as soon as memory is short.
                used = int(usage) - _statistic(folder / "memory.stat", cache)
                left = max(0, int(limit) - used)
                available = left if available is None else min(available, left)
    return MainMemory(total, available, limited=total < machine)


def _available(info: Path) -> int | None:
    for line in _read(info).splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable" and value.split()[:1]:
            return int(value.split()[0]) * 1024
    return None


def _statistic(path: Path, name: str) -> int:
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return 0


def _folders(controller: str, groups: Path, root: Path) -> Iterator[Path]:
    """The folders of this process's control groups, and of all that these are part of."""
    for line in _read(groups).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        # The second version has one tree; the first has one for each controller.
        top = root / controller if controllers else root
        group = Path(name.lstrip("/"))
        for part in (group, *group.parents):
            if (top / part).is_dir():
                yield top / part


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def machine_region() -> str | None:
    """The country of this machine's language settings, two letters; None where they name none."""
    for variable in ("LC_ALL", "LC_TELEPHONE", "LC_CTYPE", "LANG"):
        if value := os.environ.get(variable):
            found = re.match(r"[A-Za-z]{2,3}[_-]([A-Za-z]{2})(?:[.@]|$)", value)
            return found[1].upper() if found else None
    return None
