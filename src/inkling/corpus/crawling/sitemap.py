"""The pages that a site lists for search engines.

Knows: sitemaps, their indexes, compressed ones (sitemaps.org), which pages are lists of posts.
Does not know: pages (`page.py`). Addresses are found by their tags: no XML parser, no entities.
"""

from __future__ import annotations

import html
import re
import zlib
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from inkling.corpus.crawling.client import FetchError
from inkling.corpus.crawling.fetching import Crawl

MAX_SITEMAPS = 50
MAX_PAGES = 20_000
_MAX_CHARACTERS = 50_000_000

_ENTRY = re.compile(r"<(url|sitemap)\b[^<>]*+>")
_LOC = re.compile(r"<loc>\s*+(?:<!\[CDATA\[)?([^<>\]\s]{1,2000})")
_LASTMOD = re.compile(r"<lastmod>\s*+([0-9TZ:+.\-]{4,40})")
_LISTS = re.compile(
    r"/(?:tags?|categor(?:y|ies)|authors?|topics?|page|feed|search|archives?|comments)(?:/|$)|"
    r"\.(?:xml|pdf|jpe?g|png|gif|webp|svg|mp3|mp4|zip|json|txt)$",
    re.IGNORECASE,
)


class ListedPage(NamedTuple):
    """A page, and when it changed, as written."""

    url: str
    changed: str


def listed_pages(crawl: Crawl) -> list[ListedPage]:
    """Pages that may be posts, in the order of the sitemap; none where there is no sitemap."""
    waiting = [
        *crawl.client.rules(crawl.client.base()).sitemaps,
        urljoin(crawl.client.base(), "/sitemap.xml"),
    ]
    seen: set[str] = set()
    pages: dict[str, str] = {}
    while waiting and len(seen) < MAX_SITEMAPS and len(pages) < MAX_PAGES:
        url = waiting.pop(0)
        if url in seen:
            continue
        seen.add(url)
        try:
            text = _text(crawl.client.get(url, "application/xml, text/xml, */*").body)
        except FetchError as error:
            if error.stop:
                raise
            continue
        inner = []
        for kind, found in _entries(text):
            if kind == "sitemap":
                inner.append(found.url)
            elif crawl.client.is_of_site(found.url) and not _is_list(found.url):
                pages.setdefault(found.url, found.changed)
        # WordPress lists posts, pages, tags and people apart.
        waiting.extend([one for one in inner if "post" in one.rpartition("/")[2]] or inner)
    return [ListedPage(url, changed) for url, changed in list(pages.items())[:MAX_PAGES]]


def _text(body: bytes) -> str:
    if body.startswith(b"\x1f\x8b"):
        try:
            body = zlib.decompressobj(31).decompress(body, _MAX_CHARACTERS)
        except zlib.error as error:
            raise FetchError("a damaged sitemap") from error
    return body[:_MAX_CHARACTERS].decode("utf-8", "replace")


def _entries(text: str) -> list[tuple[str, ListedPage]]:
    marks = [(mark[1], mark.end()) for mark in _ENTRY.finditer(text)]
    found = []
    for number, (kind, start) in enumerate(marks):
        stop = marks[number + 1][1] if number + 1 < len(marks) else len(text)
        location = _LOC.search(text, start, stop)
        if location is not None:
            changed = _LASTMOD.search(text, start, stop)
            url = html.unescape(location[1])
            found.append((kind, ListedPage(url, changed[1] if changed else "")))
    return found


def _is_list(url: str) -> bool:
    path = urlsplit(url).path
    return path in ("", "/") or _LISTS.search(path) is not None
