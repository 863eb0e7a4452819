"""Google Chat in the Takeout: whose export it is, localised dates, deleted messages."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.google_chat import IMPORTER
from inkling.corpus.importing.importer import ImportedChat, ReadOptions
from tests.importers.checks import ONE_CHARACTER, mutated, read_all
from tests.importers.trees import tree_of

WILMA = {"name": "Wilma Reed", "email": "wilma@example.org", "user_type": "Human"}
CLEO = {"name": "Cleo Park", "email": "cleo@example.org", "user_type": "Human"}
AMOS = {"name": "Amos Reed", "email": "amos@example.org", "user_type": "Human"}
WHEN = "Monday, July 5, 2021 at 2:03:54\u202fPM UTC"


def said(who: dict[str, str] | None, text: str | None, **more: Any) -> dict[str, Any]:
    message = {"creator": who, "created_date": WHEN, "topic_id": "t", "message_id": "g/t/m"}
    return message | ({} if text is None else {"text": text}) | more


TALK = [
    said(CLEO, "is the boat *dry*?\n🚤"),
    said(
        WILMA,
        "nearly, see @Amos",
        created_date=None,
        previous_message_versions=[{"created_date": WHEN, "text": "nerly"}],
        quoted_message_metadata={"message_id": "g/t/0", "text": "is the boat dry?"},
    ),
    said(WILMA, None, attached_files=[{"original_name": "a.jpg", "export_name": "File-a.jpg"}]),
    said(None, None, message_state="DELETED", deleted_date=WHEN),
    said(CLEO, None, deleted_date="Montag, 5. Juli 2021 um 14:03:54 UTC"),
    said(CLEO, None, annotations=[{"video_call_metadata": {}}]),
    said({"name": "Tides", "user_type": "Bot"}, "High tide"),
]
ROOT = "Takeout/Google Chat"
FILES = {
    f"{ROOT}/Groups/DM 1a/messages.json": json.dumps({"messages": TALK}),
    f"{ROOT}/Groups/DM 1a/group_info.json": json.dumps({"members": [WILMA, CLEO]}),
    f"{ROOT}/Groups/DM 1a/File-a.jpg": b"\xff\xd8",
    f"{ROOT}/Groups/Space 2b/messages.json": json.dumps({"messages": [said(AMOS, "hello all")]}),
    f"{ROOT}/Groups/Space 2b/group_info.json": json.dumps(
        {"name": "Boats", "members": [WILMA, CLEO, AMOS]}
    ),
    f"{ROOT}/Users/User 3/user_info.json": json.dumps({"user": WILMA, "membership_info": []}),
}


def test_conversations_of_the_account() -> None:
    """The export says whose it is; everything left out has a reason."""
    read = read_all(IMPORTER, FILES)
    direct, space = read.chats
    assert read.mine == ["nearly, see @Amos"]
    first, own, bot = read.messages[0]
    assert first.text == "is the boat *dry*?\n🚤"
    assert {first.timestamp, own.timestamp} == {"2021-07-05T14:03:54Z"}
    assert own.reply_to == "g/t/0"
    assert bot.kind == "bot"
    assert (direct.title, direct.group, direct.me_known) == ("Cleo Park", False, True)
    assert (space.title, space.group) == ("Boats", True)
    assert direct.people["cleo@example.org"] == "Cleo Park"
    assert read.dropped == {
        "media without text": 1,
        "deleted message": 2,
        "system notice": 1,
        "attachment": 1,
    }
    assert read.found == len(TALK) + 1 + 1


def test_without_the_account_a_person_says_who_they_are() -> None:
    """Folders copied out of the export."""
    files = {"DM 1a/messages.json": FILES[f"{ROOT}/Groups/DM 1a/messages.json"]}
    assert not read_all(IMPORTER, files).chats[0].me_known
    assert read_all(IMPORTER, files, ReadOptions.of(["WILMA REED"])).mine == ["nearly, see @Amos"]


def test_other_messages_are_not_claimed() -> None:
    """Other programs call their files so too."""
    assert read_all(IMPORTER, {"messages.json": '{"messages": [{"sender_name": "a"}]}'}).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([json.dumps({"messages": TALK}).encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    for path in FILES:
        read_all(IMPORTER, {**FILES, path: data})


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    run = character * 1_000_000
    talk = json.dumps({"messages": [said(CLEO, run, created_date=run)]})
    read_all(IMPORTER, {**FILES, f"{ROOT}/Groups/DM 1a/messages.json": talk})
    assert time.process_time() - started < 15


def test_two_people_are_no_group_before_it_is_known_who_one_is() -> None:
    """A Takeout without `user_info.json` does not tell whose it is."""
    files = {name: file for name, file in FILES.items() if not name.endswith("user_info.json")}
    direct, space = read_all(IMPORTER, files).chats
    assert [(chat.group, chat.me_known) for chat in (direct, space)] == [
        (False, False),
        (True, False),
    ]


def test_files_named_without_their_folder_are_not_one_chat() -> None:
    """Each is called `messages.json`: the folder on the disk, or the messages' ids, tell them
    apart."""
    ids = []
    for space in ("AAA", "BBB"):
        talk = json.dumps({"messages": [said(CLEO, "hi", message_id=f"{space}/x/x")]})
        ids += [chat.chat_id for chat in read_all(IMPORTER, {"messages.json": talk}).chats]
    assert ids == ["AAA", "BBB"]
    tree = replace(tree_of({"messages.json": json.dumps({"messages": TALK})}), holder="DM 1a")
    (claim,) = IMPORTER.claims(tree)
    (chat,) = [r for r in IMPORTER.read(tree, claim, ReadOptions()) if isinstance(r, ImportedChat)]
    assert (chat.chat_id, chat.group) == ("DM 1a", False)
