"""What every live source does: fetch or remember, and tell what could not be fetched.

Knows: when to give up on a site. Does not know: formats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from inkling.corpus.crawling.client import Client, FetchError, Reply
from inkling.corpus.crawling.state import CrawlState
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importing.importer import ReadOptions

Value = TypeVar("Value")

FAILURES = 3
"""Pages in a row that fail before the rest is left for another time."""


@dataclass(frozen=True)
class Crawl:
    """One visit of a site."""

    client: Client
    options: ReadOptions
    state: CrawlState
    on_page: Callable[[int, int], None] = lambda done, there: None
    """Hears how many pages were read, of how many there are."""


NOT_YET = "not fetched yet (add the address again to go on)"
"""Of pages that were not asked for any more."""


def each(
    crawl: Crawl,
    pages: list[Value],
    url_of: Callable[[Value], str],
    read: Callable[[Value], Iterator[Document | Dropped]],
) -> Iterator[Document | Dropped]:
    """Read every page; a page that fails is reported, and a site that keeps failing is left."""
    failures = 0
    for number, page in enumerate(pages):
        try:
            yield from read(page)
            failures = 0
        except FetchError as error:
            failures += error.trouble
            yield Dropped(f"not fetched: {error}", url_of(page))
            if error.stop or failures == FAILURES:
                rest = len(pages) - number - 1
                if rest:
                    yield Dropped(NOT_YET, crawl.client.base(), rest)
                return
        crawl.on_page(number + 1, len(pages))


def json_of(reply: Reply) -> Any:
    """An answer in JSON. Raises FetchError where it is none."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise FetchError("the answer is no JSON") from error


def string(row: Any, key: str) -> str:
    """A text in an object of JSON, "" where there is none."""
    value = row.get(key) if isinstance(row, dict) else None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
