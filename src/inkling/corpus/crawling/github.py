"""A GitHub profile: names and descriptions of someone's repositories, and their READMEs.

Knows: the public interface, its pages and its limit of requests. Does not know: Markdown.
Forks are other people's work; they are counted, not read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from inkling.corpus.crawling.client import Client, FetchError, Reply
from inkling.corpus.crawling.fetching import Crawl, each, json_of, string
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.github_profile import repository, repository_records

API = "https://api.github.com"
_NEXT = re.compile(r'<([^<>]{1,2000})>;[^,]{0,100}rel="next"')
_MAX_PAGES = 100


def client_for_api(api: str = API) -> Client:
    """A visitor of the interface, which is made for programs and has no robots.txt for them."""
    return Client(api, obey_robots=False)


def profile(crawl: Crawl, user: str) -> Iterator[Document | Dropped]:
    """Every repository of a user. Raises FetchError where the list cannot be read at all."""
    rows, failure = _repositories(crawl, user)
    own: list[dict[str, Any]] = []
    for row in rows:
        found = repository(row)
        if isinstance(found, Dropped):
            yield found
        else:
            own.append(found)
    yield from each(
        crawl, own, lambda row: string(row, "html_url"), lambda row: _with_readme(crawl, row)
    )
    if failure is not None:
        yield Dropped(f"more repositories were not listed: {failure}", user)


def _repositories(crawl: Crawl, user: str) -> tuple[list[Any], FetchError | None]:
    base = crawl.client.base()
    url: str | None = f"{base}/users/{quote(user, safe='')}/repos?per_page=100&sort=full_name"
    found: list[Any] = []
    for _ in range(_MAX_PAGES):
        if url is None:
            break
        try:
            reply = _get(crawl, url, "application/vnd.github+json")
            rows = json_of(reply)
        except FetchError as error:
            if not found:
                raise
            return found, error
        if not isinstance(rows, list):
            raise FetchError("the answer is no list of repositories")
        found.extend(rows)
        following = _NEXT.search(reply.headers.get("link", ""))
        url = following[1] if following else None
    return found, None


def _with_readme(crawl: Crawl, row: dict[str, Any]) -> Iterator[Document | Dropped]:
    name = string(row, "full_name")
    fingerprint = f"{string(row, 'pushed_at')}|{string(row, 'updated_at')}"
    text = crawl.state.get(f"github {name}", fingerprint)
    if not isinstance(text, str):
        url = f"{crawl.client.base()}/repos/{quote(name)}/readme"
        reply = _get(crawl, url, "application/vnd.github.raw+json", missing=True)
        # Without a README there is the description.
        text = reply.body.decode("utf-8", "replace") if reply.status == 200 else ""
        crawl.state.put(f"github {name}", fingerprint, text)
    yield from repository_records(row, text)


def _get(crawl: Crawl, url: str, accept: str, missing: bool = False) -> Reply:
    """An answer. Raises FetchError, also where the limit of requests is used up."""
    reply = crawl.client.get(url, accept, missing=True)
    if reply.status in (403, 429) and reply.headers.get("x-ratelimit-remaining") == "0":
        reset = reply.headers.get("x-ratelimit-reset", "")
        seconds = int(reset[:12]) - time.time() if reset.isdecimal() else 3600.0
        minutes = max(1, round(seconds / 60))
        raise FetchError(
            f"GitHub's limit of requests is used up, come back in {minutes} minutes", stop=True
        )
    if reply.status == 404 and not missing:
        raise FetchError("GitHub knows no such user")
    if reply.status >= 400 and not (missing and reply.status == 404):
        raise FetchError(f"GitHub answered {reply.status}")
    return reply
