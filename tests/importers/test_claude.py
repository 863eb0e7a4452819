"""Claude's export: a tree by parents, the person's turns only."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.claude import IMPORTER
from tests.importers.checks import ONE_CHARACTER, mutated, read_all

ROOT = "00000000-0000-4000-8000-000000000000"


def message(
    key: str, parent: str, sender: str, text: str, when: str, **more: Any
) -> dict[str, Any]:
    return {
        "uuid": key,
        "text": text,
        "content": [{"type": "text", "text": text, "citations": []}],
        "sender": sender,
        "created_at": when,
        "updated_at": when,
        "attachments": [],
        "files": [],
        "parent_message_uuid": parent,
    } | more


PASTE = {"file_name": "", "file_type": "txt", "extracted_content": "A letter that Amos wrote."}

TALK = {
    "uuid": "t-1",
    "name": "Tides",
    "summary": "",
    "created_at": "2025-03-01T10:00:00.000000Z",
    "updated_at": "2025-03-01T10:05:00.000000Z",
    "account": {"uuid": "acc"},
    "chat_messages": [
        message("a", ROOT, "human", "when is low tide?\r\n🌊", "2025-03-01T10:00:00.123456Z"),
        message(
            "b",
            "a",
            "assistant",
            "",
            "2025-03-01T10:00:10Z",
            content=[
                {"type": "thinking", "thinking": "hm"},
                {"type": "tool_use", "name": "clock", "input": {}},
                {"type": "text", "text": "At four."},
            ],
        ),
        message("c-old", "b", "human", "and high tid", "2025-03-01T10:01:00Z"),
        message("c", "b", "human", "and high tide", "2025-03-01T10:02:00Z"),
        message("d", "c", "assistant", "At ten.", "2025-03-01T10:02:10Z"),
        message(
            "e", "d", "human", "", "2025-03-01T10:03:00Z", content=[], attachments=[PASTE]
        ),
    ],
}  # fmt: skip


def test_the_newest_branch_is_read() -> None:
    """Edits leave branches; words stand in blocks where `text` is empty."""
    read = read_all(IMPORTER, {"conversations.json": json.dumps([TALK])})
    assert read.mine == ["when is low tide?\r\n🌊", "and high tide"]
    assert [m.text for m in read.messages[0] if m.kind == "bot"] == ["At four.", "At ten."]
    assert read.messages[0][0].timestamp == "2025-03-01T10:00:00Z"
    assert read.dropped == {"replaced by an edit or a retry": 1, "media without text": 1}
    assert read.found == len(TALK["chat_messages"])
    assert (read.chats[0].chat_id, read.chats[0].title) == ("t-1", "Tides")


def test_without_parents_messages_come_as_they_stand() -> None:
    """Exports of 2024 are lists; `content` may be missing."""
    turns = [
        {"uuid": "1", "sender": "human", "text": "hello", "created_at": "2024-01-01T10:00:00Z"},
        {"uuid": "2", "sender": "assistant", "text": "Hi!"},
        {"uuid": "3", "sender": "human", "text": "bye"},
    ]
    talk = {"uuid": "t", "name": "", "chat_messages": turns}
    read = read_all(IMPORTER, {"conversations.json": json.dumps([talk])})
    assert read.mine == ["hello", "bye"]
    assert read.chats[0].title is None


def test_parts_in_zips_and_what_is_not_ones_own_writing() -> None:
    """Projects and memories were written by others or by the model."""
    files = {
        "conversations-000.zip/conversations.json": json.dumps([TALK]),
        "conversations-001.zip/conversations.json": json.dumps([dict(TALK, uuid="t-2")]),
        "projects/p-1.json": '{"docs": [{"content": "A manual."}]}',
        "memories.json": "[]",
        "users.json": "[]",
    }
    read = read_all(IMPORTER, files)
    assert [chat.chat_id for chat in read.chats] == ["t-1", "t-2"]
    assert read.dropped["no writing of yours"] == 3


def test_another_programs_json_is_not_claimed() -> None:
    """ChatGPT's trees are none of Claude's."""
    assert read_all(IMPORTER, {"conversations.json": '[{"mapping": {}}]'}).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([json.dumps([TALK]).encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    read_all(IMPORTER, {"conversations.json": data})
    read_all(IMPORTER, {"conversations.json": b'[{"chat_messages": [' + data})


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    talk = dict(TALK, chat_messages=[message("a", ROOT, "human", character * 1_000_000, "")])
    read_all(IMPORTER, {"conversations.json": json.dumps([talk])})
    read_all(IMPORTER, {"conversations.json": '[{"chat_messages": ' + character * 1_000_000})
    assert time.process_time() - started < 15
