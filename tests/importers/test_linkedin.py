"""LinkedIn's export: conversations sorted out, the account known, posts unquoted."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.linkedin import IMPORTER
from inkling.corpus.importing.importer import ReadOptions
from tests.importers.checks import ONE_CHARACTER, mutated, read_all

COLUMNS = (
    "CONVERSATION ID", "CONVERSATION TITLE", "FROM", "SENDER PROFILE URL", "TO",
    "RECIPIENT PROFILE URLS", "DATE", "SUBJECT", "CONTENT", "FOLDER", "ATTACHMENTS",
)  # fmt: skip
W, C, A = (f"https://www.linkedin.com/in/{name}" for name in ("wilma", "cleo", "amos"))


def table(*rows: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def row(
    chat: str, name: str, url: str, to: str, when: str, text: str, *more: str
) -> tuple[str, ...]:
    return (chat, "", name, url, "Somebody", to, when, "", text, *(more or ("INBOX", "")))


MESSAGES = table(
    COLUMNS,
    row("c1", "Cleo Park", C, W, "2021-07-05 14:10:00 UTC", "thanks,\nWilma 👋"),
    row("c2", "Wilma Reed", W, f"{C},{A}", "2021-07-05 14:05:00 UTC", "hello both"),
    row("c1", "Wilma Reed", W, C, "2021-07-05 14:03:54 UTC", 'I "like" it'),
    row("c1", "Wilma Reed", W, C, "2021-07-05 14:03:54 UTC", "<p>One</p><p>two &amp; three</p>"),
    row("c1", "Wilma Reed", W, C, "2021-07-05 14:02:00 UTC", "", "INBOX", "https://a/b.pdf"),
    row("c3", "Sponsored Conversation", "", W, "2021-07-05 14:02:00 UTC", "Buy!"),
)
SHARES = (
    "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"
    '2021-07-05 14:03:54,https://www.linkedin.com/1,"A ""new"" boat.""\n""It is blue.",,,PUBLIC\n'
    "2021-07-05 14:03:54,https://www.linkedin.com/2,,https://example.org,,PUBLIC\n"
)
COMMENTS = (
    "Date,Link,Message\n"
    '2021-07-05 14:03:54,https://www.linkedin.com/3,"When I said \\"tea\\", I meant it"\n'
)
PROFILE = "First Name,Last Name,Headline\nWilma,Reed,Painter\n"
FILES = {
    "messages.csv": "\ufeff" + MESSAGES,
    "Shares_155.csv": SHARES,
    "Comments.csv": COMMENTS,
    "Profile.csv": PROFILE,
    "Connections.csv": "Notes:\n\nFirst Name,Last Name\nCleo,Park\n",
}


def test_conversations_posts_and_comments() -> None:
    """Rows come newest first and mixed; the profile tells whose they are."""
    read = read_all(IMPORTER, FILES)
    assert read.mine == ["One\n\ntwo & three", 'I "like" it', "hello both"]
    first, second = read.chats
    assert (first.chat_id, first.group, first.me_known) == ("c1", False, True)
    assert second.group
    assert read.messages[0][2].text == "thanks,\nWilma 👋"
    assert read.messages[0][2].timestamp == "2021-07-05T14:10:00Z"
    assert first.people == {W: "Wilma Reed", C: "Cleo Park"}
    assert [d.text for d in read.documents] == [
        'When I said "tea", I meant it',
        'A "new" boat.\nIt is blue.',
    ]
    assert read.dropped == {
        "media without text": 1,
        "advertisement": 1,
        "a link without text": 1,
        "no writing of yours": 2,
    }
    assert read.found == 6 + 2 + 1 + 2


def test_without_a_profile_who_is_in_every_conversation_is_me() -> None:
    """Of several conversations; of one, a person is asked."""
    assert read_all(IMPORTER, {"messages.csv": MESSAGES}).chats[0].me_known is False
    only_wilma_is_in_both = table(
        COLUMNS,
        row("c1", "Cleo Park", C, W, "2021-07-05 14:10:00 UTC", "a"),
        row("c2", "Wilma Reed", W, A, "2021-07-05 14:10:00 UTC", "b"),
    )
    assert read_all(IMPORTER, {"messages.csv": only_wilma_is_in_both}).mine == ["b"]
    said = read_all(IMPORTER, {"messages.csv": MESSAGES}, ReadOptions.of([W]))
    assert len(said.mine) == 3


def test_other_tables_are_not_claimed() -> None:
    """Columns decide; comments alone could be anybody's."""
    assert read_all(IMPORTER, {"Comments.csv": COMMENTS}).found == 0
    assert read_all(IMPORTER, {"messages.csv": "id,from,to,body\n"}).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([MESSAGES.encode(), SHARES.encode(), PROFILE.encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    for path in FILES:
        read_all(IMPORTER, {**FILES, path: data})


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    run = character * 1_000_000
    read_all(IMPORTER, {"messages.csv": MESSAGES + f'"{run}'})
    read_all(IMPORTER, {"messages.csv": MESSAGES + run, "Shares.csv": SHARES + run})
    assert time.process_time() - started < 8


def test_two_people_are_no_group_before_it_is_known_who_one_is() -> None:
    """Addresses of several people stand behind commas, semicolons or spaces."""
    talk = table(
        COLUMNS,
        row("c1", "Cleo Park", C, W, "2021-07-05 14:10:00 UTC", "hello"),
        row("c2", "Cleo Park", C, f"{W} {A}", "2021-07-05 14:05:00 UTC", "hello both"),
        row("c3", "Cleo Park", C, f"{W};{A}", "2021-07-05 14:05:00 UTC", "hello again"),
        row("c4", "Amos Reed", A, W, "2021-07-05 14:05:00 UTC", "and you"),
        row("c5", "Amos Reed", A, C, "2021-07-05 14:05:00 UTC", "not you"),
    )
    chats = read_all(IMPORTER, {"messages.csv": talk}).chats
    assert {chat.chat_id: (chat.group, chat.me_known) for chat in chats} == {
        "c1": (False, False), "c2": (True, False), "c3": (True, False), "c4": (False, False),
        "c5": (False, False),
    }  # fmt: skip


def test_what_linkedin_writes_under_a_name() -> None:
    """A notice is nobody's message."""
    talk = table(
        COLUMNS,
        row("c1", "Cleo Park", C, W, "2021-07-05 14:10:00 UTC", "Message request accepted"),
        row("c1", "Cleo Park", C, W, "2021-07-05 14:11:00 UTC", "hello"),
    )
    read = read_all(IMPORTER, {"messages.csv": talk})
    assert [[message.text for message in chat] for chat in read.messages] == [["hello"]]
    assert read.dropped == {"system notice": 1}


def test_articles_are_read_without_what_linkedin_wrote_over_them() -> None:
    """And what was sponsored is no message, also where only the title says so."""
    article = (
        "<html><head><title>Boats</title></head><body><h1><a href='x'>Boats</a></h1>"
        "<p class='created'>Created on 2021-07-05 14:03</p>"
        "<p class='published'>Published on 2021-07-06 14:03</p><div><p>They float.</p></div>"
        "</body></html>"
    )
    sold = list(row("c9", "Boats Inc", "", W, "2021-07-05 14:02:00 UTC", "Buy!"))
    sold[1] = "Sponsored Conversation"
    files = {
        **FILES,
        "messages.csv": table(COLUMNS, tuple(sold)),
        "Articles/Articles/boats.html": article,
    }
    read = read_all(IMPORTER, files)
    assert ("Boats", "They float.") in [(d.title, d.text) for d in read.documents]
    assert read.chats == []
    assert read.dropped["advertisement"] == 1
