"""Which importers there are, and which of them reads which file.

Knows: the built-in importers and those of other packages; that the surest claim wins. Does not
know: any format. Data: Tree -> `detect` -> (Importer, Claim), no file in two of them.

A package adds an importer by an entry point of the group `inkling.importers` that names an
`Importer`. Modules are imported only when a source is opened.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points

from inkling.corpus.importers import BUILT_IN
from inkling.corpus.importing.importer import Claim, Importer
from inkling.corpus.importing.tree import Tree
from inkling.errors import CorpusError, UsageError

GROUP = "inkling.importers"


@functools.cache
def importers() -> tuple[Importer, ...]:
    """All importers, the built-in ones first.

    Raises CorpusError naming the package whose importer cannot be loaded, or has a name that is
    taken.
    """
    found: dict[str, Importer] = {}
    for name in BUILT_IN:
        importer = import_module(f"inkling.corpus.importers.{name}").IMPORTER
        assert isinstance(importer, Importer)
        assert importer.name not in found
        found[importer.name] = importer
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        package = point.dist.name if point.dist is not None else point.value
        try:
            importer = point.load()
        except (ImportError, AttributeError) as error:
            raise CorpusError(
                f"The importer {point.name} of the package {package} cannot be loaded: {error}. "
                "Upgrade or uninstall that package."
            ) from None
        if not isinstance(importer, Importer) or importer.name in found:
            raise CorpusError(
                f"The importer {point.name} of the package {package} is none, or has a name that "
                "is taken. Upgrade or uninstall that package."
            )
        found[importer.name] = importer
    return tuple(found.values())


def importer_called(name: str) -> Importer:
    """The importer that `--as` names. Raises UsageError listing them all."""
    for importer in importers():
        if importer.name == name.strip().lower():
            return importer
    names = ", ".join(sorted(importer.name for importer in importers()))
    raise UsageError(f"There is no source called {name!r}. There are: {names}.")


def detect(tree: Tree, only: Importer | None = None) -> list[tuple[Importer, Claim]]:
    """Which importer reads which files, in the order of the registry.

    With `only` that importer reads: what it claims, else everything, because a person said so.
    """
    if only is not None:
        claims = list(only.claims(tree))
        everything = Claim(frozenset(file.path for file in tree.files), 1.0, tree.name)
        return [(only, claim) for claim in claims or [everything] if claim.files]
    found: list[tuple[Importer, Claim]] = []
    for importer in importers():
        claims = list(importer.claims(tree))
        found += ((importer, claim) for claim in claims)
        # Nobody can be surer of these, so nobody else opens them.
        certain = frozenset().union(*(claim.files for claim in claims if claim.certainty == 1))
        if certain:
            tree = tree.without(certain)
    return surest(found)


def surest(claims: Iterable[tuple[Importer, Claim]]) -> list[tuple[Importer, Claim]]:
    """The claims without the files of which another one is surer; without those left empty."""
    listed = list(claims)
    owner: dict[str, int] = {}
    for index, (_, claim) in enumerate(listed):
        for path in claim.files:
            held = owner.get(path)
            if held is None or listed[held][1].certainty < claim.certainty:
                owner[path] = index
    files: dict[int, set[str]] = {}
    for path, index in owner.items():
        files.setdefault(index, set()).add(path)
    return [
        (importer, replace(claim, files=frozenset(files[index])))
        for index, (importer, claim) in enumerate(listed)
        if index in files
    ]
