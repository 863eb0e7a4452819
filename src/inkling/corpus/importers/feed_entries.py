"""Entries of an RSS or Atom feed, from bytes that were fetched or saved.

Knows: which element holds the text, whose entry it is, what a teaser is. Does not know: files,
the network. Data: bytes -> `read_feed` -> `Feed`.

feedparser is given the bytes as a stream, never a string: a string it would take for an address
and fetch. What declares entities is refused before it is parsed.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from inkling.corpus.html import HtmlText, fragment_to_text
from inkling.corpus.importing.times import from_post

MAX_BYTES = 50_000_000
_MALFORMED_BYTES = 200_000

# A feed that gives fewer characters than this of a post, or says that there is more, shows a
# teaser.
_TEASER_CHARACTERS = 600
_MORE = re.compile(
    r"(?:\[?(?:…|\.\.\.)\]?|read more.{0,40}|continue reading.{0,80})\s*$",
    re.IGNORECASE | re.DOTALL,
)
_APPEARED = re.compile(
    r"The post [^\n]{1,300} (?:appeared first on|first appeared on) [^\n]{1,200}$"
)


@dataclass(frozen=True)
class Entry:
    """One post of a feed."""

    title: str | None
    link: str
    """Where its page is; "" where the feed does not tell an http address."""
    author: str | None
    date: str | None
    words: HtmlText
    teaser: bool
    """Whether the feed likely holds the beginning only."""
    identifier: str | None = None
    """The entry's own id, where it cannot be another blog's as well."""


@dataclass(frozen=True)
class Feed:
    """A feed's entries."""

    title: str | None
    entries: tuple[Entry, ...]


def looks_like_feed(beginning: bytes) -> bool:
    """Whether these first bytes of a file are a feed's."""
    start = beginning[:3000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(b"<") and any(
        sign in start for sign in (b"<rss", b"<rdf:rdf", b'"http://www.w3.org/2005/atom"', b"<feed")
    )


def read_feed(data: bytes) -> Feed | None:
    """The entries; None where it is no feed, or one that is not opened."""
    if len(data) > MAX_BYTES or b"<!ENTITY" in data[:100_000] or not looks_like_feed(data):
        return None
    # For malformed feeds feedparser has another reader, whose time is quadratic.
    if len(data) > _MALFORMED_BYTES and not _well_formed(data):
        return None
    import feedparser

    try:
        parsed: Any = feedparser.parse(
            io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False
        )
    except Exception:  # bytes that it did not expect: it promises no kind of error
        return None
    if not parsed.get("version") and not parsed.get("entries"):
        return None
    entries = tuple(_entry(found) for found in parsed.entries)
    title = str(parsed.feed.get("title", "")).strip() if parsed.get("feed") else ""
    return Feed(title or None, entries)


def _well_formed(data: bytes) -> bool:
    parser = expat.ParserCreate()
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _entry(found: Any) -> Entry:
    contents = [str(c.get("value", "")) for c in found.get("content", []) or []]
    summary = str(found.get("summary", "") or "")
    body = max(contents, key=len, default="") or summary
    words = fragment_to_text(body)
    text = words.text
    if (appeared := _APPEARED.search(text, max(0, len(text) - 600))) is not None:
        text = text[: appeared.start()].rstrip()
    teaser = bool(_MORE.search(text[-200:])) or (not contents and len(text) < _TEASER_CHARACTERS)
    link = str(found.get("link", "") or "")
    return Entry(
        " ".join(fragment_to_text(str(found.get("title", "") or "")).text.split()) or None,
        link if link.startswith(("http://", "https://")) else "",
        str(found.get("author", "") or "").strip() or None,
        from_post(str(_own(found, "published") or _own(found, "updated") or "")),
        HtmlText(None, None, text, None, words.quotes),
        teaser,
        _identifier(str(found.get("id", "") or "").strip()),
    )


def _identifier(written: str) -> str | None:
    """An id that is an address, a tag or a name of the whole world; numbers are every blog's."""
    unique = "://" in written or written.startswith(("tag:", "urn:"))
    return written if unique and len(written) <= 500 else None


def _own(entry: dict[str, Any], key: str) -> object:
    """A field as it was written: feedparser itself takes one date for the other, and warns."""
    return dict.get(entry, key)
