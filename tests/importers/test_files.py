"""Text files: speakers, JSON Lines as programs write them, and what is nobody's own writing."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.document import Conversation, Document, Dropped
from inkling.corpus.importers.files import IMPORTER
from inkling.corpus.importing import screening
from inkling.corpus.importing.importer import ImportedChat, ImportedRecord, Note, ReadOptions
from tests.importers.trees import tree_of


def read(name: str, content: str | bytes, *me: str) -> list[ImportedRecord]:
    tree = tree_of({name: content})
    (claim,) = IMPORTER.claims(tree)
    return list(IMPORTER.read(tree, claim, ReadOptions.of(me)))


def turns(records: list[ImportedRecord]) -> list[tuple[str, bool, str]]:
    (talk,) = records
    assert isinstance(talk, Conversation), talk
    return [(message.author_id, message.is_me, message.text) for message in talk.messages]


def reason(records: list[ImportedRecord]) -> str:
    (dropped,) = records
    assert isinstance(dropped, Dropped), dropped
    return dropped.reason


def test_every_speaker_is_one() -> None:
    """Someone who is no contact, a number, a full-width colon, names in bold."""
    talk = "Ada: hi\n~ Cleo: i bring the cake\nAda: tea\n+1 555 0100: who drives\n"
    assert turns(read("a.txt", talk, "Ada")) == [
        ("Ada", True, "hi"), ("Cleo", False, "i bring the cake"), ("Ada", True, "tea"),
        ("+1 555 0100", False, "who drives"),
    ]  # fmt: skip
    bold = "**Ada:** hi **there**\n**Cleo**: *yes*\nWilma：はい\n*Amos:* so\n"
    assert turns(read("a.md", bold, "Ada")) == [
        ("Ada", True, "hi **there**"), ("Cleo", False, "*yes*"), ("Wilma", False, "はい"),
        ("Amos", False, "so"),
    ]  # fmt: skip


def test_a_name_is_the_same_however_it_is_typed() -> None:
    """Composed or not, with spaces around it, in any case."""
    for told in ("Zoë ", unicodedata.normalize("NFD", "Zoë"), "ZOË"):
        for written in ("Zoë", unicodedata.normalize("NFD", "Zoë")):
            found = turns(read("a.txt", f"Cleo: hi\n{written}: yes", told))
            assert found == [("Cleo", False, "hi"), ("Zoë", True, "yes")]


def test_times_and_addresses_are_no_speakers() -> None:
    """They continue the message."""
    assert turns(read("a.txt", "Ada: at\n10:30 we go\nhttps://x.y\nCleo: ok", "Ada")) == [
        ("Ada", True, "at\n10:30 we go\nhttps://x.y"), ("Cleo", False, "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize("me", [(), ("Ada",)])
def test_turns_of_json(me: tuple[str, ...]) -> None:
    """A system speaks for nobody, parts are joined, null says nothing."""
    record = {"messages": [
        {"role": "system", "content": "you are"},
        {"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "image_url"}]},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"text": "b"}]},
    ]}  # fmt: skip
    assert turns(read("a.jsonl", json.dumps(record), *me)) == [
        ("user", False, "q"), ("assistant", True, "a\nb"),
    ]  # fmt: skip


def test_lines_of_json_that_cannot_be_read_are_told() -> None:
    """A number of 5,000 digits, brackets 10,000 deep, half a character; the others go in."""
    good = json.dumps({"text": "words"})
    deep = "[" * 10_000 + "]" * 10_000
    role = json.dumps({"messages": [{"role": "\ud800", "content": "x"}]})
    lines = [good, '{"n": ' + "1" * 5_000 + "}", deep, f'{{"text": {deep}}}', role, good]
    records = read("a.jsonl", "\n".join(lines), "Ada")
    assert [type(record) for record in records] == [Document, *[Dropped] * 4, Document]
    assert [record.raw_ref for record in records] == [f"a.jsonl:{n}" for n in range(1, 7)]  # type: ignore[union-attr]


CHATS = {
    "android": "12/01/2024, 10:11 - Jan: hi\n12/01/2024, 10:12 - Ada: hello\n",
    "iphone": "[12.01.24, 10:11:07] Jan: hi\n[12.01.24, 10:12:00] Ada: hello\nand more\n",
    "narrow space": "[1/12/24, 10:11:07\u202fAM] ~ Jan: hi\n[1/12/24, 10:12:00\u202fAM] Ada: ho\n",
    "irc": "[10:11] <Jan> hi\n[10:12] <Ada> hello\n",
    "log": "2024-01-12 10:11:09 | Jan: hi\n2024-01-12 10:12:11 | Ada: hello\n" * 4,
    "names first": "Jan (10:11): hi\nAda (10:12): hello\n" * 3,
    "pasted": "Jan  10:11 AM\nhi there\nAda  10:12 AM\nhello to you\n" * 3,
    "signal": "[2024-01-12 10:11] Me: hi\n[2024-01-12 10:12] Jan: hello\n",
    "browser": "[10:11, 12/01/2024] Jan: hi\n[10:12, 12/01/2024] Ada: hello\n",
    "skype": "[12.01.2024 10:11:12] Jan: hi\n[12.01.2024 10:12:12] Ada: hello\n",
    "telegram": "Jan, [12.01.2024 10:11]\nhi\n\nAda, [12.01.2024 10:12]\nhello\n" * 2,
    "discord": "cleo — Today at 10:11 AM\nhi\nada — Yesterday at 10:12 AM\nhello\n" * 2,
    "discord day": "cleo — 12/01/2024 10:11\nhi\nada — 12/01/2024 10:12\nhello\n" * 2,
    "teams": "[12/01/2024 10:11] Jan Muller\nhi\n[12/01/2024 10:12] Ada L\nhello\n" * 2,
    "slack in two lines": "Jan\n  10:11 AM\nhi\nAda\n  10:12 AM\nhello\n" * 2,
    "line": "2024/01/12(Fri)\n10:11\tJan\thi\n10:12\tAda\thello\n10:13\tJan\tok\n",
    "wechat": "Jan 2024-01-12 10:11:01\nhi\nAda 2024-01-12 10:12:01\nhello\n" * 2,
    "viber": "12.01.2024,10:11:01,Jan,+15550100,hi\n12.01.2024,10:12:01,Ada,+15550101,hello\n" * 2,
    "imessage": "Jan 12, 2024  2:56:01 PM (Read by you)\n+15550100\nhi\n\n"
    "Jan 12, 2024  2:57:01 PM\nMe\nhello\n\n" * 2,
    "zoom": "10:11:07\t From Jan  to  Everyone : hi\n10:12:01\t From Ada  to  Everyone : ho\n",
    "kakao": "[Jan] [오전 10:11] hi\n[Ada] [오전 10:12] hello\n[Jan] [오후 1:12] ok\n",
    "kakao phone": "2024. 1. 12. 오전 10:11, Jan : hi\n2024년 1월 12일 오후 1:12, Ada : hello\n",
    "subtitles": "WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n\n00:02.000 --> 00:03.500\nhello\n",
    "assistant's answers": "## You\nhi there\n\n## ChatGPT\n" + "Hello!\n\nHow can I help?\n\n" * 9
    + "**User:**\nno\n\n**Assistant**:\nFine.\n",
    "assistant": "You said:\nhi there\nChatGPT said:\nHello! How can I help?\n" * 2,
}  # fmt: skip
MAIL = "From: Wilma <wilma@example.org>\nTo: cleo@example.org\nSubject: soup\n\nDear Cleo, soup.\n"


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_a_chat_that_nobody_could_read_is_refused(name: str, suffix: str) -> None:
    """It is never the author's own writing, whether or not a name is given."""
    assert "looks like a chat" in reason(read(f"a{suffix}", CHATS[name]))
    assert "looks like a chat" in reason(read(f"a{suffix}", CHATS[name], "Nobody"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("android", "export it again. WhatsApp: In the chat: its name (iPhone)"),
        ("browser", "export it again. WhatsApp: "), ("telegram", "format “Machine-readable JSON”"),
        ("discord", "In DiscordChatExporter: choose"), ("pasted", "Slack in the browser: "),
        ("imessage", "~/Library/Messages"), ("assistant", "ChatGPT: Settings > Data controls"),
        ("assistant's answers", "ChatGPT: Settings > Data controls"),
        ("wechat", "export it again, as docs/importers.md says for its program"),
    ],
)  # fmt: skip
def test_a_refused_chat_says_what_to_export(name: str, told: str) -> None:
    """Where to click in the program that it is likely from."""
    assert told in reason(read("a.txt", CHATS[name]))


def test_a_conversation_needs_to_know_who_you_are() -> None:
    """Names without one of them being the author's; a name that nobody has."""
    talk = "Ada: hi\n~ Cleo: i bring the cake\nAda: tea\n+1 555 0100: who drives\n"
    assert "say under which name" in reason(read("a.txt", talk))
    assert "nobody has the name" in reason(read("a.txt", talk, "Wilma"))


def test_mail_is_refused() -> None:
    """At the beginning, in German, as mbox, and below a reply."""
    german = "Von: Wilma\nAn: cleo@example.org\nBetreff: Suppe\n\nLiebe Cleo\n"
    mbox = "From wilma@example.org Mon Jan  1 10:11:12 2024\nX: y\n\nwords\n"
    for text in (MAIL, german, mbox, f"Thanks, see below.\n\n{MAIL}"):
        assert "looks like mail" in reason(read("a.txt", text))


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ('<div class="message default clearfix" id="m1">hi</div>', "In Telegram Desktop"),
        ('<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder">hi</div>', "facebook.com ›"),
        ('<title>Instagram</title><div class="pam _3-95 _2ph- _a6-g">hi</div>', "Instagram ›"),
        ('<div class="chatlog__message-group">hi</div>', "In DiscordChatExporter: choose"),
    ],
)
def test_messages_as_a_page_are_refused(page: str, told: str) -> None:
    """With what to export instead, and where."""
    refused = reason(read("messages.html", f"<html><body>{page}</body></html>"))
    assert "as JSON instead" in refused
    assert told in refused


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05: went to the sea\n2024-01-06: rain, stayed in\n2024-01-07: soup\n" * 3,
        "5 January 2024\n\nWalked to the pier at 10:30 with Amos.\n\n6 January 2024\n\nRain.\n" * 3,
        "Title: Pea soup\nServes: 4\nTime: 20 min\n\nPeas: a pound\nSalt: some\n\nBoil it all.",
        "He said: no.\nShe said: yes.\n\nAnd so it went on for a long while, all of that evening.",
        "ROMEO: But soft\nJULIET: Ay me\n",
        "Breakfast 10:30\nLunch 13:00\n",
        "[12/01/2024 10:11] At the pier\nRain.\n[13/01/2024 09:00] Home\nTea.\n"
        "[14/01/2024 09:10] A walk\nFar.\n",
        "12 January 2024 10:30\nIt rained.\n\n13 January 2024 10:30\nThe sea was calm.\n",
        "Today — 10:30\nThe kettle sang.\n\nLater — 11:00\nIt was quiet.\n",
        "## Prompt\n\nA walk.\n\n## Response\n\nI went.\n\n## Prompt\n\nSoup.\n\nI cooked.\n",
        "10:30 From the pier: fog.\n11:00 We turned back.\nTea.\nRain.\nIt was far to the house.\n",
        "He said:\nI never liked soup.\nYou said:\nnobody asked.\nAnd that was that.\n",
        "Dear diary,\n\nNote: buy salt.\nNote: buy peas.\n\n" + "It rained all day long.\n" * 9,
        "---\ntitle: Mail\ndate: 2024-01-05\n---\nFrom: where I sit, I see the sea.\n",
    ],
)
def test_writing_stays_writing(text: str) -> None:
    """Diaries, recipes, dialogue in prose, a short play."""
    (document,) = read("a.md", text)
    assert isinstance(document, Document)


def test_guesses_are_told() -> None:
    """A note beside the document."""
    records = read("a.txt", "Мама мыла раму. Сегодня мы ходили на море.".encode("cp1251"))
    assert [type(record) for record in records] == [Note, Document]


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode) | st.lists(
        st.sampled_from(["Ada: ", "[12/01/2024, 10:11] ", "~", ":", "：", "**", "\n", "From: ",
                         "<", "+1 555", '{"messages": [', "]}", "\u202f"]), max_size=30,
    ).map(lambda parts: "".join(parts).encode()),
    st.sampled_from([".txt", ".md", ".html", ".jsonl", ".xyz"]),
    st.sampled_from([(), ("Ada",)]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_records(data: bytes, suffix: str, me: tuple[str, ...]) -> None:
    """Something is always told, and what is kept can be stored."""
    records = read(f"a{suffix}", data, *me)
    assert records
    for record in records:
        assert not isinstance(record, ImportedChat)
        if isinstance(record, Document):
            record.text.encode()
        if isinstance(record, Conversation):
            assert all(m.text.encode() and m.author_id.encode() for m in record.messages)


@pytest.mark.parametrize("character", [" ", "a", ":", "[", "<", "-", "1", "*", "\n", "1/", "10:"])
def test_time_is_linear(character: str) -> None:
    """A megabyte of one character, in lines of any length."""
    text = character * (1_000_000 // len(character))
    began = time.process_time()
    for each in (text, f"x{text}x\ny", "\n".join(text[i : i + 500] for i in range(0, 10**6, 500))):
        screening.refusal(each)
        read("a.txt", each, "Ada")
    assert time.process_time() - began < 15


def test_the_page_in_front_of_a_takeout_is_nobodys_writing() -> None:
    """Google lists there what is in the export, in the person's language."""
    page = "<html><body><h1>Archiv</h1><p>Vielen Dank.</p></body></html>"
    assert reason(read("Takeout/Archiv.html", page)) == "a table of contents"
    (document,) = read("Takeout/Drive/a.html", page)
    assert isinstance(document, Document)
