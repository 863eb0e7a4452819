"""Slack's export: days in order, markup as it was seen, nobody's notices."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings

from inkling.corpus.document import Message
from inkling.corpus.importers.slack import IMPORTER
from inkling.corpus.importing.importer import ImportedChat, Note, ReadOptions
from inkling.corpus.importing.quotes import PARTLY_QUOTED
from inkling.corpus.importing.registry import detect
from inkling.corpus.importing.tree import Tree, TreeFile
from tests.importers.checks import ONE_CHARACTER, mutated, read_all
from tests.importers.trees import tree_of

USERS = [
    {
        "id": "U01WILMA",
        "name": "wilma.r",
        "is_bot": False,
        "profile": {
            "real_name": "Wilma Reed",
            "display_name": "Wilma",
            "email": "wilma@example.org",
        },
    },
    {"id": "U02CLEO", "name": "cleo", "profile": {"real_name": "Cleo Park", "display_name": ""}},
    {"id": "U03BOT", "name": "tide-bot", "is_bot": True, "profile": {"real_name": "Tides"}},
]


def said(user: str, text: str, ts: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": ts} | more


FIRST = [
    said("U02CLEO", "see you <!here>, &lt;3 &amp; tea\n👋🏽", "1625493840.000200"),
    said(
        "U01WILMA",
        "hi <@U02CLEO>, see <https://example.org/a?b=1&amp;c=2|the plan> or "
        "<https://example.org> in <#C01|boats>, write <mailto:a@example.org|a@example.org>",
        "1625493834.000100",
        client_msg_id="x",
    ),
    said("U02CLEO", "<@U02CLEO> has joined the channel", "1625493800.0", subtype="channel_join"),
    said("U03BOT", "High tide", "1625493900.0", subtype="bot_message", bot_id="B1"),
]
SECOND = [
    said(
        "U01WILMA",
        "&gt; see you\n&gt; there\nyes",
        "1625580000.5",
        thread_ts="1625493840.000200",
    ),
    said("U01WILMA", "&gt; see you", "1625580001.5"),
    said("U01WILMA", "", "1625580002.5", files=[{"id": "F1"}]),
    said("USLACKBOT", "Reminder", "1625580003.5"),
    said("U02CLEO", "This message was deleted.", "1625580004.5", subtype="tombstone"),
]
FILES = {
    "users.json": json.dumps(USERS),
    "channels.json": json.dumps([{"id": "C01", "name": "boats", "members": ["U01WILMA"]}]),
    "dms.json": json.dumps([{"id": "D0123ABCD", "members": ["U01WILMA", "U02CLEO"]}]),
    "integration_logs.json": "[]",
    "boats/2021-07-05.json": json.dumps(FIRST),
    "boats/2021-07-06.json": json.dumps(SECOND),
    "boats/canvas_in_the_conversation.json": "[]",
    "D0123ABCD/2021-07-05.json": json.dumps([said("U02CLEO", "psst", "1625493834.0")]),
}


def test_what_slack_wrote_over_a_file() -> None:
    """In exports of before 2018; what the person said of it is theirs. What an app was added with
    is nobody's, whoever added it."""
    link = "<@U02CLEO> uploaded a file: <https://example.org/F1|tide.js>"
    day = [
        said("U02CLEO", link, "1.0", subtype="file_share", file={"id": "F1"}),
        said("U02CLEO", f"{link} and commented: &lt;3 high\n again", "2.0", subtype="file_share"),
        said("U02CLEO", "uploaded a file: no", "3.0", subtype="file_share"),
        said("U02CLEO", "added an integration", "4.0", subtype="bot_add", bot_id="B1"),
    ]
    read = read_all(IMPORTER, FILES | {"boats/2021-07-05.json": json.dumps(day)})
    assert [m.text for m in read.messages[1]][:2] == ["<3 high\n again", "uploaded a file: no"]
    assert read.dropped["system notice"] == 1


def test_messages_come_by_their_time_and_as_they_were_seen() -> None:
    """Links, mentions and entities turn into what people saw."""
    read = read_all(IMPORTER, FILES, ReadOptions.of(["Wilma Reed"]))
    direct, boats = read.chats
    assert read.mine == [
        "hi @Cleo Park, see the plan or https://example.org in #boats, write a@example.org",
        "yes",
    ]
    hers = read.messages[1][1]
    assert hers.text == "see you @here, <3 & tea\n👋🏽"
    assert hers.timestamp == "2021-07-05T14:04:00Z"
    assert read.messages[1][3].reply_to == "1625493840.000200"
    assert (boats.chat_id, boats.title, boats.group) == ("C01", "boats", True)
    assert (direct.title, direct.group) == ("Wilma, Cleo Park", False)
    assert boats.people["U02CLEO"] == "Cleo Park"
    assert not boats.me_known
    assert [m.kind for m in read.messages[1]].count("bot") == 2
    assert read.dropped == {
        "system notice": 1,
        "only quoted text": 1,
        "media without text": 1,
        "deleted message": 1,
        "no writing of yours": 5,
    }
    assert read.found == len(FIRST) + len(SECOND) + 1 + 5


@pytest.mark.parametrize("me", ["U01WILMA", "wilma.r", "wilma@example.org", "WILMA"])
def test_a_person_is_known_by_id_name_or_address(me: str) -> None:
    """Whichever they say."""
    assert len(read_all(IMPORTER, FILES, ReadOptions.of([me])).mine) == 2


def test_an_export_inside_a_folder_and_a_damaged_day() -> None:
    """One corrupt day does not stop the rest."""
    files = {f"out/{path}": content for path, content in FILES.items()}
    files["out/boats/2021-07-05.json"] = "[{"
    read = read_all(IMPORTER, files, ReadOptions.of(["wilma"]))
    assert read.mine == ["yes"]
    assert read.dropped["JSON that breaks off or is damaged"] == 1


def test_what_is_quoted_to_the_end_and_what_is_code() -> None:
    """Three marks quote all that follows; of code no line goes; a cut is told."""
    day = [
        said("U02CLEO", "look:\n&gt;&gt;&gt; first\nsecond", "1.0"),
        said("U02CLEO", "```\n&gt; x\n```", "2.0"),
        said("U02CLEO", "&gt;close\nmine", "3.0"),
    ]
    tree = tree_of(FILES | {"boats/2021-07-05.json": json.dumps(day)})
    ((_, claim),) = detect(tree)
    chats = [r for r in IMPORTER.read(tree, claim, ReadOptions()) if isinstance(r, ImportedChat)]
    (found,) = [list(chat.messages) for chat in chats if chat.title == "boats"]
    texts = [each.text for each in found if isinstance(each, Message)]
    assert texts[:3] == ["look:", "```\n> x\n```", "mine"]
    assert [each.text for each in found if isinstance(each, Note)].count(PARTLY_QUOTED) == 3


def test_each_day_is_opened_once() -> None:
    """Years of a workspace are thousands of small files: the names say whose they are, and no other
    importer looks into them."""
    opened: Counter[str] = Counter()
    tree = tree_of(FILES)

    def counted(file: TreeFile) -> TreeFile:
        def count() -> BinaryIO:
            opened[file.path] += 1
            return file.open()

        return TreeFile(file.path, file.size, count)

    counting = Tree(tree.name, tuple(map(counted, tree.files)))
    ((importer, claim),) = detect(counting)
    for record in importer.read(counting, claim, ReadOptions()):
        if isinstance(record, ImportedChat):
            assert list(record.messages)
    assert importer is IMPORTER
    days = {path for path in FILES if "/2021" in path}
    assert {path: opened[path] for path in days} == dict.fromkeys(days, 1)


def test_other_folders_of_days_are_not_claimed() -> None:
    """A diary in JSON has no list of channels."""
    assert read_all(IMPORTER, {"diary/2021-07-05.json": "[]"}).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([json.dumps(FIRST + SECOND).encode(), json.dumps(USERS).encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    for path in ("boats/2021-07-05.json", "users.json", "channels.json"):
        read_all(IMPORTER, {**FILES, path: data})


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    day = json.dumps([said("U02CLEO", character * 1_000_000, "1625493834.0")])
    read_all(IMPORTER, {**FILES, "boats/2021-07-05.json": day})
    assert time.process_time() - started < 15
