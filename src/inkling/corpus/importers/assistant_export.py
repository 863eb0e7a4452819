"""What the exports of ChatGPT and Claude have in common: conversations.json, whole or in parts.

Knows: which files those are, that each holds a list of conversations. Does not know: what stands in
one. Data: Tree -> `conversation_files` -> `read_conversations` -> a Chat each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.importing.importer import Claim, ImportedChat, ImportedRecord
from inkling.corpus.importing.json_items import DAMAGED, head_of, json_items, json_value, list_of
from inkling.corpus.importing.leftovers import left_out
from inkling.corpus.importing.tree import Tree, TreeFile

_NAME = re.compile(r"conversations([-_]\d+)?\.json", re.IGNORECASE)


def conversation_files(tree: Tree, is_export: Callable[[TreeFile], bool]) -> list[TreeFile]:
    """The files of a tree that hold conversations of the source that `is_export` knows."""
    named = [file for file in tree.files if _NAME.fullmatch(file.name)]
    if not named:
        # A single file that somebody renamed.
        named = [file for file in tree.files if file.suffix == ".json"][:2]
        named = named if len(named) == 1 else []
    return [file for file in named if is_export(file)]


def read_conversations(
    files: Sequence[TreeFile],
    claim: Claim,
    key: str,
    kind: type,
    chat: Callable[[dict[str, Any], str], ImportedChat],
) -> Iterator[ImportedRecord]:
    """A Chat for each object with a `kind` under `key`, and what of the claim was left out."""
    for file in files:
        for number, value in enumerate(_values(file), start=1):
            if isinstance(value, Dropped):
                yield value
            elif isinstance(value, dict) and isinstance(value.get(key), kind):
                yield chat(value, f"{file.path}:{number}")
            else:
                yield Dropped("no conversation", f"{file.path}:{number}")
    yield from left_out(claim, (file.path for file in files))


def _values(file: TreeFile) -> Iterator[Any]:
    """The items of a list; of an object the list in it, else the object, as one conversation is
    saved by itself."""
    if not head_of(file, 64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        yield from json_items(file)
        return
    value = json_value(file)
    if not isinstance(value, dict):
        yield Dropped(DAMAGED, file.path)
    else:
        yield from list_of(value.get("conversations")) or [value]
