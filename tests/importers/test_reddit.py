"""Reddit's export: posts and comments by header, quotes out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.reddit import IMPORTER
from tests.importers.checks import ONE_CHARACTER, mutated, read_all

POSTS = (
    "\ufeffid,permalink,date,ip,subreddit,gildings,title,url,body\r\n"
    "p1,https://www.reddit.com/r/boats/comments/p1/blue/,2021-07-05 14:03:54 UTC,,boats,0,"
    'Blue or green?,,"I painted it ""twice"".\n\n> a quote\n\n>!a spoiler!<\nHm 🚤"\r\n'
    "p2,https://www.reddit.com/r/boats/comments/p2/x/,2021-07-05 14:03:54 UTC,,boats,0,"
    "A picture,https://i.example.org/a.jpg,\r\n"
)
COMMENTS = (
    "date,id,permalink,ip,subreddit,gildings,link,parent,body,media\r\n"
    "2021-07-05 14:03:54 UTC,c1,https://www.reddit.com/c1/,,boats,0,https://l,,"
    '"&gt; theirs\n\nMine.",\r\n'
    "2021-07-05 14:03:54 UTC,c2,https://www.reddit.com/c2/,,boats,0,https://l,,[removed],\r\n"
    "2021-07-05 14:03:54 UTC,c3,https://www.reddit.com/c3/,,boats,0,https://l,,> theirs,\r\n"
)
FILES = {
    "export/posts.csv": POSTS,
    "export/comments.csv": COMMENTS,
    "export/chat_history.csv": "message_id,created_at,username,message\n1,,cleo,hello\n",
    "export/ip_logs.csv": "date,ip\n",
}


def test_posts_and_comments() -> None:
    """Columns by name, other people's quotes and files left out and counted."""
    read = read_all(IMPORTER, FILES)
    comment, post = read.documents
    assert comment.text == "Mine."
    assert post.text == 'I painted it "twice".\n\n\n>!a spoiler!<\nHm 🚤'
    assert (post.title, post.timestamp) == ("Blue or green?", "2021-07-05T14:03:54Z")
    assert post.raw_ref == "https://www.reddit.com/r/boats/comments/p1/blue/"
    assert read.dropped == {
        "a link without text": 1,
        "deleted message": 1,
        "only quoted text": 1,
        "no writing of yours": 2,
    }
    assert read.found == 5 + 2


def test_other_tables_are_not_claimed() -> None:
    """Columns decide."""
    assert read_all(IMPORTER, {"posts.csv": "id,title\n1,a\n"}).found == 0


@settings(max_examples=60, deadline=None)
@given(mutated([POSTS.encode(), COMMENTS.encode()]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    read_all(IMPORTER, {"posts.csv": data, "comments.csv": POSTS.encode() + data})


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input."""
    started = time.process_time()
    read_all(IMPORTER, {"posts.csv": POSTS + character * 1_000_000})
    read_all(IMPORTER, {"posts.csv": POSTS + 'p,,,,,,,,"' + character * 1_000_000})
    assert time.process_time() - started < 15
