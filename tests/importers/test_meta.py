"""Messenger and Instagram: threads, both encodings, both archives, and what they write."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers.instagram import IMPORTER as INSTAGRAM
from inkling.corpus.importers.messenger import IMPORTER as MESSENGER
from inkling.corpus.importers.meta_messages import repaired
from inkling.corpus.importing import oldest_first
from inkling.corpus.importing.registry import detect
from tests.importers.chats import Read, read_all
from tests.importers.trees import tree_of

INBOX = "your_facebook_activity/messages/inbox"


def mojibake(text: str) -> str:
    return text.encode().decode("latin-1")


def message(number: int, sender: str, content: str | None = None, **more: Any) -> dict[str, Any]:
    words = {} if content is None else {"content": mojibake(content)}
    return {
        "sender_name": mojibake(sender),
        "timestamp_ms": 1710770160000 + 60_000 * number,
        **words,
        "is_geoblocked_for_viewer": False,
        **more,
    }


def thread(*oldest_first: dict[str, Any], people: tuple[str, ...] = ("Cleo", "Wilma")) -> str:
    return json.dumps(
        {
            "participants": [{"name": mojibake(name)} for name in people],
            "messages": list(reversed(oldest_first)),
            "title": mojibake(people[0]),
            "is_still_participant": True,
            "thread_path": f"inbox/{people[0].lower()}_1234",
            "magic_words": [],
        }
    )


def flat(*messages: dict[str, Any], people: tuple[str, ...] = ("Cleo", "Wilma")) -> str:
    return json.dumps(
        {"participants": list(people), "threadName": f"{people[0]}_7", "messages": list(messages)},
        ensure_ascii=False,
    )


def secure(number: int, sender: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "isUnsent": False, "media": [], "reactions": [], "senderName": sender, "text": text,
        "timestamp": 1710770160000 + 60_000 * number, "type": "text", **more,
    }  # fmt: skip


def messenger(files: dict[str, str], *me: str) -> Read:
    return read_all(MESSENGER, tree_of(files), *me)


def test_mojibake_is_read_as_what_it_was() -> None:
    """And clean text, also such as fits in Latin-1, is left alone."""
    found = messenger(
        {f"{INBOX}/zoe_1/message_1.json": thread(
            message(1, "Zoë", "schön 👩\u200d👧 “so”"), message(2, "Wilma", "ja\n\nund?"),
            people=("Zoë", "Wilma"),
        )},
        "Wilma",
    )  # fmt: skip
    assert found.said() == [("Zoë", "schön 👩\u200d👧 “so”"), ("me", "ja\n\nund?")]
    assert found.chats[0].title == "Zoë"
    for clean in ("schön", "naïve café", "👩\u200d👧", "“so”", "plain", "Ã"):
        assert repaired(clean) == clean


def test_files_and_messages_are_turned_round() -> None:
    """message_10 is older than message_2, and each stands newest first."""
    files = {
        f"{INBOX}/cleo_1/message_1.json": thread(
            message(30, "Wilma", "5"), message(31, "Cleo", "6")
        ),
        f"{INBOX}/cleo_1/message_2.json": thread(
            message(20, "Wilma", "3"), message(21, "Cleo", "4")
        ),
        f"{INBOX}/cleo_1/message_10.json": thread(
            message(10, "Wilma", "1"), message(11, "Cleo", "2")
        ),
    }
    found = messenger(files, "Wilma")
    assert found.texts == ["1", "2", "3", "4", "5", "6"]
    assert found.messages[0][0].timestamp == "2024-03-18T14:06:00Z"
    assert len(found.chats) == 1
    assert found.chats[0].chat_id == "messenger:cleo_1234"


def test_a_thread_in_a_file_of_another_name() -> None:
    """A browser numbers what it saves twice, people rename: what is in the file tells, and the chat
    is the same as in the archive."""
    talk = thread(message(1, "Cleo", "tea?"), message(2, "Wilma", "Käse, bitte"))
    (whole,) = messenger({f"{INBOX}/cleo_1234/message_1.json": talk}, "Wilma").chats
    other = '{"participants": [], "messages": []}'
    for name in ("message_1 (1).json", "me and cleo.json"):
        read = messenger({name: talk, "package.json": other}, "Wilma")
        assert [chat.chat_id for chat in read.chats] == [whole.chat_id]
        assert read.said() == [("Cleo", "tea?"), ("me", "Käse, bitte")]


def test_the_one_in_every_thread_is_me() -> None:
    """With one thread only it is asked, unless the profile is there."""
    cleo = thread(message(1, "Cleo", "a"), message(2, "Wilma", "b"))
    amos = thread(message(1, "Amos", "c"), message(2, "Wilma", "d"), people=("Amos", "Wilma"))
    found = messenger(
        {f"{INBOX}/cleo_1/message_1.json": cleo, f"{INBOX}/amos_1/message_1.json": amos}
    )
    assert sorted(found.said()) == [("Amos", "c"), ("Cleo", "a"), ("me", "b"), ("me", "d")]
    assert all(chat.me_known and not chat.group for chat in found.chats)
    alone = messenger({f"{INBOX}/cleo_1/message_1.json": cleo})
    assert not alone.chats[0].me_known
    profile = json.dumps({"profile_v2": {"name": {"full_name": "Wilma", "first_name": "W"}}})
    told = messenger({
        f"{INBOX}/cleo_1/message_1.json": cleo,
        "personal_information/profile_information/profile_information.json": profile,
    })  # fmt: skip
    assert told.said() == [("Cleo", "a"), ("me", "b")]
    assert told.reasons == {"facts about the account": 1}


def test_what_is_not_the_authors_own() -> None:
    """Unsent, calls, media, shares without words, and words the program wrote."""
    found = messenger(
        {f"{INBOX}/cleo_1/message_1.json": thread(
            message(1, "Cleo", "kept"),
            message(2, "Cleo", "gone", is_unsent=True),
            message(3, "Cleo", "Cleo missed your call.", call_duration=0),
            message(4, "Cleo", photos=[{"uri": "x.jpg"}]),
            message(5, "Cleo", "look", photos=[{"uri": "x.jpg"}]),
            message(6, "Cleo", share={"link": "https://example.org"}),
            message(7, "Cleo", "Cleo sent an attachment.", share={"link": "https://example.org"}),
            message(8, "Cleo", "Liked a message"),
            message(9, "Cleo", "Reacted ❤ to your message "),
            message(10, "Cleo", "Cleo added Amos to the group.", type="Subscribe"),
            message(11, "Cleo"),
        )},
        "Wilma",
    )  # fmt: skip
    assert found.texts == ["kept", "look"]
    assert found.reasons == {
        "deleted message": 1,
        "call": 1,
        "media without text": 1,
        "shared post without words": 1,
        "system notice": 4,
        "empty message": 1,
    }


def test_end_to_end_archive() -> None:
    """Flat, clean text, other keys, either order; `type` may be missing."""
    no_type = secure(3, "Cleo", "c ” é")
    del no_type["type"]
    files = {
        "Cleo_7.json": flat(
            no_type,
            secure(2, "Wilma", "b"),
            secure(1, "Cleo", mojibake("schön")),
            secure(0, "Cleo", "gone", isUnsent=True),
            secure(0, "Cleo", "", media=[{"uri": "./media/x.jpg"}], type="media"),
            secure(0, "Cleo", "x", type="placeholder"),
        ),
        "Amos_8.json": flat(
            secure(1, "Amos", "d"), secure(2, "Wilma", "e"), people=("Amos", "Wilma")
        ),
        "media/x.jpg": "",
    }
    found = messenger(files)
    assert found.said() == [
        ("Amos", "d"), ("me", "e"), ("Cleo", "schön"), ("me", "b"), ("Cleo", "c ” é"),
    ]  # fmt: skip
    assert [chat.chat_id for chat in found.chats] == ["messenger:amos", "messenger:cleo"]
    assert found.reasons == {
        "deleted message": 1, "media without text": 1, "system notice": 1, "attached file": 1,
    }  # fmt: skip


def test_instagram_is_known_by_its_folders() -> None:
    """Of two importers one claims."""
    tree = tree_of({
        "your_instagram_activity/messages/inbox/cleo_1/message_1.json": thread(
            message(1, "Cleo", "a"), message(2, "Wilma", "b", share={"link": "x"})
        ),
        "your_instagram_activity/messages/inbox/cleo_1/photos/1.jpg": "x",
        "personal_information/personal_information/personal_information.json": json.dumps(
            {"profile_user": [{"string_map_data": {"Name": {"value": "Wilma"}}}]}
        ),
        "your_instagram_activity/likes/liked_posts.json": "{}",
    })  # fmt: skip
    assert not list(MESSENGER.claims(tree))
    claim = next(iter(INSTAGRAM.claims(tree)))
    assert "your_instagram_activity/likes/liked_posts.json" not in claim.files
    found = read_all(INSTAGRAM, tree)
    assert found.said() == [("Cleo", "a"), ("me", "b")]
    assert found.chats[0].chat_id == "instagram:cleo_1234"
    assert found.reasons == {"attached file": 1, "facts about the account": 1}


def test_one_corrupt_file_does_not_stop_the_rest() -> None:
    """Nor does one that ends in the middle."""
    good = thread(message(1, "Cleo", "a"), message(2, "Cleo", "b"))
    found = messenger(
        {
            f"{INBOX}/cleo_1/message_2.json": good[: good.index('"title"') - 80],
            f"{INBOX}/cleo_1/message_1.json": good,
            f"{INBOX}/amos_1/message_1.json": '{"participants": [{"name": "A"}], "messages": [}]',
        },
        "Wilma",
    )
    assert found.texts == ["b", "a", "b"]
    assert found.reasons == {"a damaged message": 1, "the rest of the file could not be read": 2}


def test_html_is_refused() -> None:
    """With what to do instead."""
    page = "<html><head><title>Cleo</title></head><body>hi</body></html>"
    found = messenger({f"{INBOX}/cleo_1/message_1.html": page})
    assert found.reasons == {
        f"Messenger as HTML; export it again as JSON. {MESSENGER.how_to_export}": 1
    }
    tree = tree_of({"your_instagram_activity/messages/inbox/cleo_1/message_1.html": page})
    assert read_all(INSTAGRAM, tree).reasons == {
        f"Instagram as HTML; export it again as JSON. {INSTAGRAM.how_to_export}": 1
    }


def test_a_huge_thread_is_turned_round_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same result."""
    files = {"Cleo_7.json": flat(*(secure(n, "Cleo", f"é{n}") for n in range(50, 0, -1)))}
    held = messenger(files, "Wilma").messages
    monkeypatch.setattr(oldest_first, "HELD_ITEMS", 10)
    assert messenger(files, "Wilma").messages == held
    assert [m.text for m in held[0]] == [f"é{n}" for n in range(1, 51)]


def test_brackets_in_a_huge_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As deep as they are read they go through the file; deeper ones cost their message."""
    deep: list[Any] = []
    for _ in range(800):
        deep = [deep]
    messages = [message(n, "Cleo", f"hi {n}") | {"share": deep} for n in range(20)]
    files = {"messages/inbox/cleo_1/message_1.json": thread(*messages)}
    held = messenger(files, "Wilma").messages
    monkeypatch.setattr(oldest_first, "HELD_ITEMS", 3)
    assert messenger(files, "Wilma").messages == held
    assert [m.text for m in held[0]] == [f"hi {n}" for n in range(20)]
    for _ in range(3000):
        deep = [deep]
    items = [{"at": n} for n in range(5, 0, -1)] + [{"at": 0, "deep": deep}]
    turned = list(oldest_first.oldest_first(items, lambda item: item["at"]))
    assert turned == [(6, None), *((n, {"at": 6 - n}) for n in range(5, 0, -1))]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from([*message(1, "a", "b"), "type", "share"]), VALUES)),
    st.dictionaries(st.sampled_from(["participants", "title", "messages"]), VALUES, max_size=1),
    st.binary(max_size=20),
)
def test_whatever_stands_in_a_file(
    items: list[dict[str, Any]], changed: dict[str, Any], tail: bytes
) -> None:
    """Never an exception, and what is found is kept or counted."""
    mixed = [message(1, "Cleo", "a") | item for item in items]
    root = json.loads(thread(*mixed)) | changed
    found = messenger({f"{INBOX}/c/message_1.json": json.dumps(root)})
    if "messages" not in changed:
        assert len(found.texts) + sum(found.reasons.values()) == len(mixed)
    data = json.dumps(root).encode()
    read_all(MESSENGER, tree_of({f"{INBOX}/c/message_1.json": data[: len(data) // 2] + tail}))


@pytest.mark.parametrize("character", ["[", '"', " ", "a", "é"])
def test_a_megabyte_of_one_character(character: str) -> None:
    """In linear time."""
    started = time.process_time()
    run = character * 1_000_000
    found = messenger({"Cleo_7.json": flat(secure(1, "Cleo", f"x{run}"))})
    assert len(found.texts[0]) == 1_000_001
    messenger({f"{INBOX}/c/message_1.json": '{"participants": [], "messages": [' + run})
    assert time.process_time() - started < 15


def test_notices_of_calls_and_new_friends() -> None:
    """As their programs write them; the same words in a sentence are a person's."""
    notices = (
        "You are now connected on Messenger.", "Say hi to your new Facebook friend, Cleo.",
        "Cleo started a video chat", "Cleo started an audio call.", "Video chat ended",
        "Cleo set her own nickname to Captain.",
    )  # fmt: skip
    said = ("we started a chat", "You are now connected on Messenger, says the box")
    lines = [message(n, "Cleo", text) for n, text in enumerate((*notices, *said))]
    found = messenger({f"{INBOX}/cleo_1/message_1.json": thread(*lines)}, "Wilma")
    assert found.texts == list(said)
    assert found.reasons == {"system notice": len(notices)}


def test_both_archives_in_one_folder_are_two() -> None:
    """Each has its own names: who is in every thread of one is in none of the other's."""
    facebook = {f"fb/{INBOX}/{name}_1/message_1.json": thread(
        message(1, name, "a"), message(2, "Wilma", "b"), people=(name, "Wilma")
    ) for name in ("Cleo", "Amos")}  # fmt: skip
    inbox = "your_instagram_activity/messages/inbox"
    photos = {f"ig/{inbox}/{name}_1/message_1.json": thread(
        message(1, name, "c"), message(2, "wilma.r", "d"), people=(name, "wilma.r")
    ) for name in ("cleo.p", "amos")}  # fmt: skip
    rest = {"ig/your_instagram_activity/comments/x.json": "{}", "ig/media/a.jpg": "x"}
    for merged in (False, True):
        files = {**facebook, **photos, **rest}
        if merged:
            files = {path.partition("/")[2]: content for path, content in files.items()}
        tree = tree_of(files)
        found = [
            (importer.name, read_all(importer, tree.only(claim.files)).said())
            for importer, claim in detect(tree)
            if importer.name != "files"
        ]
        assert sorted(found) == [
            ("instagram", [("amos", "c"), ("me", "d"), ("cleo.p", "c"), ("me", "d")]),
            ("messenger", [("Amos", "a"), ("me", "b"), ("Cleo", "a"), ("me", "b")]),
        ]
