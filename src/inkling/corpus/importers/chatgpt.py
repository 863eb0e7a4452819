"""ChatGPT's export: what a person wrote to it.

Knows: `conversations.json`, its shards `conversations-000.json`, trees of messages with their
hidden turns. Does not know: what is learned from a Chat.
Data: Tree -> one Chat a conversation, streamed: the person's turns are `me` and text, the
model's are kind "bot", so none of its words are learned.
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
    "chat.html", "user.json", "user_settings.json", "message_feedback.json",
    "model_comparisons.json", "shared_conversations.json", "export_manifest.json",
    "group_chats.json", "shopping.json", "sora.json", "library_files.json",
    "conversation_asset_file_names.json", "file-*", "file_*", "dalle-generations/*", "*/audio/*",
)  # fmt: skip

# A tuple: what stands in a file may be anything, also what has no hash.
_SPOKEN = ("text", "multimodal_text")


def _is_chatgpt(file: TreeFile) -> bool:
    head = head_of(file)
    return b'"mapping"' in head and b'"chat_messages"' not in head


def _chat(conversation: dict[str, Any], raw_ref: str) -> ImportedChat:
    title = text_or_none(conversation.get("title"))
    chat_id = text_or_none(conversation.get("conversation_id") or conversation.get("id"))
    return ImportedChat(
        chat_id_of(chat_id, "chatgpt", title, conversation.get("create_time")),
        raw_ref,
        _messages(conversation, raw_ref),
        title=title,
        people={"user": "me", "assistant": "ChatGPT"},
    )


def _messages(conversation: dict[str, Any], raw_ref: str) -> Iterator[Message | Dropped]:
    nodes = {key: dict_of(node) for key, node in conversation["mapping"].items()}
    parents = {key: text_or_none(node.get("parent")) for key, node in nodes.items()}
    ages = {
        key: times.from_unix(dict_of(node.get("message")).get("create_time"))
        for key, node in nodes.items()
    }
    branch = newest_branch(text_or_none(conversation.get("current_node")), parents, ages)
    for key in branch:
        message = nodes[key].get("message")
        # The root of every tree is a node without a message.
        if message is not None:
            yield _message(dict_of(message), ages[key], raw_ref)
    on_branch = frozenset(branch)
    elsewhere = sum(
        key not in on_branch and n.get("message") is not None for key, n in nodes.items()
    )
    if elsewhere:
        yield Dropped(OFF_BRANCH, raw_ref, elsewhere)


def _message(message: dict[str, Any], when: str | None, raw_ref: str) -> Message | Dropped:
    role = dict_of(message.get("author")).get("role")
    content = dict_of(message.get("content"))
    metadata = dict_of(message.get("metadata"))
    kind = content.get("content_type")
    if kind == "user_editable_context" or metadata.get("is_user_system_message"):
        return Dropped("custom instructions", raw_ref)
    if metadata.get("is_visually_hidden_from_conversation"):
        return Dropped("hidden turn", raw_ref)
    spoken = kind in _SPOKEN and message.get("recipient") in (None, "all")
    if role not in ("user", "assistant") or not spoken:
        return Dropped(NO_TURN, raw_ref)
    text = "\n".join(_parts(content))
    return turn(role, "user", text, text_or_none(message.get("id")), when, raw_ref)


def _parts(content: dict[str, Any]) -> Iterator[str]:
    """What was typed or said; images and files have none of it."""
    for part in list_of(content.get("parts")):
        spoken = part
        if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
            spoken = part.get("text")
        if text := text_or_none(spoken):
            yield text


_EXPORT = AssistantExport(
    title="ChatGPT",
    key="mapping",
    kind=dict,
    is_export=_is_chatgpt,
    not_writing=_NOT_WRITING,
    beside=lambda folder: folder,
    chat=_chat,
)

IMPORTER = Importer(
    name="chatgpt",
    title="ChatGPT",
    kind="chats",
    how_to_export=(
        "ChatGPT: Settings > Data controls > Export data. A mail brings a link to a zip with "
        "conversations.json."
    ),
    claims=_EXPORT.claims,
    read=_EXPORT.read,
)
