"""Signal's three shapes: its own frames, signal-export's Markdown, sigtop's text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.signal import IMPORTER
from tests.importers.checks import ONE_CHARACTER, mutated, read_all

MARKDOWN = """[2021-07-05 14:03:54] Cleo: is it dry?  
[2021-07-05 14:04:00] Me: 

> is it dry?

nearly 🚤

two more days: at most  
(- Cleo: 👍, Amos: ❤️ -)
[2021-07-05 14:05:00] Me: look  ![2021_00_a.jpg](./media/2021_00_a.jpg)  
[2021-07-05 14:05:10] Cleo:   ![b (1).jpg](./media/b%20(1).jpg)  
[2021-07-05 14:05:20] Cleo:   
(( 😀 ))
[2021-07-05 14:06:00] Cleo: Missed voice call  
[2021-07-05 14:07:00] Cleo: (This message was deleted)
[2021-07-05, 14:08] No-Sender: joined  
[2021-07-05 14:09:00] Me: [not a header] but: words  
> and a line of mine
"""  # noqa: W291

SIGTOP = """Conversation: Cleo Park (+1 555 0101)

From: Cleo Park (+1 555 0101)
Type: incoming
Sent: Mon, 5 Jul 2021 16:03:54 +0200
Received: Mon, 5 Jul 2021 16:03:55 +0200
Reaction: 👍 from You

is it dry?

From: You
Type: outgoing
Sent: Mon, 5 Jul 2021 16:04:54 +0200

> From: Cleo Park (+1 555 0101)
> Sent: Mon, 5 Jul 2021 16:03:54 +0200
>
> is it dry?

nearly 🚤

From: here it is blue
Type: of paint

From: You
Type: outgoing
Sent: Mon, 5 Jul 2021 16:05:54 +0200
Edited: 2 versions

| Version: 2
| Sent: Mon, 5 Jul 2021 16:06:54 +0200
|
| two days
| at most
|
| Version: 1
| Sent: Mon, 5 Jul 2021 16:05:54 +0200
|
| two day

From: Cleo Park (+1 555 0101)
Type: incoming
Sent: Mon, 5 Jul 2021 16:07:54 +0200
Received: Mon, 5 Jul 2021 16:07:55 +0200
Attachment: a.jpg (image/jpeg, 20 bytes)

Type: call-history
Received: Mon, 5 Jul 2021 16:08:55 +0200

"""


def item(chat: str, author: str, when: int, text: str | None, way: str, **more: Any) -> str:
    body = {} if text is None else {"standardMessage": {"text": {"body": text}}}
    frame = {"chatId": chat, "authorId": author, "dateSent": str(when), way: {}} | body | more
    return json.dumps({"chatItem": frame}, ensure_ascii=False)


T = 1625493834000
FRAMES = "\n".join(
    [
        '{"version": "1", "backupTimeMs": "1625493834000"}',
        '{"account": {"givenName": "Wilma"}}',
        '{"recipient": {"id": "1", "self": {}}}',
        '{"recipient": {"id": "2", "contact": {"profileGivenName": "Cleo",'
        ' "profileFamilyName": "Park", "e164": "15550101"}}}',
        '{"recipient": {"id": "3", "group": {"snapshot": {"title": {"title": "Boats"}}}}}',
        '{"chat": {"id": "10", "recipientId": "2"}}',
        '{"chat": {"id": "11", "recipientId": "3"}}',
        item("10", "1", T + 5000, "nearly 🚤", "outgoing").replace("nearly ", "nearly\n\n"),
        item("11", "2", T, "hello all", "incoming"),
        item("10", "2", T, "is it dry?", "incoming"),
        item(
            "10",
            "1",
            T + 9000,
            None,
            "outgoing",
            standardMessage={
                "text": {"body": "two days"},
                "quote": {"targetSentTimestamp": str(T), "text": {"body": "is it dry?"}},
            },
            revisions=[{"standardMessage": {"text": {"body": "two day"}}}],
        ),
        item("10", "2", T + 9500, None, "incoming", standardMessage={"attachments": [{}]}),
        item("10", "2", T + 9600, None, "incoming", remoteDeletedMessage={}),
        item("10", "1", T + 9700, None, "directionless", updateMessage={"simpleUpdate": {}}),
        "{broken",
    ]
)


def test_signals_own_export() -> None:
    """Frames of all chats stand mixed; line breaks in them may be raw."""
    files = {"out/main.jsonl": FRAMES, "out/metadata.json": "{}", "out/files/ab/abc.jpg": b"\xff"}
    read = read_all(IMPORTER, files)
    direct, group = read.chats
    assert read.mine == ["nearly\n\n🚤", "two days"]
    assert [m.text for m in read.messages[0]] == ["is it dry?", "nearly\n\n🚤", "two days"]
    assert read.messages[0][0].timestamp == "2021-07-05T14:03:54Z"
    assert read.messages[0][2].reply_to == read.messages[0][0].message_id
    assert (direct.title, direct.group, direct.chat_id) == ("Cleo Park", False, "signal-2")
    assert (group.title, group.group) == ("Boats", True)
    assert read.dropped == {
        "media without text": 1,
        "deleted message": 1,
        "system notice": 1,
        "a line that is not JSON": 1,
        "attachment or another copy of the chat": 2,
    }


def test_signal_exports_markdown() -> None:
    """Quotes, reactions, stickers and attachments are none of the words."""
    files = {"Cleo/chat.md": MARKDOWN, "Cleo/data.json": "{}", "Cleo/media/a.jpg": b"\xff"}
    read = read_all(IMPORTER, files)
    assert read.mine == [
        "nearly 🚤\n\ntwo more days: at most",
        "look",
        "[not a header] but: words  \n> and a line of mine",
    ]
    assert read.messages[0][0].timestamp == "2021-07-05T14:03:54"
    assert (read.chats[0].title, read.chats[0].group) == ("Cleo", False)
    assert read.dropped == {
        "media without text": 2,
        "call": 1,
        "deleted message": 1,
        "message without an author": 1,
        "attachment or another copy of the chat": 2,
    }
    assert read.found == 9 + 2


def test_what_signal_export_left_behind() -> None:
    """Without attachments it says that there was one; behind words it is none of them."""
    text = (
        "[2024-01-05 18:00:02] Cleo:   (media not exported)  \n\n"
        "[2024-01-05 18:01:02] Me: look  (attachment not exported)  \n\n"
        "[2024-01-05 18:02:02] Me: why (media not exported) though?  \n"
    )
    read = read_all(IMPORTER, {"Cleo/chat.md": text})
    assert read.mine == ["look", "why (media not exported) though?"]
    assert read.dropped == {"media without text": 1}


def test_sigtops_text() -> None:
    """Bodies hold blank lines and lines like fields; edits show the last version."""
    read = read_all(IMPORTER, {"Cleo Park (+1 555 0101).txt": SIGTOP})
    assert read.mine == [
        "nearly 🚤\n\nFrom: here it is blue\nType: of paint",
        "two days\nat most",
    ]
    assert read.messages[0][0].timestamp == "2021-07-05T14:03:54Z"
    assert read.messages[0][0].text == "is it dry?"
    assert read.dropped == {"media without text": 1, "call": 1}
    crlf = read_all(IMPORTER, {"Cleo.txt": SIGTOP.replace("\n", "\r\n")})
    assert crlf.mine == read.mine


def test_line_ends_inside_a_message_survive() -> None:
    """Only line feeds end a line of the file."""
    text = "[2021-07-05 14:03:54] Me: one\u2028two\rthree\x85four  \n"
    assert read_all(IMPORTER, {"Cleo/chat.md": text}).mine == ["one\u2028two\rthree\x85four"]


def test_other_texts_are_not_claimed() -> None:
    """Notes in Markdown, plain texts, other programs' lines."""
    files = {"a.md": "# Boats\n[2021-07-05] x", "a.txt": "Conversation: dear", "main.jsonl": "{}"}
    assert read_all(IMPORTER, files).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([FRAMES.encode(), MARKDOWN.encode(), SIGTOP.encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    files = {"main.jsonl": data, "Cleo/chat.md": data, "Cleo.txt": data}
    read_all(IMPORTER, files)
    start = {
        "main.jsonl": b'{"recipient": {"id": "\\ud83d", "self": 1}}\n' + data,
        "Cleo/chat.md": b"[2021-07-05 14:03:54] Me: " + data,
        "Cleo.txt": b"Conversation: a\n\nType: outgoing\nSent: x\n\n" + data,
    }
    read_all(IMPORTER, start)


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    run = character * 1_000_000
    files = {
        "main.jsonl": FRAMES + "\n" + item("10", "1", T, run, "outgoing") + run,
        "Cleo/chat.md": MARKDOWN + run + "\n[](./" + run,
        "Cleo.txt": SIGTOP + run,
    }
    read_all(IMPORTER, files)
    assert time.process_time() - started < 10


def test_chats_named_without_their_folder_are_not_one() -> None:
    """Each is called `chat.md`: who else speaks tells them apart, as the folder does."""
    text = "[2024-01-05 18:00:02] {0}: hi from {0}  \n\n[2024-01-05 18:01:02] Me: hi  \n"
    alone = [
        read_all(IMPORTER, {"chat.md": text.format(name)}).chats[0] for name in ("Cleo", "Amos")
    ]
    assert [(chat.chat_id, chat.title) for chat in alone] == [
        ("signal-Cleo", "Cleo"),
        ("signal-Amos", "Amos"),
    ]
    within = read_all(IMPORTER, {"Cleo/chat.md": text.format("Cleo")}).chats[0]
    assert within.chat_id == alone[0].chat_id


def test_one_chats_folder_named_by_itself_is_a_chat_and_no_page() -> None:
    """signal-export writes every chat a second time, as a page."""
    text = "[2024-01-05 18:00:02] Cleo: hi  \n\n[2024-01-05 18:01:02] Me: hi  \n"
    files = {"chat.md": text, "index.html": "<p>hi</p>", "data.json": "{}", "media/a.jpg": "x"}
    assert read_all(IMPORTER, files).dropped == {"attachment or another copy of the chat": 3}
    # In a folder of notes nothing else is the chat's.
    assert read_all(IMPORTER, {"chat.md": text, "media/a.md": "x"}).dropped == {}
