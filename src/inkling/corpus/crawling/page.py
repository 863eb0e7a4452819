"""One page of a blog as a document.

Knows: how a fetched page is remembered. Does not know: HTML, which pages there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.crawling.client import FetchError
from inkling.corpus.crawling.fetching import Crawl
from inkling.corpus.document import Document, Dropped
from inkling.corpus.html import html_to_text
from inkling.corpus.importers.pieces import OTHERS, piece
from inkling.corpus.importing.charset import decode


def page(
    crawl: Crawl,
    url: str,
    fingerprint: str,
    title: str | None = None,
    date: str | None = None,
    identifier: str | None = None,
) -> Iterator[Document | Dropped]:
    """The words of a page. `fingerprint` tells its version, where the site does; `title`, `date`
    and `identifier` are what its feed says of it. Raises FetchError."""
    fingerprint = fingerprint or crawl.state.visit
    text = crawl.state.get(f"page {url}", fingerprint)
    if not isinstance(text, str):
        reply = crawl.client.get(url, "text/html, application/xhtml+xml")
        kind = reply.headers.get("content-type", "text/html").lower()
        if "html" not in kind and "text/plain" not in kind:
            raise FetchError("not a page of text", trouble=False)
        found = decode(reply.body)
        if found is None:
            raise FetchError("not a page of text", trouble=False)
        text = found.text
        crawl.state.put(f"page {url}", fingerprint, text)
    words = html_to_text(text)
    if words.author and crawl.options.me and _names_another(crawl, words.author):
        yield Dropped(OTHERS, url)
        return
    yield from piece(
        words.text,
        url,
        title or words.title,
        date or words.date,
        words.quotes,
        document_id=identifier,
    )


def _names_another(crawl: Crawl, author: str) -> bool:
    """Whether a page's author is none of the names, alone or among others ("Ada and Cleo")."""
    named = author.replace(" and ", ",").replace("&", ",").replace(";", ",").split(",")
    return not any(crawl.options.is_me(name.strip()) for name in named)
