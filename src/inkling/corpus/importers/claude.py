"""Claude's export: what a person wrote to it.

Knows: `conversations.json` (also in parts), messages that form a tree by their parents.
Does not know: what is learned from a Chat.
Data: Tree -> one Chat a conversation, streamed: the person's turns are `me` and text, the
model's are kind "bot". Projects, memories and designs are not the person's own writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Dropped, Message, content_hash
from inkling.corpus.importers.assistant_export import conversation_files, read_conversations
from inkling.corpus.importing import times
from inkling.corpus.importing.branches import newest_branch
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.json_items import (
    dict_of,
    head_of,
    list_of,
    text_or_none,
)
from inkling.corpus.importing.leftovers import beside
from inkling.corpus.importing.tree import Tree, TreeFile

_NOT_WRITING = (
    "users.json", "projects.json", "projects/*.json", "memories.json", "design_chats/*",
)  # fmt: skip


def _is_claude(file: TreeFile) -> bool:
    return b'"chat_messages"' in head_of(file)


def _claims(tree: Tree) -> Iterator[Claim]:
    found = conversation_files(tree, _is_claude)
    if not found:
        return
    paths = {file.path for file in found}
    for folder in {file.folder for file in found}:
        # Parts that come as zips in a zip are folders of the tree named as the zip.
        outer = folder.rpartition("/")[0] if folder.lower().endswith(".zip") else folder
        paths.update(beside(tree, outer, _NOT_WRITING))
    parts = f", {len(found)} files" if len(found) > 1 else ""
    yield Claim(frozenset(paths), 1.0, f"Claude conversations{parts}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    files = conversation_files(tree.only(claim.files), _is_claude)
    yield from read_conversations(files, claim, "chat_messages", list, _chat)


def _chat(conversation: dict[str, Any], raw_ref: str) -> ImportedChat:
    title = text_or_none(conversation.get("name"))
    chat_id = text_or_none(conversation.get("uuid"))
    if not chat_id:
        chat_id = content_hash("claude", title or "", str(conversation.get("created_at")))
    return ImportedChat(
        chat_id,
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
        yield Dropped("replaced by an edit or a retry", raw_ref, elsewhere)


def _message(message: dict[str, Any], raw_ref: str) -> Message | Dropped:
    sender = message.get("sender")
    if sender not in ("human", "assistant"):
        return Dropped("tool, system or reasoning turn", raw_ref)
    text = _text(message)
    if not text.strip():
        return Dropped("media without text", raw_ref)
    return Message(
        author_id=str(sender),
        is_me=sender == "human",
        text=text,
        kind="text" if sender == "human" else "bot",
        message_id=text_or_none(message.get("uuid")),
        timestamp=times.from_text(message.get("created_at")),
        raw_ref=raw_ref,
    )


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


IMPORTER = Importer(
    name="claude",
    title="Claude",
    kind="chats",
    how_to_export=(
        "claude.ai: Settings > Privacy > Export data. A mail brings a link to a zip with "
        "conversations.json."
    ),
    claims=_claims,
    read=_read,
)
