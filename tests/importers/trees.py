"""Trees of files made in memory."""

from __future__ import annotations

import io
from collections.abc import Mapping

from inkling.corpus.importing.tree import Tree, TreeFile


def tree_of(files: Mapping[str, str | bytes], name: str = "export") -> Tree:
    """A tree of these files; text is UTF-8."""
    found = []
    for path, content in sorted(files.items()):
        data = content.encode() if isinstance(content, str) else content
        found.append(TreeFile(path, len(data), lambda data=data: io.BytesIO(data)))  # type: ignore[misc]
    return Tree(name, tuple(found))
