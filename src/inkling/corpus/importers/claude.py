"""Claude's export: what a person wrote to it.

Knows: `conversations.json` (also in parts), messages that form a tree by their parents.
Does not know: what is learned from a Chat.
Data: Tree -> one Chat a conversation, streamed: the person's turns are `me` and text, the
model's are kind "bot". Projects, memories and designs are not the person's own writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importers.assistant_export import (
    NO_TURN,
    OFF_BRANCH,
    AssistantExport,
    chat_id_of,
    turn,
)
from inkling.corpus.importing import times
from inkling.corpus.importing.branches import newest_branch
from inkling.corpus.importing.importer import ImportedChat, Importer
from inkling.corpus.importing.json_items import dict_of, head_of, list_of, text_or_none
from inkling.corpus.importing.tree import TreeFile

_NOT_WRITING = (
    "users.json", "projects.json", "projects/*.json", "memories.json", "design_chats/*",
)  # fmt: skip


def _is_claude(file: TreeFile) -> bool:
    return b'"chat_messages"' in head_of(file)


def _beside(folder: str) -> str:
    """Parts that come as zips in a zip are folders of the tree named as the zip."""
    return folder.rpartition("/")[0] if folder.lower().endswith(".zip") else folder


def _chat(conversation: dict[str, Any], raw_ref: str) -> ImportedChat:
    title = text_or_none(conversation.get("name"))
    chat_id = text_or_none(conversation.get("uuid"))
    return ImportedChat(
        chat_id_of(chat_id, "claude", title, conversation.get("created_at")),
        raw_ref,
        _messages(conversation, raw_ref),
        title=title or None,
        people={"human": "me", "assistant": "Claude"},
    )


def _messages(conversation: dict[str, Any], raw_ref: str) -> Iterator[Message | Dropped]:
    messages = [dict_of(message) for message in conversation["chat_messages"]]
    # Ids are missing in old exports: the place in the list stands in for them.
    ids = [text_or_none(m.get("uuid")) or str(n) for n, m in enumerate(messages)]
    if any(message.get("parent_message_uuid") for message in messages):
        ages = {i: times.from_text(m.get("created_at")) for i, m in zip(ids, messages, strict=True)}
        parents = {
            i: text_or_none(m.get("parent_message_uuid"))
            for i, m in zip(ids, messages, strict=True)
        }
        leaf = text_or_none(conversation.get("current_leaf_message_uuid"))
        branch = newest_branch(leaf, parents, ages)
    else:
        branch = ids
    by_id = dict(zip(ids, messages, strict=True))
    for key in dict.fromkeys(branch):
        yield _message(by_id[key], raw_ref)
    elsewhere = len(messages) - len(set(branch))
    if elsewhere:
        yield Dropped(OFF_BRANCH, raw_ref, elsewhere)


def _message(message: dict[str, Any], raw_ref: str) -> Message | Dropped:
    sender = message.get("sender")
    if sender not in ("human", "assistant"):
        return Dropped(NO_TURN, raw_ref)
    when = times.from_text(message.get("created_at"))
    return turn(sender, "human", _text(message), text_or_none(message.get("uuid")), when, raw_ref)


def _text(message: dict[str, Any]) -> str:
    """What was typed. `text` may be empty while the words stand in blocks of `content`;
    `attachments` hold long pastes and files, which others may have written."""
    blocks = [
        text
        for block in list_of(message.get("content"))
        if isinstance(block, dict)
        and block.get("type") == "text"
        and (text := text_or_none(block.get("text")))
    ]
    return "\n".join(blocks) or text_or_none(message.get("text")) or ""


_EXPORT = AssistantExport(
    title="Claude",
    key="chat_messages",
    kind=list,
    is_export=_is_claude,
    not_writing=_NOT_WRITING,
    beside=_beside,
    chat=_chat,
)

IMPORTER = Importer(
    name="claude",
    title="Claude",
    kind="chats",
    how_to_export=(
        "claude.ai: Settings > Privacy > Export data. A mail brings a link to a zip with "
        "conversations.json."
    ),
    claims=_EXPORT.claims,
    read=_EXPORT.read,
)
