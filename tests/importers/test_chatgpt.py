"""ChatGPT's export: the branch that was seen last, the person's turns only."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.chatgpt import IMPORTER
from tests.importers.checks import ONE_CHARACTER, mutated, read_all


def node(
    key: str,
    parent: str | None,
    role: str | None = None,
    parts: list[Any] | None = None,
    when: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    message = None
    if role is not None:
        message = {
            "id": f"m-{key}",
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": when,
            "content": {"content_type": "text", "parts": parts or [""]} | more.pop("content", {}),
            "status": "finished_successfully",
            "weight": 1.0,
            "metadata": {},
            "recipient": "all",
        } | more
    return {"id": key, "message": message, "parent": parent, "children": []}


def conversation(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "title": "A name for the boat",
        "create_time": 1700000000.5,
        "update_time": 1700000100.0,
        "mapping": {n["id"]: n for n in nodes},
        "moderation_results": [],
        "current_node": "d",
        "conversation_id": "c-1",
    } | more


HIDDEN = {"metadata": {"is_visually_hidden_from_conversation": True}}

BOAT = conversation(
    node("root", None),
    node("s", "root", "system", [""], **HIDDEN),
    node(
        "x",
        "s",
        "user",
        content={"content_type": "user_editable_context", "user_profile": "I am Wilma."},
    ),
    node("a", "x", "user", ["What shall I call\nthe boat? 👩‍👧"], 1700000000.5),
    node("b-old", "a", "assistant", ["The Gull."], 1700000010.0),
    node("c-old", "b-old", "user", ["no, not that"], 1700000020.0),
    node("b", "a", "assistant", ["The Heron."], 1700000030.0),
    node("t", "b", "tool", ["42"], 1700000031.0),
    node(
        "c",
        "t",
        "user",
        ["yes!", {"content_type": "image_asset_pointer", "asset_pointer": "file-service://1"}],
        1700000040.25,
        content={"content_type": "multimodal_text"},
    ),
    node("d", "c", "assistant", ["Fine."], 1700000050.0),
)


def test_the_branch_seen_last_is_read() -> None:
    """Edited questions and retried answers stand in other branches of the tree."""
    read = read_all(IMPORTER, {"conversations.json": json.dumps([BOAT])})
    assert read.mine == ["What shall I call\nthe boat? 👩‍👧", "yes!"]
    assert [m.kind for m in read.messages[0]] == ["text", "bot", "text", "bot"]
    assert [m.author_id for m in read.messages[0]] == ["user", "assistant", "user", "assistant"]
    assert read.messages[0][2].timestamp == "2023-11-14T22:14:00.250Z"
    assert read.messages[0][0].message_id == "m-a"
    assert read.dropped == {
        "replaced by an edit or a retry": 2,
        "hidden turn": 1,
        "custom instructions": 1,
        "tool, system or reasoning turn": 1,
    }
    assert read.found == sum(n["message"] is not None for n in BOAT["mapping"].values())
    assert (read.chats[0].chat_id, read.chats[0].title) == ("c-1", "A name for the boat")
    assert read.chats[0].me_known


def test_without_a_current_node_the_newest_leaf_counts() -> None:
    """Older exports and some conversations do not say where a person stopped."""
    tree = dict(BOAT, current_node=None)
    read = read_all(IMPORTER, {"conversations.json": json.dumps([tree])})
    assert read.mine == ["What shall I call\nthe boat? 👩‍👧", "yes!"]


def test_shards_and_what_lies_beside_them() -> None:
    """All shards are read; files that hold no writing are claimed and counted."""
    files = {
        "out/conversations-000.json": json.dumps([BOAT]),
        "out/conversations-001.json": "\ufeff" + json.dumps([dict(BOAT, title=None)]),
        "out/export_manifest.json": "{}",
        "out/chat.html": "<html>everything again</html>",
        "out/file-abc.png": b"\x89PNG",
        "notes.txt": "not of ChatGPT",
    }
    read = read_all(IMPORTER, files)
    assert len(read.chats) == 2
    assert read.chats[1].title is None
    assert read.dropped["no writing of yours"] == 3


@pytest.mark.parametrize("whole", [BOAT, {"conversations": [BOAT]}])
def test_a_conversation_that_was_saved_by_itself(whole: dict[str, Any]) -> None:
    """An object, not a list; one that is damaged or holds no conversation is told."""
    inside = read_all(IMPORTER, {"conversations.json": json.dumps([BOAT])})
    saved = json.dumps(whole)
    assert read_all(IMPORTER, {"boat.json": "\ufeff " + saved}).mine == inside.mine
    for text in (saved[:-5], '{"mapping": 1}'):
        assert read_all(IMPORTER, {"boat.json": text}).dropped.total() == 1


def test_a_file_that_breaks_off_gives_what_came_before() -> None:
    """One damaged shard does not stop the others."""
    whole = json.dumps([BOAT, BOAT])
    files = {"conversations-000.json": whole[:-700], "conversations-001.json": whole}
    read = read_all(IMPORTER, files)
    assert len(read.chats) == 3
    assert read.dropped["JSON that breaks off or is damaged"] == 1


def test_what_is_spoken_is_text() -> None:
    """A voice turn holds its transcription as a part; a turn of images only has no text."""
    spoken = {"content_type": "audio_transcription", "text": "read me the tides", "direction": "in"}
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://1"}
    multimodal = {"content": {"content_type": "multimodal_text"}}
    tree = conversation(
        node("a", None, "user", [spoken, {"content_type": "audio_asset_pointer"}], **multimodal),
        node("d", "a", "user", [picture], **multimodal),
    )
    read = read_all(IMPORTER, {"conversations.json": json.dumps([tree])})
    assert read.mine == ["read me the tides"]
    assert read.dropped == {"media without text": 1}


def test_a_circle_ends() -> None:
    """Parents that point at each other are followed once."""
    tree = conversation(
        node("a", "d", "user", ["one"]), node("d", "a", "user", ["two"]), current_node="d"
    )
    read = read_all(IMPORTER, {"conversations.json": json.dumps([tree])})
    assert read.mine == ["one", "two"]


def test_another_programs_json_is_not_claimed() -> None:
    """Only what has ChatGPT's trees."""
    assert read_all(IMPORTER, {"conversations.json": '[{"chat_messages": []}]'}).found == 0
    assert read_all(IMPORTER, {"package.json": "{}"}).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([json.dumps([BOAT]).encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    read_all(IMPORTER, {"conversations.json": data})
    read_all(IMPORTER, {"conversations.json": b'[{"mapping": {"a": ' + data})


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    tree = conversation(node("d", None, "user", [character * 1_000_000]))
    read_all(IMPORTER, {"conversations.json": json.dumps([tree])})
    read_all(IMPORTER, {"conversations.json": '[{"mapping": ' + character * 1_000_000})
    assert time.process_time() - started < 15
