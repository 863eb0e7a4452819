"""An address -> the records of what is published there.

Knows: which kind of source an address is. Does not know: how any is read (one module a kind).
Data: address -> `publication` -> `Publication`, fetched while its records are gone through.

A GitHub profile is recognized by its address, a Substack publication by its answers; any other
blog is read from its feed, and from its sitemap what the feed does not reach back to.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from inkling.corpus.crawling import feed, github, page, sitemap, substack_live
from inkling.corpus.crawling.client import Client, FetchError
from inkling.corpus.crawling.fetching import Crawl, each
from inkling.corpus.crawling.state import CrawlState
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.feed_entries import Feed
from inkling.corpus.importers.pieces import OTHERS
from inkling.corpus.importing.importer import ReadOptions
from inkling.errors import CorpusError

# Endings of files, some of which are endings of hosts as well.
_FILE_ENDING = re.compile(
    "csv|db|docx|eml|epub|gz|html?|ipynb|js|jsonl?|markdown|mbox|md|mov|mp3|mp4|odt|pages|pdf|pl|pub|"
    "py|rss|rtf|sh|sqlite|tar|te?xt?|txt|vcf|wav|wxr|xml|xlsx|zip",
    re.IGNORECASE,
)
_GITHUB_USER = re.compile(r"/([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/?")


@dataclass(frozen=True)
class Publication:
    """What an address turned out to be, and what is published there."""

    importer: str
    """The importer that reads the same from a file: substack, feed or github."""
    records: Iterator[Document | Dropped]
    """Fetched while they are gone through; once only. Ids are the importer's, as in its exports.
    Raises CorpusError where nothing can be fetched at all, OSError where the state cannot be
    written."""


def web_address(written: str) -> str | None:
    """The address that someone typed, in the form that names it; None where it is none (a path).

    Without a scheme only what cannot be a file's name is one.
    """
    address = written.strip()
    if "://" not in address:
        host = re.fullmatch(r"([\w.-]+\.([a-z]{2,}))(?:/\S*)?", address, re.IGNORECASE)
        if host is None or _FILE_ENDING.fullmatch(host[2]):
            return None
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    path = "" if parts.path == "/" else parts.path
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, parts.query, ""))


def crawl(
    address: str,
    options: ReadOptions,
    state: Path | None = None,
    client: Client | None = None,
) -> Iterator[Document | Dropped]:
    """The records of a `publication`; `state` is the file that remembers what was fetched."""
    yield from publication(address, options, CrawlState(state), client).records


def publication(
    address: str,
    options: ReadOptions,
    state: CrawlState,
    client: Client | None = None,
    on_page: Callable[[int, int], None] = lambda done, there: None,
) -> Publication:
    """Everything that is published at an address and is the author's.

    `state` remembers what was fetched, so that a crawl that was stopped continues; `client` is a
    visitor with other manners; `on_page` hears how many pages were read, of how many. Raises
    CorpusError where there is nothing that can be read.
    """
    found = web_address(address)
    if found is None:
        raise CorpusError(f"{address} is no address of the web. Write https://… in full.")
    with _explained(address):
        importer, records = _found_at(found, options, state, client, on_page)
    return Publication(importer, _records(address, importer, records))


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    try:
        yield
    except FetchError as error:
        raise CorpusError(
            f"{address} could not be read: {error}. Check the address in a browser, or try again "
            "later; what was fetched already is kept."
        ) from error


def _records(
    address: str, importer: str, records: Iterator[Document | Dropped]
) -> Iterator[Document | Dropped]:
    with _explained(address):
        for record in records:
            if isinstance(record, Document) and record.document_id is not None:
                record = replace(record, document_id=f"{importer}:{record.document_id}")
            yield record


def _found_at(
    address: str,
    options: ReadOptions,
    state: CrawlState,
    client: Client | None,
    on_page: Callable[[int, int], None],
) -> tuple[str, Iterator[Document | Dropped]]:
    parts = urlsplit(address)
    if parts.hostname in ("github.com", "www.github.com"):
        user = _GITHUB_USER.fullmatch(parts.path)
        if user is None:
            raise FetchError("only a profile is read, as in https://github.com/NAME")
        site = Crawl(client or github.client_for_api(), options, state, on_page)
        return "github", github.profile(site, user[1])
    site = Crawl(client or Client(address), options, state, on_page)
    front = site.client.get(address, "text/html, application/rss+xml, */*", missing=True)
    if substack_live.is_substack(site):
        return "substack", substack_live.posts(site)
    if front.status >= 400:
        raise FetchError(f"the site answered {front.status}")
    return "feed", _blog(site, feed.find_feed(site, front))


def _blog(site: Crawl, found: Feed | None) -> Iterator[Document | Dropped]:
    entries = list(found.entries) if found is not None else []
    # A name that no entry has is another platform's: then it tells nothing.
    known = any(site.options.is_me(entry.author) for entry in entries)
    pages: list[tuple[str, Callable[[], Iterator[Document | Dropped]]]] = []
    for entry in entries:
        if known and entry.author and not site.options.is_me(entry.author):
            yield Dropped(OTHERS, entry.link or site.client.base())
        else:
            pages.append((entry.link, functools.partial(feed.read_entry, site, entry)))
    in_feed = {entry.link.rstrip("/") for entry in entries}
    failure: FetchError | None = None
    try:
        for listed in sitemap.listed_pages(site):
            if listed.url.rstrip("/") not in in_feed:
                read = functools.partial(page.page, site, listed.url, listed.changed)
                pages.append((listed.url, read))
    except FetchError as error:
        if not entries:
            raise
        failure = error
    if not entries and not pages:
        raise FetchError("there is no feed and no sitemap, so its posts cannot be found")
    yield from each(site, pages, lambda one: one[0], lambda one: one[1]())
    if failure is not None:
        yield Dropped(f"older posts were not listed: {failure}", site.client.base())
