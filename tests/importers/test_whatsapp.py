"""WhatsApp: both phones, many languages, and everything that looks like a message and is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers.whatsapp import IMPORTER
from inkling.corpus.importers.whatsapp_dates import OrderFinder
from inkling.corpus.importers.whatsapp_stamps import any_form, stamp
from inkling.corpus.importing.importer import ReadOptions
from tests.importers.chats import Read, read_all
from tests.importers.trees import tree_of

LRM, RLM, NNBSP, NBSP = "\u200e", "\u200f", "\u202f", "\u00a0"


def read(*lines: str, name: str = "WhatsApp Chat with Cleo.txt", me: str | None = None) -> Read:
    end = "\r\n" if name == "_chat.txt" else "\n"
    return read_all(IMPORTER, tree_of({name: end.join(lines) + end}), *([me] if me else []))


def iphone(*lines: str, tree: str = "WhatsApp Chat - Cleo.zip", me: str | None = None) -> Read:
    text = "\r\n".join(lines) + "\r\n"
    return read_all(IMPORTER, tree_of({"_chat.txt": text}, tree), *([me] if me else []))


ANDROID = (
    "18/03/2024, 14:56 - Messages and calls are end-to-end encrypted. No one outside of this "
    "chat, not even WhatsApp, can read or listen to them. Tap to learn more.",
    "18/03/2024, 14:56 - Wilma: the pier is shut again",
    "18/03/2024, 14:57 - Cleo: which end?",
    "18/03/2024, 14:58 - Wilma: both ends 🌊👩\u200d👩\u200d👧",
    "",
    "they are counting the gulls",
    "19/03/2024, 09:01 - Cleo: <Media omitted>",
)


def test_android_chat_is_read_to_the_byte() -> None:
    """Lines, blank lines, joined emoji: a message is what stood there."""
    found = read(*ANDROID)
    assert found.said() == [
        ("me", "the pier is shut again"),
        ("Cleo", "which end?"),
        ("me", "both ends 🌊👩\u200d👩\u200d👧\n\nthey are counting the gulls"),
    ]
    assert found.reasons == {"system notice": 1, "media without text": 1}
    assert [m.timestamp for m in found.messages[0]] == [
        "2024-03-18T14:56:00",
        "2024-03-18T14:57:00",
        "2024-03-18T14:58:00",
    ]
    chat = found.chats[0]
    assert (chat.title, chat.chat_id, chat.group, chat.me_known) == (
        "Cleo", "whatsapp:cleo", False, True,
    )  # fmt: skip


def test_iphone_chat() -> None:
    """Seconds, U+202F before PM, marks before media, an edit, a caption, a deleted message."""
    found = iphone(
        f"[3/18/24, 2:56:01{NNBSP}PM] Cleo: {LRM}Messages and calls are end-to-end encrypted. No "
        "one outside of this chat, not even WhatsApp, can read or listen to them.",
        f"[3/18/24, 2:57:10{NNBSP}PM] Wilma: one\ntwo\n\nthree",
        f"{LRM}[3/18/24, 2:58:00{NNBSP}PM] Cleo: {LRM}image omitted",
        f"{LRM}[3/18/24, 2:58:30{NNBSP}PM] Cleo: the tide table.pdf • {LRM}2 pages {LRM}document "
        "omitted",
        f"{LRM}[3/18/24, 2:59:00{NNBSP}PM] Wilma: look at him {LRM}<attached: 00000012-PHOTO-"
        "2024-03-18-14-59-00.jpg>",
        f"[3/18/24, 3:00:00{NNBSP}PM] Cleo: half past nine {LRM}<This message was edited>",
        f"[3/18/24, 3:01:00{NNBSP}PM] Cleo: {LRM}This message was deleted.",
        f"[3/18/24, 3:02:00{NNBSP}PM] Wilma: {LRM}Missed voice call. {LRM}Tap to call back.",
        f"[3/18/24, 3:03:00{NNBSP}PM] Wilma: שלום{RLM} עולם",
        f"[3/18/24, 12:03:00{NNBSP}AM] Wilma: ask @\u2068Cleo\u2069",
    )
    assert found.said() == [
        ("me", "one\ntwo\n\nthree"),
        ("me", "look at him"),
        ("Cleo", "half past nine"),
        ("me", f"שלום{RLM} עולם"),
        ("me", "ask @\u2068Cleo\u2069"),
    ]
    assert found.reasons == {
        "system notice": 2,
        "media without text": 2,
        "deleted message": 1,
    }
    assert found.messages[0][0].timestamp == "2024-03-18T14:57:10"
    assert found.messages[0][-1].timestamp == "2024-03-18T00:03:00"


def test_one_to_one_on_an_iphone_tells_who_is_me() -> None:
    """The notice of encryption stands under the other person's name."""
    notice = f"{LRM}Messages and calls are end-to-end encrypted, not even WhatsApp can read them."
    lines = (
        f"[18/03/24, 14:56:01] Cleo: {notice}",
        "[18/03/24, 14:57:01] Wilma: hello",
        "[19/03/24, 14:57:01] Cleo: hello",
    )
    assert iphone(*lines, tree="chat").said() == [("me", "hello"), ("Cleo", "hello")]


def test_a_notice_under_a_groups_name_on_android() -> None:
    """As some exports have it; the group is nobody there either."""
    found = read(
        "15.04.2016, 15:04 - Pier Committee: Messages and calls are end-to-end encrypted. No one "
        "outside of this chat, not even WhatsApp, can read or listen to them.",
        "16.04.2016, 13:23 - Amos: minutes?",
        "16.04.2016, 13:25 - Osk: not I",
        name="WhatsApp Chat with Pier Committee.txt",
    )
    assert found.texts == ["minutes?", "not I"]
    assert found.reasons == {"system notice": 1}
    assert set(found.chats[0].people) == {"Amos", "Osk"}


@pytest.mark.parametrize(
    ("named", "group"),
    [("Cleo", False), ("Cleo Park", False), ("Cleo Park (work)", False), ("Pier Committee", True)],
)
def test_a_chat_of_two_may_be_called_by_a_part_of_a_name(named: str, group: bool) -> None:
    """A group of which only two have written is called by neither of them."""
    chat = read(
        "18/03/2024, 14:56 - Wilma: the pier is shut again",
        "18/03/2024, 14:57 - Cleo Park: which end?",
        name=f"WhatsApp Chat with {named}.txt", me="Wilma",
    ).chats[0]  # fmt: skip
    assert chat.group == group


def test_group_notices_stand_under_the_group() -> None:
    """The group's name is nobody; its notices are no messages."""
    found = iphone(
        f"[18/03/24, 14:56:01] Pier Committee: {LRM}Messages and calls are end-to-end encrypted. "
        "Not even WhatsApp can read them.",
        f"[18/03/24, 14:56:01] Pier Committee: {LRM}Amos created this group",
        "[18/03/24, 14:57:01] Amos: minutes?",
        f"[19/03/24, 14:57:01] ~{NNBSP}Osk: not I",
        "[19/03/24, 14:58:01] \u202a+1\u00a0555\u00a00100\u202c: who drives",
        tree="group",
    )
    chat = found.chats[0]
    assert (chat.title, chat.group, chat.me_known) == ("Pier Committee", True, False)
    assert found.said() == [("Amos", "minutes?"), ("Osk", "not I"), ("+1 555 0100", "who drives")]
    assert found.reasons == {"system notice": 2}


def test_you_deleted_this_message_is_said_by_me() -> None:
    """In any language, it names the person who exported the chat."""
    for phrase in ("You deleted this message", "Du hast diese Nachricht gelöscht.",
                   "Você apagou esta mensagem", "Вы удалили данное сообщение"):  # fmt: skip
        found = read(
            "18.03.24, 14:56 - Amos: a",
            f"18.03.24, 14:57 - Wilma: {phrase}",
            "18.03.24, 14:58 - Wilma: b",
            "19.03.24, 14:58 - Osk: c",
            name="chat.txt",
        )
        assert found.said() == [("Amos", "a"), ("me", "b"), ("Osk", "c")]
        assert found.reasons == {"deleted message": 1}


def test_the_author_of_every_chat_is_me() -> None:
    """Of two chats in one folder, the person in both exported them."""
    chats = {
        "a.txt": "18.03.24, 14:56 - Amos: a\n18.03.24, 14:57 - Wilma: b\n",
        "b.txt": "18.03.24, 14:56 - Cleo: c\n18.03.24, 14:57 - Wilma: d\n",
    }
    found = read_all(IMPORTER, tree_of(chats))
    assert found.said() == [("Amos", "a"), ("me", "b"), ("Cleo", "c"), ("me", "d")]
    assert [chat.chat_id for chat in found.chats] == ["whatsapp:amos", "whatsapp:cleo"]


def test_nobody_is_me_where_nothing_tells() -> None:
    """It is asked for, and then a name in another Unicode form counts too."""
    lines = ("18.03.24, 14:56 - Zoë: a", "18.03.24, 14:57 - Wilma: b", "18.03.24, 14:58 - Amos: c")
    found = read(*lines, name="chat.txt")
    assert not found.chats[0].me_known
    assert not any(message.is_me for message in found.messages[0])
    assert read(*lines, name="chat.txt", me="Zoe\u0308 ").said()[0] == ("me", "a")


def test_a_colon_in_a_name() -> None:
    """A second colon that is in every message belongs to the name."""
    found = read(
        "18.03.24, 14:56 - Mum: home: dinner at six",
        "18.03.24, 14:57 - Wilma: note: not before seven",
        "18.03.24, 14:58 - Mum: home: as you like: cold",
        "18.03.24, 14:58 - Wilma: ok",
        name="chat.txt",
        me="Wilma",
    )
    assert found.said() == [
        ("Mum: home", "dinner at six"),
        ("me", "note: not before seven"),
        ("Mum: home", "as you like: cold"),
        ("me", "ok"),
    ]


def test_what_whatsapp_writes_is_no_part_of_a_name() -> None:
    """Though a colon is in each of two attachments."""
    found = iphone(
        "[18/03/24, 14:57:01] Cleo: <attached: 00000012-PHOTO-2024-03-18-14-59-00.jpg>",
        "[18/03/24, 14:57:02] Cleo: <attached: 00000013-PHOTO-2024-03-18-14-59-00.jpg>",
        "[18/03/24, 14:57:03] Wilma: a",
    )
    assert found.said() == [("me", "a")]
    assert found.reasons == {"media without text": 2}


def test_dates_inside_messages() -> None:
    """A line that begins with a date belongs to its message, even with a time and a dash."""
    found = read(
        "18/03/2024, 14:56 - Wilma: my list",
        "25/12/2024 geese",
        "25/12/2024, 10:00 - dentist",
        "[18/03/2024, 14:00:00] Cleo: what you said yesterday",
        "1. eggs",
        "18/03/2024, 14:58 - Cleo: long",
        "19/03/2024, 14:58 - Wilma: yes",
        name="chat.txt",
    )
    assert found.texts == [
        "my list\n25/12/2024 geese\n25/12/2024, 10:00 - dentist\n"
        "[18/03/2024, 14:00:00] Cleo: what you said yesterday\n1. eggs",
        "long",
        "yes",
    ]
    assert found.reasons == {}


def test_quoted_message_inside_an_iphone_message() -> None:
    """Lines inside a message end in LF, messages in CRLF."""
    found = iphone(
        "[18/03/2024, 14:56:01] Wilma: this is what she wrote:\n"
        "[17/03/2024, 10:00:00] Cleo: never again",
        "[18/03/2024, 14:57:01] Cleo: did not",
        "[18/03/2024, 14:58:01] Wilma: did\ntoo",
    )
    assert found.texts == [
        "this is what she wrote:\n[17/03/2024, 10:00:00] Cleo: never again",
        "did not",
        "did\ntoo",
    ]


@pytest.mark.parametrize(
    ("marker", "caption"),
    [
        ("<Media omitted>", None),
        ("<Medien ausgeschlossen>", None),
        ("<Multimedia omitido>", None),
        ("<Médias omis>", None),
        ("<省略多媒体文件>", None),
        ("<Без медиафайлов>", None),
        ("IMG-20240318-WA0002.jpg (file attached)", None),
        ("IMG-20240318-WA0002.jpg (file attached)\nthe verger, asleep", "the verger, asleep"),
        (f"{LRM}PTT-20240318-WA0000.opus (bestand bijgevoegd)", None),
        ("minutes.pdf (Datei angehängt)", None),
        ("ملف.pdf (الملف مرفق)", None),
        ("<Media omitted>\ntide table.pdf", None),
        ("<Media omitted>\nno. 4 of 9", "no. 4 of 9"),
        ("null", None),
        ("location: https://maps.google.com/?q=51.502145,-0.127397", None),
        ("POLL:\nWhich end?\nOPTION: North (2 votes)\nOPTION: South (1 vote)", None),
        ("", None),
        ("half past nine <This message was edited>", "half past nine"),
        ("halb zehn <Diese Nachricht wurde bearbeitet.>", "halb zehn"),
        ("a las nueve <Se editó este mensaje.>", "a las nueve"),
        ("I <3 you", "I <3 you"),
        ("<sigh>", "<sigh>"),
        ("see report (final)", "see report (final)"),
        ("a: b\nc: d (1 vote)", "a: b\nc: d (1 vote)"),
        ("  two spaces in front, one behind ", "  two spaces in front, one behind "),
    ],
)
def test_what_of_a_body_is_the_authors(marker: str, caption: str | None) -> None:
    """Attachments without words go, captions stay, and what only looks like a marker stays."""
    found = read(
        "18/03/2024, 14:56 - Wilma: a",
        f"18/03/2024, 14:57 - Wilma: {marker}",
        "18/03/2024, 14:58 - Cleo: b",
    )
    assert found.texts == ["a", *([] if caption is None else [caption]), "b"]
    assert sum(found.reasons.values()) == (caption is None)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("3/18/2565 BE, 14:56:01", "2022-03-18T14:56:01"),
        ("18/3/2565 14:56", "2022-03-18T14:56:00"),
        ("18/3/65 14:56", "2022-03-18T14:56:00"),
        ("3/18/R4, 14:56:01", "2022-03-18T14:56:01"),
        (f"١٨{RLM}/٣{RLM}/٢٠٢٢، ٢:٥٦:٠٠{NBSP}م", "2022-03-18T14:56:00"),
        (f"18/3/22, 2:56 p.{NBSP}m.", "2022-03-18T14:56:00"),
        (f"18/3/22, 12:56 a.{NNBSP}m.", "2022-03-18T00:56:00"),
        ("2022. 3. 18. 오후 2:56:05", "2022-03-18T14:56:05"),
        ("2022/3/18 下午2:56", "2022-03-18T14:56:00"),
        ("14:56:01, 3/18/22", "2022-03-18T14:56:01"),
        ("3/18/22 14.56.01", "2022-03-18T14:56:01"),
        ("18.03.22 г., 14:56", "2022-03-18T14:56:00"),
        ("18.3.2022 klo 14.56", "2022-03-18T14:56:00"),
        ("2022-03-18,\u200914:56", "2022-03-18T14:56:00"),
        (f"۱۴۰۰/۱۲/۲۷،{RLM} ۱۴:۵۶", "2022-03-18T14:56:00"),
    ],
)
def test_dates_of_the_world(written: str, iso: str) -> None:
    """Calendars, digits, words for the afternoon, the time in front."""
    moment = stamp(written)
    assert moment is not None
    finder = OrderFinder()
    finder.add(moment)
    order = finder.order()
    assert order.iso(moment) == iso
    assert not order.ambiguous


@settings(deadline=None, derandomize=True)
@given(
    st.from_regex(
        r"[0-9]{1,4}[/.-][0-9]{1,2}[/.-][0-9]{1,4},? [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
        "([ \u202f][APap][Mm])?",
        fullmatch=True,
    )
)
def test_common_dates_are_read_like_any_others(written: str) -> None:
    """The short way and the long one agree, on dates that do not exist too."""
    assert stamp(written) == any_form(written)


def test_the_order_of_dates_comes_from_the_whole_file() -> None:
    """One date past the twelfth decides for all before it; without one, it is told."""
    proven = read(
        "01/02/24, 9:00 - Cleo: a", "02/02/24, 9:00 - Wilma: b", "13/02/24, 9:00 - Cleo: c"
    )
    assert [m.timestamp for m in proven.messages[0]] == [
        "2024-02-01T09:00:00", "2024-02-02T09:00:00", "2024-02-13T09:00:00",
    ]  # fmt: skip
    american = read("1/2/24, 9:00 - Cleo: a", "1/13/24, 9:00 - Wilma: b")
    assert american.messages[0][0].timestamp == "2024-01-02T09:00:00"
    backwards = read("1/12/23, 9:00 - Cleo: a", "2/1/24, 9:00 - Wilma: b", "3/1/24, 9:00 - Cleo: c")
    assert backwards.messages[0][1].timestamp == "2024-01-02T09:00:00"
    assert proven.notes == american.notes == backwards.notes == []
    unknown = read("01/02/24, 9:00 - Cleo: a", "01/02/24, 9:01 - Wilma: b")
    assert unknown.notes == ["dates that could be read in two ways, read as day/month/year"]


def test_copies_without_marks() -> None:
    """A text that has lost its marks still tells notices from words."""
    found = iphone(
        "[18/03/24, 14:56:01] Cleo: Messages and calls are end-to-end encrypted. No one outside "
        "of this chat, not even WhatsApp, can read or listen to them.",
        "[18/03/24, 14:57:01] Wilma: image omitted",
        "[18/03/24, 14:57:02] Wilma: <attached: 00000012-PHOTO-2024-03-18-14-59-00.jpg>",
        "[18/03/24, 14:58:01] Wilma: what an image you omitted there",
    )
    assert found.texts == ["what an image you omitted there"]
    assert found.reasons == {"system notice": 1, "media without text": 2}


def test_notices_with_a_colon_are_no_people() -> None:
    """A new subject or description stands behind a name and holds a colon."""
    found = read(
        '18/03/2024, 14:56 - Wilma changed the subject from "Pier" to "Pier: the end"',
        "18/03/2024, 14:56 - Wilma: a",
        "18/03/2024, 14:57 - Wilma: b",
        "18/03/2024, 14:57 - Wilma changed the group description to: gulls",
        "18/03/2024, 14:58 - Cleo: c",
        "18/03/2024, 14:58 - Cleo: d",
        name="chat.txt",
    )
    assert set(found.chats[0].people) == {"Wilma", "Cleo"}
    assert found.reasons == {"system notice": 2}


def test_a_zip_and_its_attachments() -> None:
    """All of a chat's zip is claimed, so that nobody reads an attached text as the author's."""
    tree = tree_of(
        {
            "_chat.txt": "[18/03/24, 14:57:01] Wilma: a\r\n[18/03/24, 14:57:02] Cleo: b\r\n",
            "00000012-PHOTO-2024-03-18-14-59-00.jpg": b"\xff\xd8",
            "00000013-an essay.txt": "Not hers at all.",
        },
        "WhatsApp Chat - Cleo.zip",
    )
    claim = next(iter(IMPORTER.claims(tree)))
    assert claim.files == {file.path for file in tree.files}
    found = read_all(IMPORTER, tree)
    assert found.said() == [("me", "a"), ("Cleo", "b")]
    assert found.reasons == {"attached file": 2}


def test_other_texts_are_not_claimed() -> None:
    """Prose with dates, and an essay about WhatsApp, are left to others."""
    for name, text in {
        "diary.txt": "18/03/2024, 14:56 - rain\nMore rain.\n",
        "whatsapp.txt": "Why I left WhatsApp: it was the gulls.\n",
        "list.txt": "18/03/2024 eggs\n19/03/2024 flour\n",
    }.items():
        assert list(IMPORTER.claims(tree_of({name: text}))) == []


def test_a_chat_that_cannot_be_read_is_refused() -> None:
    """Better left out than taken for prose."""
    found = read("the 3rd of May at four, Wilma: hello", name="_chat.txt")
    assert found.reasons == {"a WhatsApp chat with dates of an unknown form": 1}


def test_stray_bytes_and_utf_16() -> None:
    """One byte of Windows-1252 costs nothing but itself; phones' UTF-16 is read too."""
    text = "18/03/24, 14:57 - Wilma: it’s é\n18/03/24, 14:58 - Cleo: ok\n"
    stray = text.encode().replace(b"ok", b"o\x92k")
    assert read_all(IMPORTER, tree_of({"WhatsApp Chat with Cleo.txt": stray})).texts == [
        "it’s é",
        "o’k",
    ]
    utf_16 = tree_of({"WhatsApp Chat with Cleo.txt": text.encode("utf-16")})
    assert read_all(IMPORTER, utf_16).texts == ["it’s é", "ok"]


def test_found_is_kept_and_dropped() -> None:
    """Every header of the file is a message or a reason, once."""
    found = read(*ANDROID)
    headers = sum(line[:2].isdigit() for line in ANDROID)
    assert len(found.texts) + sum(found.reasons.values()) == headers


SHAPES = st.sampled_from(
    [
        *ANDROID,
        "[18/03/24, 14:57:01] Wilma: a",
        f"{LRM}[3/18/24, 2:58:00{NNBSP}PM] Cleo: {LRM}image omitted",
        "Wilma: ",
        "\ufeff",
        "99/99/9999, 99:99 - x: y",
        "0/0/0, 0:00 - x: y",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(SHAPES, st.text(max_size=30)), max_size=12), st.binary(max_size=40))
def test_whatever_stands_in_a_file(lines: list[str], tail: bytes) -> None:
    """Never an exception."""
    data = "\n".join(lines).encode("utf-8", "surrogatepass") + tail
    tree = tree_of({"_chat.txt": data})
    for claim in IMPORTER.claims(tree):
        for record in IMPORTER.read(tree, claim, ReadOptions()):
            for message in getattr(record, "messages", ()):
                assert message is not None


@pytest.mark.parametrize("character", [" ", "-", "[", "1", "a", "\u200e", ":", "<", "("])
def test_a_megabyte_of_one_character(character: str) -> None:
    """Alone and inside a message, in linear time."""
    run = character * 1_000_000
    started = time.process_time()
    found = read("18/03/24, 14:57 - Wilma: a", run, f"19/03/24, 14:57 - Cleo: {run}")
    assert time.process_time() - started < 15
    assert len(found.texts) + sum(found.reasons.values()) == 2
