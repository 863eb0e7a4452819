"""Files of an export that hold none of the person's writing: claimed, so that nobody else
takes them for it, and counted.

Knows: names of files. Does not know: any source.
Data: Tree, names -> paths -> one Dropped a file.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence

from inkling.corpus.document import Dropped
from inkling.corpus.importing.importer import Claim
from inkling.corpus.importing.tree import Tree


def beside(tree: Tree, folder: str, patterns: Sequence[str]) -> Iterator[str]:
    """Paths below a folder of a tree ("" is its top) whose rest fits a shell pattern, in
    lower case; `*` crosses folders."""
    start = f"{folder}/" if folder else ""
    for file in tree.files:
        if file.path.startswith(start):
            rest = file.path[len(start) :].lower()
            if any(fnmatch.fnmatchcase(rest, pattern) for pattern in patterns):
                yield file.path


def left_out(
    claim: Claim, read: Iterable[str], reason: str = "no writing of yours"
) -> Iterator[Dropped]:
    """One Dropped for each file of a claim that is not among those read."""
    for path in sorted(claim.files - frozenset(read)):
        yield Dropped(reason, path)
