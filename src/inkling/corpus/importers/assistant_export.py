"""What the exports of ChatGPT and Claude have in common: conversations.json, whole or in parts, of
which the person's turns are learned and the model's are not.

Knows: which files those are, that each holds a list of conversations, what becomes of a turn. Does
not know: what a conversation looks like; an `AssistantExport` says that.
Data: Tree -> `AssistantExport.claims`, `.read` -> a Chat each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from inkling.corpus.document import Dropped, Message, content_hash
from inkling.corpus.importing.importer import Claim, ImportedChat, ImportedRecord, ReadOptions
from inkling.corpus.importing.json_items import DAMAGED, head_of, json_items, json_value, list_of
from inkling.corpus.importing.leftovers import beside, left_out
from inkling.corpus.importing.tree import Tree, TreeFile

_NAME = re.compile(r"conversations([-_]\d+)?\.json", re.IGNORECASE)

NO_TURN = "tool, system or reasoning turn"
OFF_BRANCH = "replaced by an edit or a retry"


@dataclass(frozen=True)
class AssistantExport:
    """How the conversations of one assistant are found and read."""

    title: str
    key: str
    """What a conversation has its messages under …"""
    kind: type
    """… and as what."""
    is_export: Callable[[TreeFile], bool]
    not_writing: tuple[str, ...]
    """Names of files that hold none of the person's writing …"""
    beside: Callable[[str], str]
    """… and the folder that they lie below, of the folder of the conversations."""
    chat: Callable[[dict[str, Any], str], ImportedChat]

    def claims(self, tree: Tree) -> Iterator[Claim]:
        """All conversations of a tree, and what lies beside them, as one claim."""
        found = self._files(tree)
        if not found:
            return
        paths = {file.path for file in found}
        for folder in {file.folder for file in found}:
            paths.update(beside(tree, self.beside(folder), self.not_writing))
        files = f", {len(found)} files" if len(found) > 1 else ""
        yield Claim(frozenset(paths), 1.0, f"{self.title} conversations{files}")

    def read(self, tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
        """A Chat for each conversation, and what of the claim was left out."""
        files = self._files(tree.only(claim.files))
        for file in files:
            for number, value in enumerate(_values(file), start=1):
                raw_ref = f"{file.path}:{number}"
                if isinstance(value, Dropped):
                    yield value
                elif isinstance(value, dict) and isinstance(value.get(self.key), self.kind):
                    yield self.chat(value, raw_ref)
                else:
                    yield Dropped("no conversation", raw_ref)
        yield from left_out(claim, (file.path for file in files))

    def _files(self, tree: Tree) -> list[TreeFile]:
        named = [file for file in tree.files if _NAME.fullmatch(file.name)]
        if not named:
            # A single file that somebody renamed.
            named = [file for file in tree.files if file.suffix == ".json"][:2]
            named = named if len(named) == 1 else []
        return [file for file in named if self.is_export(file)]


def chat_id_of(known: str | None, source: str, title: str | None, created: object) -> str:
    """The id of a conversation; one that has none is known by its title and when it began."""
    return known or content_hash(source, title or "", str(created))


def turn(
    speaker: str, person: str, text: str, message_id: str | None, when: str | None, raw_ref: str
) -> Message | Dropped:
    """What was said; the words of the assistant are kind "bot", so none of them are learned."""
    if not text.strip():
        return Dropped("media without text", raw_ref)
    is_me = speaker == person
    return Message(
        author_id=speaker,
        is_me=is_me,
        text=text,
        kind="text" if is_me else "bot",
        message_id=message_id,
        timestamp=when,
        raw_ref=raw_ref,
    )


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
