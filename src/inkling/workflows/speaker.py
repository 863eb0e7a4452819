"""As whom a model speaks: the one name for the chat, the page, model cards and exported files.

Knows: which of the names that a workspace holds is the person's. Does not know who shows it. The
model's name in OpenAI's API is the workspace's: programs have it written down.
"""

from __future__ import annotations

import re

from inkling.corpus.own_names import EVERYWHERE, OwnNames
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.workspace import Workspace

_NO_NAME = re.compile(r"@|\d{3}")
"""In mail addresses, numbers and ids of accounts, which are remembered among the names."""


def speaker_name(workspace: Workspace) -> str:
    """The workspace's name where it was chosen; else the person's, where it is remembered who "me"
    is; else the folder's. Raises WorkspaceError where inkling.toml cannot be read."""
    name = workspace.name
    if name != workspace.path.name or not workspace.corpus_path.exists():
        return name
    try:
        with CorpusStore(workspace.corpus_path, read_only=True) as store:
            return _own_name(store.own_names()) or name
    except CorpusError:  # told by whoever needs the text
        return name


def _own_name(remembered: OwnNames) -> str | None:
    """The first that holds everywhere, else in any source."""
    for importer in dict.fromkeys([EVERYWHERE, *remembered.by_importer]):
        for name in remembered.by_importer.get(importer, ()):
            if not _NO_NAME.search(name) and any(map(str.isalpha, name)):
                return " ".join(name.split())
    return None
