"""X archives: posts, threads, long posts, direct messages."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers.x_archive import IMPORTER
from tests.importers.chats import Read, read_all
from tests.importers.trees import tree_of

ME, CLEO = "55501", "55502"


def script(name: str, items: list[Any], part: int = 0) -> str:
    return f"window.YTD.{name}.part{part} = {json.dumps(items, indent=2)}"


def post(number: int, text: str, parent: int | None = None, to: str = ME, **more: Any) -> Any:
    reply = {} if parent is None else {
        "in_reply_to_status_id_str": str(parent), "in_reply_to_user_id_str": to,
    }  # fmt: skip
    return {"tweet": {
        "id_str": str(number), "id": str(number), "full_text": text, "retweeted": False,
        "created_at": f"Wed Oct 10 20:{number % 60:02}:24 +0000 2018", "entities": {},
    } | reply | more}  # fmt: skip


def archive(**files: str) -> dict[str, str]:
    account = {"account": {"accountId": ME, "username": "wilma", "accountDisplayName": "Wilma"}}
    return {"data/account.js": script("account", [account])} | {
        f"data/{name.replace('_', '-')}.js": content for name, content in files.items()
    }


def read(*me: str, **files: str) -> Read:
    return read_all(IMPORTER, tree_of(archive(**files)), *me)


def test_posts_as_they_were_typed() -> None:
    """Escapes undone, links as they were, those of media gone, reposts out."""
    link = {"url": "https://t.co/abc", "expanded_url": "https://example.org/pier"}
    media = {"url": "https://t.co/img", "media_url": "x"}
    found = read(tweets=script("tweets", [
        post(1, "fish &amp; chips &lt;3 &amp;amp; 👩\u200d👧\n\nno"),
        post(2, "RT @cleo: not mine"),
        post(3, "see https://t.co/abc there https://t.co/img",
             entities={"urls": [link], "media": [media]}),
        post(4, "https://t.co/img", extended_entities={"media": [media]}),
        post(1, "again"),
    ]))  # fmt: skip
    assert [d.text for d in found.documents] == [
        "fish & chips <3 &amp; 👩\u200d👧\n\nno",
        "see https://example.org/pier there",
    ]
    assert found.documents[0].timestamp == "2018-10-10T20:01:24Z"
    assert found.documents[0].raw_ref == "data/tweets.js#1"
    assert found.reasons == {
        "repost of someone else's": 1, "media without text": 1, "the same post twice": 1,
    }  # fmt: skip


def test_own_threads_are_one_document() -> None:
    """In order, over several files; answers to others stand alone."""
    found = read(
        tweets=script("tweets", [
            post(13, "three", 12), post(11, "one"), post(20, "@cleo yes", 9, CLEO),
        ]),
        tweets_part1=script("tweets", [post(12, "two", 11), post(14, "aside", 11)], 1),
    )  # fmt: skip
    assert [d.text for d in found.documents] == ["one\n\ntwo\n\nthree\n\naside", "@cleo yes"]


def test_an_answer_to_an_answer_of_someone_else_is_no_thread() -> None:
    """Though it stands below an own post."""
    found = read(tweets=script("tweets", [post(1, "a"), post(3, "c", 2, CLEO), post(4, "d", 3)]))
    assert [d.text for d in found.documents] == ["a", "c\n\nd"]


def test_long_posts_are_read_in_full() -> None:
    """The cut one is replaced; a note without a post stands alone."""
    whole = "The pier & the gulls: " + "and so on " * 50
    notes = [
        {"noteTweet": {"noteTweetId": str(n), "createdAt": f"2018-10-10T20:05:{25 + n}.000Z",
                       "core": {"text": text, "urls": []}}}
        for n, text in ((1, whole), (2, "Another, on its own."))
    ]  # fmt: skip
    cut = whole[:200].replace("&", "&amp;") + "… https://t.co/xyz"
    found = read(tweets=script("tweets", [post(5, cut)]), note_tweet=script("note_tweet", notes))
    assert [d.text for d in found.documents] == [whole, "Another, on its own."]


def dm(number: int, sender: str, text: str, **more: Any) -> Any:
    return {"messageCreate": {
        "id": str(number), "senderId": sender, "recipientId": ME, "text": text,
        "createdAt": f"2024-03-18T14:{number % 60:02}:00.123Z", "mediaUrls": [], "urls": [],
    } | more}  # fmt: skip


def talk(*newest_first: Any, identity: str = f"{CLEO}-{ME}") -> Any:
    return {"dmConversation": {"conversationId": identity, "messages": list(newest_first)}}


def test_direct_messages() -> None:
    """Newest first in the file, read oldest first; events are notices."""
    url = {"url": "https://t.co/abc", "expanded": "https://example.org"}
    found = read(
        direct_messages=script("direct_messages", [talk(
            dm(3, ME, "b https://t.co/abc", urls=[url]),
            dm(2, CLEO, "", mediaUrls=["x"]),
            dm(1, CLEO, "a &amp; b"),
        )]),
        direct_messages_group=script("direct_messages_group", [talk(
            {"joinConversation": {"initiatingUserId": CLEO}}, dm(9, "55503", "c"), identity="777",
        )]),
    )  # fmt: skip
    assert found.said() == [("55503", "c"), (CLEO, "a & b"), ("me", "b https://example.org")] or (
        found.said() == [(CLEO, "a & b"), ("me", "b https://example.org"), ("55503", "c")]
    )
    assert {c.chat_id: (c.group, c.me_known) for c in found.chats} == {
        "x:55502-55501": (False, True), "x:777": (True, True),
    }  # fmt: skip
    assert found.reasons == {"media without text": 1, "system notice": 1}


def test_without_an_account_the_one_in_every_conversation() -> None:
    """Is the archive's owner."""
    files = {"data/direct-messages.js": script("direct_messages", [
        talk(dm(1, CLEO, "a")), talk(dm(2, ME, "b"), identity=f"{ME}-55503"),
    ])}  # fmt: skip
    assert read_all(IMPORTER, tree_of(files)).said() == [(CLEO, "a"), ("me", "b")]


def test_what_others_wrote_is_never_opened() -> None:
    """All of the archive is claimed, so that nobody else takes it for writing."""
    files = archive(tweets=script("tweets", [post(1, "a")]), like="window.YTD.like.part0 = [",
                    deleted_tweets="window.YTD.deleted_tweets.part0 = [")  # fmt: skip
    files |= {"data/tweets_media/1.txt": "x", "Your archive.html": "<p>hello</p>"}
    tree = tree_of(files)
    claim = next(iter(IMPORTER.claims(tree)))
    assert claim.files == set(files)
    found = read_all(IMPORTER, tree)
    assert [d.text for d in found.documents] == ["a"]
    assert found.reasons == {"neither posts nor messages; left unopened": 4}


def test_other_scripts_are_left_alone() -> None:
    """A file called tweets.js of some program is none."""
    assert not list(IMPORTER.claims(tree_of({"src/tweets.js": "export const a = [1];"})))


def test_a_file_that_ends_in_the_middle() -> None:
    """What is whole is read."""
    text = script("tweets", [post(1, "a"), post(2, "b"), post(3, "c")])
    found = read(tweets=text[: text.index('"c"')])
    assert [d.text for d in found.documents] == ["a", "b"]
    assert found.reasons == {"a damaged post": 1, "the rest of the file could not be read": 1}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from([*post(1, "a", 2)["tweet"], "extended_entities"])
EVENT = st.sampled_from(list(dm(1, ME, "a")["messageCreate"]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(FIELDS, VALUES), max_size=3),
    st.lists(st.dictionaries(EVENT, VALUES), max_size=3),
    st.binary(max_size=30),
)
def test_whatever_stands_in_a_file(posts: list[Any], events: list[Any], tail: bytes) -> None:
    """Never an exception."""
    items = [{"tweet": post(n, "a")["tweet"] | more} for n, more in enumerate(posts, start=1)]
    messages = [{"messageCreate": dm(1, ME, "a")["messageCreate"] | more} for more in events]
    files = {
        "tweets": script("tweets", items),
        "note_tweet": script("note_tweet", [{"noteTweet": more} for more in posts]),
        "direct_messages": script("direct_messages", [talk(*messages)]),
    }
    found = read(**files)
    assert len(found.texts) <= len(events)
    data = files["direct_messages"].encode()
    tree = tree_of({"data/direct-messages.js": data[: len(data) // 2] + tail})
    read_all(IMPORTER, tree)


@pytest.mark.parametrize("character", ["[", '"', " ", "a", "&", "@"])
def test_a_megabyte_of_one_character(character: str) -> None:
    """In linear time."""
    started = time.process_time()
    run = character * 1_000_000
    found = read(
        tweets=script("tweets", [post(1, f"a{run}b")]),
        direct_messages=script("direct_messages", [talk(dm(1, ME, f"a{run}b"))]),
    )
    assert len(found.documents[0].text) == len(found.texts[0]) == 1_000_002
    read(tweets="window.YTD.tweets.part0 = " + run)
    assert time.process_time() - started < 15


def test_a_short_link_inside_a_long_post() -> None:
    """Only the links at the end of the short post stand for the long one."""
    start = "the pier at https://t.co/abc is closed, and so is all that stands behind it"
    note = {"noteTweet": {
        "noteTweetId": "9", "createdAt": "2018-10-10T20:01:24.000Z",
        "core": {"text": f"{start}, until spring"},
    }}  # fmt: skip
    found = read(
        tweets=script("tweets", [post(1, f"{start}… https://t.co/end https://t.co/img")]),
        note_tweet=script("note_tweet", [note]),
    )
    assert [d.text for d in found.documents] == [f"{start}, until spring"]


def test_the_page_beside_the_archive_is_nobodys_post() -> None:
    """X's own page to look at it."""
    files = archive(tweets=script("tweets", [post(1, "mine")]))
    page = '<html><body><p>Loading</p><script src="data/manifest.js"></script></body></html>'
    found = read_all(IMPORTER, tree_of({**files, "Your archive.html": page, "Archiv.html": page}))
    assert [d.text for d in found.documents] == ["mine"]
    assert found.reasons == {"neither posts nor messages; left unopened": 2}
