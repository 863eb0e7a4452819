"""Telegram: one chat, all chats, the shapes of many years, and what is no one's own words."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers.telegram import IMPORTER
from tests.importers.chats import Read, read_all
from tests.importers.trees import tree_of

WILMA, CLEO = 55501, 55502


def message(number: int, author: int = WILMA, text: Any = "", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": f"2024-03-18T15:{number % 60:02}:00",
        "date_unixtime": str(1710770160 + 60 * number),
        "from": {WILMA: "Wilma", CLEO: "Cleo"}[author],
        "from_id": f"user{author}",
        "text": text,
        **more,
    }


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"name": "Cleo", "type": "personal_chat", "id": CLEO, "messages": list(messages)} | more


def read(root: dict[str, Any], *me: str) -> Read:
    return read_all(IMPORTER, tree_of({"result.json": json.dumps(root, indent=1)}), *me)


def test_text_is_joined_with_nothing_between() -> None:
    """A list of words and marked pieces is one text, to the byte."""
    pieces = [
        "the ",
        {"type": "bold", "text": "pier"},
        " 👩\u200d👧\n\n",
        {"type": "link", "text": "x.y"},
    ]
    found = read(chat(message(1, CLEO, "again?"), message(2, WILMA, pieces)))
    assert found.said() == [("Cleo", "again?"), ("me", "the pier 👩\u200d👧\n\nx.y")]
    only = message(3, CLEO)
    del only["text"]
    only["text_entities"] = [{"type": "plain", "text": "bare"}]
    assert read(chat(only)).texts == ["bare"]


def test_a_personal_chat_has_the_id_of_the_other() -> None:
    """So its export tells who is me, and carries times in UTC, replies and ids."""
    found = read(chat(message(1, CLEO, "a"), message(2, WILMA, "b", reply_to_message_id=1)))
    assert found.chats[0].me_known
    assert found.chats[0].chat_id == "telegram:user55502"
    assert not found.chats[0].group
    second = found.messages[0][1]
    assert (second.is_me, second.timestamp, second.message_id, second.reply_to) == (
        True, "2024-03-18T13:58:00Z", "2", "1",
    )  # fmt: skip


def test_what_is_not_the_authors_own() -> None:
    """Forwards, bots, notices, calls and media are counted by reason."""
    found = read(
        chat(
            message(1, CLEO, "kept"),
            message(2, CLEO, "her aunt's words", forwarded_from="Aunt"),
            message(3, CLEO, "nobody's", forwarded_from=None),
            message(4, WILMA, "a gif", via_bot="@gif"),
            {"id": 5, "type": "service", "actor": "Cleo", "action": "pin_message", "text": ""},
            {"id": 6, "type": "service", "actor": "Cleo", "action": "phone_call", "text": ""},
            message(7, CLEO, media_type="sticker", sticker_emoji="🌊", file="s.webp"),
            message(8, CLEO, "look", photo="photos/1.jpg"),
            message(9, CLEO, poll={"question": "?", "answers": []}),
            message(10, CLEO, location_information={"latitude": 1, "longitude": 2}),
            message(11, CLEO),
            {"id": 12, "type": "unsupported"},
            "what",
        )
    )
    assert found.texts == ["kept", "look"]
    assert found.reasons == {
        "forwarded message": 2,
        "written by a bot": 1,
        "system notice": 1,
        "call": 1,
        "media without text": 1,
        "poll": 1,
        "location": 1,
        "empty message": 1,
        "unsupported message": 1,
        "no message": 1,
    }


def test_all_chats() -> None:
    """Of the whole account, groups that one has left too; who it is stands at the top."""
    group = {"name": "Pier", "type": "private_supergroup", "id": 7}
    root = {
        "about": "Here is the data you requested. Telegram is …",
        "personal_information": {"user_id": WILMA, "first_name": "Wilma"},
        "contacts": {"about": "x", "list": [{"first_name": "Cleo"}]},
        "chats": {
            "about": "x",
            "list": [
                chat(message(1, CLEO, "a"), message(2, WILMA, "b")),
                group | {"messages": [message(1, WILMA, "c"), message(2, CLEO, "d")]},
                {"type": "saved_messages", "id": WILMA, "messages": [message(1, WILMA, "note")]},
                chat(message(1, CLEO, "/start"), type="bot_chat"),
            ],
        },
        "left_chats": {"about": "x", "list": [chat(message(1, WILMA, "e"), name="Old", id=9)]},
    }
    found = read(root)
    assert [c.title for c in found.chats] == ["Cleo", "Pier", "Saved Messages", "Cleo", "Old"]
    assert [c.group for c in found.chats] == [False, True, False, False, False]
    assert found.chats[1].chat_id == "telegram:channel7"
    assert all(c.me_known for c in found.chats)
    assert found.said() == [
        ("Cleo", "a"), ("me", "b"), ("me", "c"), ("Cleo", "d"), ("me", "note"), ("me", "e"),
    ]  # fmt: skip
    assert found.reasons == {"chat with a bot": 1}


def test_the_ages_of_the_format() -> None:
    """Numbers as ids, local times only, deleted accounts, a key that stands twice."""
    old = message(1, CLEO, "a", from_id=CLEO)
    del old["date_unixtime"]
    deleted = message(2, CLEO, "b") | {"from": None, "from_id": "user9"}
    unknown = message(3, CLEO, "c")
    del unknown["from"], unknown["from_id"]
    found = read(chat(old, deleted, unknown, type="private_group"))
    assert [m.author_id for m in found.messages[0]] == ["user55502", "user9", "unknown"]
    assert found.chats[0].people["user9"] == "Deleted Account"
    assert found.messages[0][0].timestamp == "2024-03-18T15:01:00"
    twice = json.dumps(chat(message(1, CLEO, "x"))).replace('"id": 1,', '"id": 0, "id": 1,')
    assert read_all(IMPORTER, tree_of({"result.json": twice})).texts == ["x"]


def test_a_group_asks_who_is_me() -> None:
    """By name, id or number."""
    root = chat(message(1, WILMA, "a"), message(2, CLEO, "b"), type="private_group", id=7)
    assert not read(root).chats[0].me_known
    for me in ("wilma", "user55501", "55501"):
        assert read(root, me).said() == [("me", "a"), ("Cleo", "b")]
        assert read(root, me).chats[0].me_known


def test_what_a_person_says_of_themselves_comes_first() -> None:
    """Also where the export would tell otherwise."""
    root = chat(message(1, WILMA, "a"), message(2, CLEO, "b"))
    assert read(root, "Cleo").said() == [("Wilma", "a"), ("me", "b")]


def test_damage_in_the_middle_and_at_the_end() -> None:
    """A broken message costs itself, a file that ends keeps what is whole."""
    good = json.dumps(chat(*(message(n, CLEO, f"{n}") for n in range(1, 4))))
    broken = good.replace('"text": "2"', '"text": 2"')
    found = read_all(IMPORTER, tree_of({"result.json": broken}))
    assert "1" in found.texts
    cut = good[: good.index('"text": "3"')]
    found = read_all(IMPORTER, tree_of({"result.json": cut}))
    assert found.texts == ["1", "2"]
    assert found.reasons == {"a damaged message": 1, "the rest of the file could not be read": 1}


def test_an_html_export_is_refused() -> None:
    """With what to do instead; nobody reads it as prose."""
    tree = tree_of(
        {
            "messages.html": '<div class="page_wrap"><div class="history">Cleo: hi</div></div>',
            "css/style.css": "a",
            "photos/photo_1.jpg": b"x",
            "essay.html": "<p>mine</p>",
        }
    )
    claims = list(IMPORTER.claims(tree))
    assert claims[0].files == {"messages.html", "css/style.css", "photos/photo_1.jpg"}
    found = read_all(IMPORTER, tree)
    assert found.reasons == {
        f"Telegram as HTML; export it again. {IMPORTER.how_to_export}": 1,
        "attached file": 2,
    }
    assert not found.chats


def test_files_of_an_export_are_its_own() -> None:
    """A text that someone sent is nobody's prose; a folder's name does not matter."""
    text = json.dumps(chat(message(1, CLEO, "a")))
    tree = tree_of({"chats/result.json": text, "chats/files/essay.txt": "Not hers."})
    found = read_all(IMPORTER, tree)
    assert found.texts == ["a"]
    assert found.reasons == {"attached file": 1}


def test_messages_that_nobody_goes_through() -> None:
    """The next chat is found all the same."""
    root = {"personal_information": {"user_id": WILMA}, "chats": {"list": [
        chat(*(message(n, CLEO, "a") for n in range(2000))), chat(message(1, CLEO, "b"), name="B"),
    ]}}  # fmt: skip
    tree = tree_of({"result.json": json.dumps(root)})
    claim = next(iter(IMPORTER.claims(tree)))
    from inkling.corpus.importing.importer import ImportedChat, ReadOptions

    titles = [
        r.title for r in IMPORTER.read(tree, claim, ReadOptions()) if isinstance(r, ImportedChat)
    ]
    assert titles == ["Cleo", "B"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(message(1))), VALUES), max_size=4),
    st.dictionaries(st.sampled_from(["name", "type", "id", "messages"]), VALUES, max_size=2),
    st.integers(0, 400),
)
def test_whatever_stands_in_a_file(items: list[Any], changed: dict[str, Any], cut: int) -> None:
    """Never an exception, and what is found is kept or counted."""
    mixed = [message(1, CLEO, "a") | item for item in items]
    data = json.dumps(chat(*mixed) | changed | {"x": {"type": "personal_chat", "messages": 1}})
    found = read_all(IMPORTER, tree_of({"result.json": data}))
    if not changed:
        assert len(found.texts) + sum(found.reasons.values()) == len(mixed)
    read_all(IMPORTER, tree_of({"result.json": data[: len(data) - cut]}))


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_raw_bytes(data: bytes) -> None:
    """Behind the beginning of a real export."""
    front = b'{"name": "Cleo", "type": "personal_chat", "id": 1, "messages": ['
    read_all(IMPORTER, tree_of({"result.json": front + data}))


@pytest.mark.parametrize("character", ["[", "{", '"', "1", " ", "\\"])
def test_a_megabyte_of_one_character(character: str) -> None:
    """In linear time, alone and as a text."""
    started = time.process_time()
    front = '{"name": "Cleo", "type": "personal_chat", "id": 1, "messages": ['
    read_all(IMPORTER, tree_of({"result.json": front + character * 1_000_000}))
    found = read(chat(message(1, CLEO, f"a{character * 1_000_000}")))
    assert len(found.texts[0]) == 1_000_001
    assert time.process_time() - started < 15


def test_what_is_quoted_is_anothers() -> None:
    """Quotes are pieces of their own among the words."""
    quote = {"type": "blockquote", "text": "is it dry?", "collapsed": False}
    found = read(chat(
        message(1, CLEO, "is it dry?"),
        message(2, WILMA, [quote, "\nnearly"]),
        message(3, WILMA, [quote]),
    ))  # fmt: skip
    assert found.said() == [("Cleo", "is it dry?"), ("me", "nearly")]
    assert found.reasons == {"only quoted text": 1}
