"""The branch of a conversation that a person saw last, where edits and retries left others.

Knows: trees of message ids. Does not know: any source.
Data: parent of each id, age of each id -> `newest_branch` -> ids from the first to the last.
"""

from __future__ import annotations

from collections.abc import Mapping


def branch_to(leaf: str, parents: Mapping[str, str | None]) -> list[str]:
    """Ids from the root to the leaf. A circle ends where it closes."""
    path: list[str] = []
    seen: set[str] = set()
    current: str | None = leaf
    while current is not None and current in parents and current not in seen:
        seen.add(current)
        path.append(current)
        current = parents[current]
    return path[::-1]


def newest_branch(
    leaf: str | None, parents: Mapping[str, str | None], ages: Mapping[str, str | None]
) -> list[str]:
    """The branch that ends in `leaf`; where that is unknown, in the newest of the leaves.

    `ages` are comparable: ISO 8601 in UTC; the later in the mapping wins where they are equal
    or unknown. Where ids only point at each other in a circle, all of them as they stand.
    """
    if leaf is None or leaf not in parents:
        inner = {parent for parent in parents.values() if parent is not None}
        leaves = [key for key in parents if key not in inner]
        if not leaves:
            return list(parents)
        leaf = max(reversed(leaves), key=lambda key: ages.get(key) or "")
    return branch_to(leaf, parents)
