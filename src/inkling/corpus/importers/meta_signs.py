"""Which files of a tree are Instagram's and which Facebook's: their archives look alike.

Knows: names of folders. Does not know: what is in a file.
Data: Tree -> `instagrams`, `facebooks` -> the Tree of each.
"""

from __future__ import annotations

from dataclasses import replace

from inkling.corpus.importing.tree import Tree

# Folders of an archive, and what its own name begins with.
_INSTAGRAM = (("your_instagram_activity/",), "instagram-")
_FACEBOOK = (("facebook_activity/", "your_activity_across_facebook/"), "facebook-")
_Signs = tuple[tuple[str, ...], str]


def instagrams(tree: Tree) -> Tree:
    """The files of Instagram's archives; none where nothing says that there is one."""
    return _parted(tree)[0]


def facebooks(tree: Tree) -> Tree:
    """All other files."""
    return _parted(tree)[1]


def says_facebook(tree: Tree) -> bool:
    """Whether an archive's name, or a folder in it, says that it is Facebook's."""
    return "facebook" in tree.name.casefold() or bool(_roots(tree, _FACEBOOK))


def _parted(tree: Tree) -> tuple[Tree, Tree]:
    nothing = replace(tree, files=())
    roots = _roots(tree, _INSTAGRAM)
    if not roots and "instagram" not in tree.name.casefold():
        return nothing, tree
    others = _roots(tree, _FACEBOOK)
    if not others:
        return tree, nothing
    # Both lie in one folder: each file is of the archive that begins nearest above it.
    mine = frozenset(
        file.path
        for file in tree.files
        if (_depth(file.path, roots), _root(file.path, _INSTAGRAM) is not None)
        > (_depth(file.path, others), _root(file.path, _FACEBOOK) is not None)
    )
    return tree.only(mine), tree.without(mine)


def _roots(tree: Tree, signs: _Signs) -> set[str]:
    """Where archives begin, each with a `/` behind it; "" is the top."""
    found = (_root(file.path, signs) for file in tree.files)
    return {root for root in found if root is not None}


def _root(path: str, signs: _Signs) -> str | None:
    """The folder in which the archive begins that a path is in, where the path says it."""
    folders, start = signs
    for sign in folders:
        if (at := path.find(sign)) != -1:
            return path[: path.rfind("/", 0, at) + 1]
    if (at := path.find(start)) != -1:
        return path[: path.find("/", at) + 1]
    return None


def _depth(path: str, roots: set[str]) -> int:
    """How long the nearest root above a path is; -1 where none is."""
    return max((len(root) for root in roots if path.startswith(root)), default=-1)
