"""What a site asks of crawlers: robots.txt (RFC 9309).

Knows: groups, the longest rule that fits, `*` and `$`. Does not know: the network.
"""

from __future__ import annotations

from dataclasses import dataclass

PRODUCT = "inkling"
_MAX_CHARACTERS = 500_000  # what the RFC asks to read at least


@dataclass(frozen=True)
class Robots:
    """Rules that apply here: those of a group that names this program, else those for all."""

    rules: tuple[tuple[str, bool], ...] = ()
    """(pattern, whether it allows)."""
    delay: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, path: str) -> bool:
        """Whether a path with its query may be fetched; the longest rule decides."""
        fitting = [(len(pattern), allow) for pattern, allow in self.rules if _fits(pattern, path)]
        return max(fitting)[1] if fitting else True


def _fits(pattern: str, path: str) -> bool:
    """Whether a pattern matches the beginning of a path. Greedy from the left, in linear time."""
    whole = pattern.endswith("$")
    first, *parts = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for number, part in enumerate(parts):
        if whole and number == len(parts) - 1:
            return path.endswith(part) and len(path) - len(part) >= at
        at = path.find(part, at)
        if at == -1:
            return False
        at += len(part)
    return not whole or at == len(path)


def read_robots(text: str) -> Robots:
    """The rules of a robots.txt; lines that are none are nothing."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    delays: dict[str, float] = {}
    sitemaps: list[str] = []
    agents: list[str] = []
    in_rules = False
    for line in text[:_MAX_CHARACTERS].splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            agents = [*([] if in_rules else agents), value.lower()]
            in_rules = False
            groups.setdefault(value.lower(), [])
        elif key in ("allow", "disallow"):
            in_rules = True
            for agent in agents:
                if value:
                    groups[agent].append((value, key == "allow"))
        elif key == "crawl-delay":
            in_rules = True
            for agent in agents:
                delays[agent] = _seconds(value)
        elif key == "sitemap":
            sitemaps.append(value)
    name = PRODUCT if PRODUCT in groups else "*"
    return Robots(tuple(groups.get(name, ())), delays.get(name), tuple(sitemaps))


def _seconds(value: str) -> float:
    try:
        return min(30.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
