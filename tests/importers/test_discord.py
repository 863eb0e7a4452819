"""Discord: DiscordChatExporter's files and the data package."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers.discord_exporter import IMPORTER as EXPORTER
from inkling.corpus.importers.discord_package import IMPORTER as PACKAGE
from tests.importers.chats import read_all
from tests.importers.trees import tree_of

AUTHORS = {"Wilma": "900000000000000001", "Cleo": "900000000000000002"}


def message(number: int, author: str, content: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": str(1219000000000000000 + number),
        "type": "Default",
        "timestamp": f"2024-03-18T14:{number % 60:02}:00.123+01:00",
        "timestampEdited": None,
        "isPinned": False,
        "content": content,
        "author": {
            "id": AUTHORS[author], "name": author.lower(), "discriminator": "0000",
            "nickname": author, "isBot": False, "roles": [],
        },
        "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [],
    } | more  # fmt: skip


def channel(*messages: Any, **facts: Any) -> str:
    return json.dumps(
        {
            "guild": {"id": "0", "name": "Direct Messages", "iconUrl": "x"},
            "channel": {"id": "77", "type": "DirectTextChat", "name": "Cleo"} | facts,
            "dateRange": {"after": None, "before": None},
            "messages": list(messages),
            "messageCount": len(messages),
        },
        indent=2,
    )


def test_a_direct_channel() -> None:
    """It has the other's name; ids stay strings, times are UTC, replies point back."""
    reply = message(2, "Wilma", "b\n👩\u200d👧", type="Reply",
                    reference={"messageId": "1219000000000000001"})  # fmt: skip
    found = read_all(EXPORTER, tree_of({"x.json": channel(message(1, "Cleo", "a"), reply)}))
    assert found.said() == [("Cleo", "a"), ("me", "b\n👩\u200d👧")]
    second = found.messages[0][1]
    assert second.message_id == "1219000000000000002"
    assert second.timestamp == "2024-03-18T13:02:00.123Z"
    assert second.reply_to == "1219000000000000001"
    chat = found.chats[0]
    assert (chat.chat_id, chat.group, chat.me_known) == ("discord:77", False, True)


def test_what_is_not_the_authors_own() -> None:
    """Bots, notices, calls, forwards and attachments."""
    bot = message(1, "Cleo", "beep")
    bot["author"]["isBot"] = True
    found = read_all(EXPORTER, tree_of({"x.json": channel(
        bot,
        message(2, "Cleo", "Pinned a message.", type="ChannelPinnedMessage"),
        message(3, "Cleo", "Started a call.", type="Call"),
        message(4, "Cleo", forwardedMessage={"content": "hers"}),
        message(5, "Cleo", attachments=[{"id": "1"}]),
        message(6, "Cleo", "look", attachments=[{"id": "1"}]),
        message(7, "Cleo"),
        7,
    )}))  # fmt: skip
    assert found.texts == ["look"]
    assert found.reasons == {
        "written by a bot": 1, "system notice": 1, "call": 1, "forwarded message": 1,
        "media without text": 1, "empty message": 1, "no message": 1,
    }  # fmt: skip


def test_parts_of_a_channel_are_one_chat() -> None:
    """Part 10 comes after part 2; who is me in a server is asked, by id."""
    facts = {"type": "GuildTextChat", "name": "pier"}
    files = {
        "pier [77].json": channel(message(1, "Cleo", "1"), **facts),
        "pier [77] [part 2].json": channel(message(2, "Wilma", "2"), **facts),
        "pier [77] [part 10].json": channel(message(3, "Cleo", "3"), **facts),
        "other.json": channel(message(4, "Cleo", "4"), id="78", **facts),
    }
    found = read_all(EXPORTER, tree_of(files))
    assert [[m.text for m in messages] for messages in found.messages] == [["4"], ["1", "2", "3"]]
    assert not found.chats[1].me_known
    assert found.chats[1].group
    found = read_all(EXPORTER, tree_of(files), AUTHORS["Wilma"])
    assert ("me", "2") in found.said()


def package(**files: str) -> dict[str, str]:
    return {
        "Wiadomości/index.json": json.dumps({"1219000000000000077": "Direct Message with cleo#0"}),
        "Wiadomości/c1219000000000000077/channel.json": json.dumps(
            {"id": "1219000000000000077", "type": "DM", "recipients": ["1", "2"]}
        ),
        "Konto/user.json": json.dumps({"id": "9001", "username": "wilma", "global_name": "Wilma"}),
        "Aktywność/analytics/events-2024.json": "never opened",
    } | files


def test_the_data_package() -> None:
    """Translated folders, newest first, ids above 2^53, all of it mine."""
    rows = [
        {"ID": 1219000000000000000 + n, "Timestamp": f"2024-03-18 14:5{n}:00", "Contents": words}
        | {"Attachments": "" if words else "x"}
        for n, words in ((3, "c\nd"), (2, ""), (1, "a"))
    ]
    files = package(**{"Wiadomości/c1219000000000000077/messages.json": json.dumps(rows)})
    tree = tree_of(files)
    assert next(iter(PACKAGE.claims(tree))).files == set(files)
    found = read_all(PACKAGE, tree)
    assert found.said() == [("me", "a"), ("me", "c\nd")]
    assert found.messages[0][0].message_id == "1219000000000000001"
    assert found.messages[0][0].timestamp == "2024-03-18T14:51:00"
    assert found.reasons == {"media without text": 1, "no messages; left unopened": 1}
    chat = found.chats[0]
    assert (chat.title, chat.group, chat.chat_id) == (
        "Direct Message with cleo#0", False, "discord:1219000000000000077",
    )  # fmt: skip


def test_the_older_package_is_csv() -> None:
    """With quotes, line breaks and offsets."""
    text = (
        "ID,Timestamp,Contents,Attachments\r\n"
        '1219000000000000002,2024-03-18 14:57:00.123000+00:00,"two, ""lines""\nb",\r\n'
        "1219000000000000001,2024-03-18 14:56:00+00:00,a,\r\n"
    )
    files = package(**{"Wiadomości/c1219000000000000077/messages.csv": text})
    found = read_all(PACKAGE, tree_of(files))
    assert found.texts == ["a", 'two, "lines"\nb']
    assert found.messages[0][1].timestamp == "2024-03-18T14:57:00.123Z"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(message(1, "Cleo"))), VALUES), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["ID", "Timestamp", "Contents"]), VALUES)),
    st.binary(max_size=40),
)
def test_whatever_stands_in_a_file(items: list[Any], rows: list[Any], tail: bytes) -> None:
    """Never an exception, and what is found is kept or counted."""
    data = channel(*(message(1, "Cleo", "a") | item for item in items))
    found = read_all(EXPORTER, tree_of({"x.json": data}))
    assert len(found.texts) + sum(found.reasons.values()) == len(items)
    read_all(EXPORTER, tree_of({"x.json": data.encode()[: len(data) // 2] + tail}))
    folder = "Wiadomości/c1219000000000000077"
    found = read_all(PACKAGE, tree_of(package(**{f"{folder}/messages.json": json.dumps(rows)})))
    assert len(found.texts) + sum(found.reasons.values()) == len(rows) + 1
    header = b"ID,Timestamp,Contents,Attachments\r\n"
    read_all(PACKAGE, tree_of(package() | {f"{folder}/messages.csv": header + tail}))  # type: ignore[arg-type]


@pytest.mark.parametrize("character", ["[", '"', " ", "a", ","])
def test_a_megabyte_of_one_character(character: str) -> None:
    """In linear time."""
    started = time.process_time()
    run = character * 1_000_000
    found = read_all(EXPORTER, tree_of({"x.json": channel(message(1, "Cleo", f"x{run}"))}))
    assert len(found.texts[0]) == 1_000_001
    for name in ("messages.csv", "messages.json"):
        files = package(**{f"Wiadomości/c1219000000000000077/{name}": f"ID,Contents\n1,{run}"})
        read_all(PACKAGE, tree_of(files))
    assert time.process_time() - started < 15


def test_a_channel_in_another_format_is_refused() -> None:
    """Text and tables of the same program: whose words are whose stands there, but no ids."""
    line = "=" * 62
    files = {
        "a.txt": f"{line}\r\nGuild: Pier\r\nChannel: general\r\n{line}\r\n\r\n"
        "[18/03/2024 14:56] cleo\r\nare you there\r\n",
        "b.csv": "\ufeffAuthorID,Author,Date,Content,Attachments,Reactions\r\n1,cleo,2024,hi,,\r\n",
        "c.csv": "id,words\n1,hi\n",
    }
    found = read_all(EXPORTER, tree_of(files))
    assert found.chats == []
    assert found.reasons == {
        f"Discord as {kind}; export it again. {EXPORTER.how_to_export}": 1
        for kind in ("text", "a table")
    }


def test_a_moment_without_a_zone_is_utc_where_the_id_says_so() -> None:
    """Today's packages write no zone; the id of a message holds its moment in UTC."""
    number = (1_710_770_403_000 - 1_420_070_400_000) << 22  # 2024-03-18 14:00:03 in UTC
    rows = [
        {"ID": number, "Timestamp": "2024-03-18 14:00:03", "Contents": "a", "Attachments": ""},
        {"ID": number + 1, "Timestamp": "2024-03-18 15:00:03", "Contents": "b", "Attachments": ""},
    ]
    found = read_all(PACKAGE, tree_of({
        "Messages/c1219000000000000001/channel.json": '{"id": "1219000000000000001"}',
        "Messages/c1219000000000000001/messages.json": json.dumps(rows),
    }))  # fmt: skip
    times = [message.timestamp for message in found.messages[0]]
    assert times == ["2024-03-18T14:00:03Z", "2024-03-18T15:00:03"]


def test_what_is_quoted_is_anothers() -> None:
    """Lines behind `> `, all that follows `>>> `; in code they are one's own."""
    found = read_all(EXPORTER, tree_of({"x.json": channel(
        message(1, "Cleo", "is it dry?"),
        message(2, "Wilma", "> is it dry?\nnearly"),
        message(3, "Wilma", "hm\n>>> is it\ndry?"),
        message(4, "Wilma", "> is it dry?"),
        message(5, "Wilma", "```\n> ls\n```"),
        message(6, "Wilma", ">:( 2 > 1"),
    )}))  # fmt: skip
    assert found.texts == ["is it dry?", "nearly", "hm", "```\n> ls\n```", ">:( 2 > 1"]
    assert found.reasons == {"only quoted text": 1}


def test_discords_own_words_are_nobodys() -> None:
    """The package begins with a text about itself."""
    files = {
        "package/README.txt": "Here is the data that you requested.",
        "package/messages/c77000000000000001/channel.json": json.dumps({"id": "77000000000000001"}),
        "package/messages/c77000000000000001/messages.json": json.dumps(
            [
                {
                    "ID": 1,
                    "Timestamp": "2024-01-01 10:00:00",
                    "Contents": "> q\nhi",
                    "Attachments": "",
                }
            ]
        ),
    }
    found = read_all(PACKAGE, tree_of(files))
    assert found.texts == ["hi"]
    assert found.reasons == {"no messages; left unopened": 1}
