"""Any blog that has a feed: its entries, and the pages behind those that are cut.

Knows: where blogs keep their feed. Does not know: the format (`importers/feed_entries.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from inkling.corpus.crawling.client import FetchError, Reply
from inkling.corpus.crawling.fetching import Crawl
from inkling.corpus.crawling.page import page
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.feed_entries import Entry, Feed, looks_like_feed, read_feed
from inkling.corpus.importers.pieces import piece

_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml")
_USUAL = ("/feed", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/rss")


def find_feed(crawl: Crawl, front: Reply) -> Feed | None:
    """The feed of a site: the address itself, the one that its page names, a usual place."""
    if looks_like_feed(front.body):
        return read_feed(front.body)
    for url in [*_named(front), *(urljoin(crawl.client.base(), path) for path in _USUAL)]:
        try:
            reply = crawl.client.get(url, "application/rss+xml, application/atom+xml, */*")
        except FetchError as error:
            if error.stop:
                raise
            continue
        if (feed := read_feed(reply.body)) is not None and feed.entries:
            return feed
    return None


def _named(front: Reply) -> Iterator[str]:
    from selectolax.lexbor import LexborHTMLParser

    document: Any = LexborHTMLParser(front.body.decode("utf-8", "replace")[:1_000_000])
    for link in document.css("link[href]"):
        attributes = link.attributes
        kind = (attributes.get("type") or "").lower()
        if "alternate" in (attributes.get("rel") or "").lower().split() and kind in _TYPES:
            try:
                url = urljoin(front.url, attributes.get("href") or "")
            except ValueError:
                continue
            # Comments have a feed of their own.
            if "comments" not in url:
                yield url


def read_entry(crawl: Crawl, entry: Entry) -> Iterator[Document | Dropped]:
    """An entry's text, or that of its page where the feed has the beginning only.

    Raises FetchError.
    """
    if entry.teaser and entry.link:
        date = entry.date or ""
        yield from page(crawl, entry.link, date, entry.title, entry.date, entry.identifier)
    else:
        raw_ref = entry.link or f"{crawl.client.base()}: {entry.title or 'an entry'}"
        yield from piece(
            entry.words.text,
            raw_ref,
            entry.title,
            entry.date,
            entry.words.quotes,
            document_id=entry.identifier,
        )
