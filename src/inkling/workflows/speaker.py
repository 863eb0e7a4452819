"""As whom a model speaks: the one name for the chat, the page, model cards and exported files.

Knows: which of the names that a workspace holds is the person's. Does not know who shows it. The
model's name in OpenAI's API is the workspace's: programs have it written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inkling.corpus.importing.importer import same_name
from inkling.corpus.own_names import EVERYWHERE, OwnNames
from inkling.corpus.select import NAMELESS
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.workspace import Workspace

_NO_NAME = re.compile(r"@|\d{3}")
"""In mail addresses, numbers and ids of accounts, which are remembered among the names."""
_NOBODY = NAMELESS | {"me", "you", "i", "unknown", "deleted account"}
"""What exports call a person whose name they do not tell."""


def speaker_name(workspace: Workspace) -> str:
    """The workspace's name where it was chosen; else the person's, where it is remembered who "me"
    is or chats show it; else the folder's. Raises WorkspaceError where inkling.toml cannot be
    read."""
    name = workspace.name
    if name != workspace.path.name or not workspace.corpus_path.exists():
        return name
    try:
        with CorpusStore(workspace.corpus_path, read_only=True) as store:
            return _first_name([*_remembered(store.own_names()), *store.shown_names()]) or name
    except CorpusError:  # told by whoever needs the text
        return name


def _remembered(names: OwnNames) -> Iterator[str]:
    """Those that hold everywhere, then those of any source."""
    for importer in dict.fromkeys([EVERYWHERE, *names.by_importer]):
        yield from names.by_importer.get(importer, ())


def _first_name(found: Iterable[str]) -> str | None:
    """The first that is the name of a person."""
    for name in found:
        nameless = _NO_NAME.search(name) or same_name(name) in _NOBODY
        if not nameless and any(map(str.isalpha, name)):
            return " ".join(name.split())
    return None
