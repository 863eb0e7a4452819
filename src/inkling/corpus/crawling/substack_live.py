"""A publication on Substack, as everybody can read it.

Knows: the interface that the publication's own page uses, which posts it cuts. Does not know:
HTML (`importers/substack_html.py`), politeness (`client.py`).
Data: pages of the archive -> entries -> posts -> documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from inkling.corpus.crawling.client import FetchError
from inkling.corpus.crawling.fetching import Crawl, each, json_of, string
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.pieces import OTHERS, piece
from inkling.corpus.importers.substack import OTHER_TYPES
from inkling.corpus.importers.substack_html import post_words
from inkling.corpus.importing.times import from_post

PAGE = 50  # more are not given at once
CUT = "the rest of a paid post (an export holds it whole)"
# A post that has less of its words than this is cut; other ways to count words differ less.
_WHOLE = 0.75


def is_substack(crawl: Crawl) -> bool:
    """Whether the site answers as a publication does. Raises FetchError where it is down."""
    try:
        entries = _page(crawl, 0, 1)
    except FetchError as error:
        if error.stop:
            raise
        return False
    return entries is not None


def _page(crawl: Crawl, offset: int, limit: int) -> list[Any] | None:
    """Entries of the archive; None where the answer is none of Substack's."""
    url = f"{crawl.client.base()}/api/v1/archive?sort=new&offset={offset}&limit={limit}"
    entries = json_of(crawl.client.get(url, "application/json"))
    if not isinstance(entries, list):
        return None
    known = all(isinstance(entry, dict) and "slug" in entry for entry in entries)
    return entries if known else None


def posts(crawl: Crawl) -> Iterator[Document | Dropped]:
    """Every post of the archive. Raises FetchError where the archive cannot be read at all."""
    entries, failure = _archive(crawl)
    chosen: list[Any] = []
    mine = any(_is_by(entry, crawl) for entry in entries)
    for entry in entries:
        kind = string(entry, "type")
        if mine and not _is_by(entry, crawl):
            yield Dropped(OTHERS, _url(entry, crawl))
        elif kind in OTHER_TYPES and (kind == "restack" or not crawl.options.drafts):
            yield Dropped(OTHER_TYPES[kind], _url(entry, crawl))
        else:
            chosen.append(entry)
    yield from each(
        crawl, chosen, lambda entry: _url(entry, crawl), lambda entry: _post(entry, crawl)
    )
    if failure is not None:
        yield Dropped(f"older posts were not listed: {failure}", crawl.client.base())


def _archive(crawl: Crawl) -> tuple[list[Any], FetchError | None]:
    """All entries, each once, newest first, and why there may be more."""
    found: dict[str, Any] = {}
    offset = 0
    while True:
        try:
            entries = _page(crawl, offset, PAGE)
        except FetchError as error:
            if not found:
                raise
            return list(found.values()), error
        # A post that is published meanwhile moves the others: one may come twice.
        new = {string(entry, "slug"): entry for entry in entries or []}
        if not new.keys() - found.keys():
            return list(found.values()), None
        for slug, entry in new.items():
            found.setdefault(slug, entry)
        offset += len(entries or [])


def _is_by(entry: Any, crawl: Crawl) -> bool:
    bylines = entry.get("publishedBylines")
    return isinstance(bylines, list) and any(
        crawl.options.is_me(string(one, "name"), string(one, "handle")) for one in bylines
    )


def _url(entry: Any, crawl: Crawl) -> str:
    return f"{crawl.client.base()}/p/{quote(string(entry, 'slug'), safe='')}"


def _post(entry: Any, crawl: Crawl) -> Iterator[Document | Dropped]:
    slug = string(entry, "slug")
    # What the archive says of a post: if that stays, so does the post.
    said = ("id", "title", "subtitle", "post_date", "updated_at", "wordcount", "audience")
    fingerprint = "|".join(str(entry.get(key)) for key in said)
    post = crawl.state.get(f"substack {_url(entry, crawl)}", fingerprint)
    if post is None:
        url = f"{crawl.client.base()}/api/v1/posts/{quote(slug, safe='')}"
        answer = json_of(crawl.client.get(url, "application/json"))
        if not isinstance(answer, dict):
            raise FetchError("the answer is no post")
        kept = ("title", "post_date", "body_html", "wordcount", "audience", "canonical_url")
        post = {key: answer.get(key) for key in kept}
        crawl.state.put(f"substack {_url(entry, crawl)}", fingerprint, post)
    words = post_words(string(post, "body_html"))
    title = string(post, "title") or string(entry, "title")
    date = from_post(string(post, "post_date") or string(entry, "post_date"))
    raw_ref = _url(entry, crawl)
    count = post.get("wordcount") or entry.get("wordcount")
    audience = string(post, "audience") or string(entry, "audience")
    paid = audience not in ("", "everyone")
    whole = isinstance(count, int) and len(words.text.split()) >= _WHOLE * count
    # The platform counts quotes and captions, too: of a free post nothing is missing.
    cut = paid and not whole
    # As in the publication's export. What is cut must not take the place of the whole.
    number = None if cut else str(entry.get("id") or "") or None
    yield from piece(words.text, raw_ref, title or None, date, words.quotes, document_id=number)
    if cut:
        yield Dropped(CUT, raw_ref)
