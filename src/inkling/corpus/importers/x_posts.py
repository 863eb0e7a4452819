"""Posts of an X archive: own threads put together, long posts in full, reposts left out.

Knows: posts. Does not know: files, accounts, messages.
Data: files -> a database of posts on disk -> threads -> Document, by the id of their first post.

A thread's posts stand anywhere in the files, so they are kept in a temporary database; memory
does not grow with the archive.
"""

from __future__ import annotations

import datetime
import html
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.x_files import objects
from inkling.corpus.importing.json_shape import BROKEN
from inkling.corpus.importing.json_stream import valid_text
from inkling.corpus.importing.oldest_first import CUT
from inkling.corpus.importing.times import from_iso
from inkling.corpus.importing.tree import TreeFile

_SHORT_LINK = re.compile(r"https?://t\.co/\w{1,20}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A long post and the short one that stands for it carry nearly the same time.
_NOTE_SECONDS = 10
_MOST_LINKS = 8
_TABLES = """
create table post (id integer primary key, parent integer, time text, text text, ref text);
create table note (id integer primary key, second integer, time text, text text, ref text);
create index note_second on note (second);
"""


def posts(
    files: list[TreeFile], notes: list[TreeFile], account: dict[str, str]
) -> Iterator[Document | Dropped]:
    """A Document for each thread or post of one's own."""
    # "" is a database on disk that SQLite removes when it is closed.
    with closing(sqlite3.connect("")) as database:
        database.executescript(_TABLES)
        for file in notes:
            yield from _add_notes(database, file)
        for file in files:
            yield from _add_posts(database, file, account)
        database.execute("create index post_parent on post (parent)")
        yield from _threads(database)
        for number, time, text, ref in database.execute("select id, time, text, ref from note"):
            yield Document(text, f"{ref}#{number}", timestamp=time)


def _object(item: Any, key: str, path: str) -> dict[str, Any] | Dropped:
    """What an item wraps; the oldest archives do not wrap."""
    if item is CUT:
        return Dropped("the rest of the file could not be read", path)
    inner = item.get(key, item) if isinstance(item, dict) else None
    if not isinstance(inner, dict):
        return Dropped("a damaged post" if item is BROKEN else "no post", path)
    return inner


def _add_notes(database: sqlite3.Connection, file: TreeFile) -> Iterator[Dropped]:
    for item in objects(file):
        note = _object(item, "noteTweet", file.path)
        if isinstance(note, Dropped):
            yield note
            continue
        core = note.get("core", note.get("noteTweetResults"))
        core = core if isinstance(core, dict) else {}
        text = core.get("text")
        number = _number(note.get("noteTweetId"))
        if not isinstance(text, str) or not text.strip() or number is None:
            yield Dropped("empty post", file.path)
            continue
        time = from_iso(note.get("createdAt"))
        links = core.get("urls")
        words = _expanded(html.unescape(valid_text(text)), _links(links, "shortUrl", "expandedUrl"))
        added = database.execute(
            "insert or ignore into note values (?, ?, ?, ?, ?)",
            (number, _second(time), time, words, file.path),
        )
        if not added.rowcount:
            yield Dropped("the same post twice", f"{file.path}#{number}")


def _add_posts(
    database: sqlite3.Connection, file: TreeFile, account: dict[str, str]
) -> Iterator[Dropped]:
    for item in objects(file):
        post = _object(item, "tweet", file.path)
        if isinstance(post, Dropped):
            yield post
            continue
        number = _number(post.get("id_str", post.get("id")))
        text = post.get("full_text", post.get("text"))
        ref = f"{file.path}#{number}"
        if number is None or not isinstance(text, str):
            yield Dropped("no post", file.path)
            continue
        if text.startswith("RT @") or post.get("retweeted") is True:
            yield Dropped("repost of someone else's", ref)
            continue
        time = _created(post.get("created_at"))
        words = _words(post, text)
        words, long = _in_full(database, words, _second(time), number)
        if not words.strip():
            yield Dropped("media without text", ref)
            continue
        added = database.execute(
            "insert or ignore into post values (?, ?, ?, ?, ?)",
            (number, _parent(post, account), time, words, file.path),
        )
        if not added.rowcount:
            yield Dropped("the same post twice", ref)
        elif long is not None:
            database.execute("delete from note where id = ?", (long,))


def _parent(post: dict[str, Any], account: dict[str, str]) -> int | None:
    """The post that one continues, where its own author wrote that too."""
    parent = _number(post.get("in_reply_to_status_id_str", post.get("in_reply_to_status_id")))
    to = post.get("in_reply_to_user_id_str", post.get("in_reply_to_user_id"))
    mine = account.get("accountId")
    return None if to is not None and mine is not None and str(to) != mine else parent


def _threads(database: sqlite3.Connection) -> Iterator[Document]:
    """Posts whose parent is no own post, each with all that continue it, oldest first."""
    roots = database.execute(
        "select id, time, text, ref from post where parent is null or parent >= id "
        "or parent not in (select id from post) order by id"
    )
    for root, time, text, ref in roots:
        texts: list[str] = []
        waiting = [(root, text)]
        while waiting:
            number, words = waiting.pop()
            texts.append(words)
            # Of several answers the first is followed to its end, then the next.
            waiting += database.execute(
                "select id, text from post where parent = ? and id > parent order by id desc",
                (number,),
            )
        yield Document("\n\n".join(texts), f"{ref}#{root}", None, time, str(root))


def _in_full(
    database: sqlite3.Connection, words: str, second: int, number: int
) -> tuple[str, int | None]:
    """The long post that a cut one stands for, and its id; else the words as they are."""
    # At its end stand the links to the long post and to pictures; one in the middle is in both.
    start = words.rstrip()
    for _ in range(_MOST_LINKS):
        if _SHORT_LINK.fullmatch(last := start[-40:].split()[-1] if start else ""):
            start = start.removesuffix(last).rstrip()
    start = start.removesuffix("…").rstrip()
    if len(start) < 20:
        return words, None
    near = database.execute(
        "select id, text from note where second between ? and ? order by abs(id - ?) limit 50",
        (second - _NOTE_SECONDS, second + _NOTE_SECONDS, number),
    )
    for note, text in near:
        if text.startswith(start[:200]):
            return text, note
    return words, None


def _words(post: dict[str, Any], text: str) -> str:
    """A post as it was typed: `&amp;` undone, links as they were, those of its media gone."""
    entities, extended = post.get("entities"), post.get("extended_entities")
    links: dict[str, str] = {}
    for part in (entities, extended):
        if isinstance(part, dict):
            links |= dict.fromkeys(_links(part.get("media"), "url", "url"), "")
            links |= _links(part.get("urls"), "url", "expanded_url")
    return _expanded(html.unescape(valid_text(text)), links)


def _links(entries: Any, short: str, long: str) -> dict[str, str]:
    return {
        entry[short]: valid_text(entry[long])
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
        and isinstance(entry.get(short), str)
        and isinstance(entry.get(long), str)
    }


def _expanded(text: str, links: dict[str, str]) -> str:
    if not links:
        return text
    changed = _SHORT_LINK.sub(lambda match: links.get(match[0], match[0]), text)
    return changed if changed == text else changed.rstrip()


def _number(value: Any) -> int | None:
    """An id, as far as SQLite can hold it."""
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    fits = len(text) < 20 and text.isascii() and text.isdigit() and int(text) < 1 << 63
    return int(text) if fits else None


def _second(time: str | None) -> int:
    if time is None:
        return 0
    return int(datetime.datetime.fromisoformat(time).replace(tzinfo=datetime.UTC).timestamp())


def _created(value: Any) -> str | None:
    """ "Wed Oct 10 20:19:24 +0000 2018", in English whatever the account's language."""
    parts = value.split() if isinstance(value, str) and len(value) < 60 else []
    if len(parts) == 6 and parts[1] in _MONTHS:
        month = _MONTHS.index(parts[1]) + 1
        written = f"{parts[5]:>04}-{month:02}-{parts[2]:>02}T{parts[3]}{parts[4]}"
        return from_iso(written)
    return from_iso(value)
