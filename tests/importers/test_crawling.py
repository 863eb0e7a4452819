"""Crawls of sites that this machine plays: publications, blogs, profiles, good and bad ones."""

# Answers are as long as sites write them.
# ruff: noqa: E501

from __future__ import annotations

import contextlib
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.crawling import substack_live
from inkling.corpus.crawling.client import Client, FetchError
from inkling.corpus.crawling.crawl import crawl, web_address
from inkling.corpus.crawling.robots import read_robots
from inkling.corpus.crawling.state import CrawlState
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers import github_profile
from inkling.corpus.importing.importer import ReadOptions
from inkling.errors import CorpusError
from tests.importers.reading import documents, dropped, records
from tests.importers.site import MISSING, Answer, Answering, Site, as_json, page, serving


def visitor(site: Site, waits: list[float] | None = None, **more: Any) -> Client:
    """A client that never really waits."""
    sleeps: list[float] = waits if waits is not None else []
    return Client(
        site.address, **{"timeout": 0.3, "sleep": sleeps.append, "clock": lambda: 0.0, **more}
    )


def found(site: Site, *me: str, state: Path | None = None, **more: Any) -> list[Document | Dropped]:
    client = visitor(site, **more)
    return list(crawl(site.address, ReadOptions.of(me), state, client))


def entry(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "slug": f"post-{number}", "title": f"Post {number}", "type": "newsletter",
        "audience": "everyone", "post_date": f"2024-01-01T{number // 60:02}:{number % 60:02}:00.000Z",
        "wordcount": 5, "publishedBylines": [{"name": "Wilma Example", "handle": "wilma"}], **more,
    }  # fmt: skip


def publication(
    entries: list[dict[str, Any]], change: Callable[[str], Answer | None] | None = None
) -> Answering:
    """A Substack: archive pages of at most 50, posts, a front page. `change` answers first."""

    def answer(path: str) -> Answer | None:
        if change is not None and (changed := change(path)) is not None:
            return changed
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        if parts.path == "/api/v1/archive":
            offset, limit = int(query["offset"][0]), min(50, int(query["limit"][0]))
            return as_json(entries[offset : offset + limit])
        if parts.path.startswith("/api/v1/posts/"):
            slug = parts.path.rpartition("/")[2]
            one = next((e for e in entries if e["slug"] == slug), None)
            if one is None:
                return MISSING
            body = one.get(
                "body",
                f"<p>These are the words {one['id']}.</p><div class='subscription-widget'>S</div>",
            )
            return as_json({**one, "body_html": body})
        return page("<html><body>front</body></html>") if parts.path == "/" else MISSING

    return answer


def test_a_whole_archive_is_read_page_by_page() -> None:
    """More than fifty posts, one request at a time, with a pause, under an honest name."""
    with serving(publication([entry(n) for n in range(120)])) as site:
        waits: list[float] = []
        result = list(crawl(site.address, ReadOptions(), None, visitor(site, waits)))
    assert [d.text for d in documents(list(result))] == [
        f"These are the words {n}." for n in range(120)
    ]
    first = documents(list(result))[1]
    assert (first.title, first.timestamp) == ("Post 1", "2024-01-01T00:01:00Z")
    assert first.raw_ref.endswith("/p/post-1")
    assert site.most_at_once == 1
    assert min(waits) == 1.0
    assert len(waits) == len(site.asked) - 1
    assert all(agent.startswith("Inkling/") for agent in site.agents)
    archive = [path for path in site.asked if "archive" in path and "limit=1&" not in path + "&"]
    assert [parse_qs(urlsplit(p).query)["offset"][0] for p in archive] == ["0", "50", "100", "120"]


def test_what_is_not_the_authors_or_not_whole_is_told() -> None:
    """Guests, podcasts, threads; a paid post that the site cut without a word."""
    entries = [
        entry(1), entry(2, publishedBylines=[{"name": "Amos", "handle": "amos"}]),
        entry(3, type="podcast"), entry(4, type="thread"),
        entry(5, audience="only_paid", wordcount=900, body="<p>Only the beginning</p>"),
        entry(6, audience="only_paid", wordcount=3, body="<p>all of it</p><blockquote>q</blockquote>"),
    ]  # fmt: skip
    with serving(publication(entries)) as site:
        result = found(site, "wilma")
        everybody = found(site, "somebody else")
    assert [d.text for d in documents(list(result))] == [
        "These are the words 1.", "Only the beginning", "all of it",
    ]  # fmt: skip
    assert dropped(list(result)) == {
        "written by someone else": 1, "a podcast": 1, "a discussion thread": 1,
        substack_live.CUT: 1, "quoted from someone else": 1,
    }  # fmt: skip
    assert len(documents(list(everybody))) == 4


def test_too_many_requests_are_waited_out() -> None:
    """Retry-After is obeyed; without it the waits grow; one that is too long ends the visit."""
    refusals = {
        "/api/v1/posts/post-1": [(429, {"Retry-After": "7"}, b""), (503, {}, b""), (500, {}, b"")]
    }

    def change(path: str) -> Answer | None:
        return refusals[path].pop(0) if refusals.get(path) else None

    waits: list[float] = []
    with serving(publication([entry(1), entry(2)], change)) as site:
        result = found(site, waits=waits)
        assert len(documents(list(result))) == 2
        assert 7.0 in waits
        assert {4.0, 8.0} <= set(waits)
        refusals["/api/v1/posts/post-1"] = [(429, {"Retry-After": "7200"}, b"")]
        result = found(site)
    assert not documents(list(result))
    assert dropped(list(result)) == {
        "not fetched: the site asks to come back in 120 minutes": 1,
        "not fetched yet (add the address again to go on)": 1,
    }


def test_a_crawl_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Nothing is fetched twice, except what changed; a torn line is no line."""
    state = tmp_path / "state" / "crawl.jsonl"
    down = {"on": True}

    def change(path: str) -> Answer | None:
        return (404, {}, b"") if down["on"] and path.endswith(("post-3", "post-4")) else None

    entries = [entry(n) for n in range(5)]
    with serving(publication(entries, change)) as site:
        first = found(site, state=state)
        assert len(documents(list(first))) == 3
        assert dropped(list(first)) == {"not fetched: the site answered 404": 2}
        with state.open("ab") as stream:
            stream.write(b'{"key": "torn')
        down["on"] = False
        site.asked.clear()
        assert len(documents(list(found(site, state=state)))) == 5
        assert sorted(p for p in site.asked if "/posts/" in p) == [
            "/api/v1/posts/post-3", "/api/v1/posts/post-4",
        ]  # fmt: skip
        entries[0]["wordcount"] = 6
        site.asked.clear()
        assert len(documents(list(found(site, state=state)))) == 5
        assert [p for p in site.asked if "/posts/" in p] == ["/api/v1/posts/post-0"]


def test_a_connection_that_hangs_ends() -> None:
    """A page that never answers is told, the others are read; a dead site is left after three."""
    hanging = {"post-1"}

    def answer(path: str) -> Answer | None:
        return None if path.rpartition("/")[2] in hanging else whole(path)

    whole = publication([entry(n) for n in range(6)])
    with serving(answer) as site:
        result = found(site, attempts=2)
        assert len(documents(list(result))) == 5
        assert dropped(list(result)) == {"not fetched: the site does not answer": 1}
        hanging |= {"post-2", "post-3"}
        result = found(site, attempts=1)
    assert dropped(list(result)) == {
        "not fetched: the site does not answer": 3,
        "not fetched yet (add the address again to go on)": 2,
    }


def test_a_publication_that_moved() -> None:
    """The first answer may name a new host; afterwards nothing leads anywhere else."""
    with serving(publication([entry(1)])) as new:
        elsewhere = new.address.replace("127.0.0.1", "localhost")

        def old(path: str) -> Answer:
            return 301, {"Location": f"{elsewhere}{path}"}, b""

        with serving(old) as site:
            result = found(site)
            (document,) = documents(list(result))
            assert document.raw_ref == f"{elsewhere}/p/post-1"
            assert len([path for path in site.asked if "robots" not in path]) == 1

        def later(path: str) -> Answer | None:
            moved = "/posts/" in path
            return (302, {"Location": f"{elsewhere}/x"}, b"") if moved else None

        with serving(publication([entry(1)], later)) as site:
            assert dropped(list(found(site))) == {
                "not fetched: it leads to another site (localhost)": 1
            }


def test_redirects_that_are_not_followed() -> None:
    """Circles, files, the local network."""
    with serving(lambda path: (302, {"Location": path}, b"")) as site:
        with pytest.raises(FetchError, match="without an end"):
            visitor(site).get(site.address + "/a")
        client = visitor(site)
        for url in ("file:///etc/passwd", "ftp://x.org/", "http://other.example.org/", "http://[x"):
            with pytest.raises(FetchError):
                client.get(url)
    with (
        serving(lambda path: (302, {"Location": "file:///etc/passwd"}, b"")) as site,
        pytest.raises(FetchError, match="no address of the web"),
    ):
        visitor(site).get(site.address)
    with serving(lambda path: (301, {"Location": "http://localhost:1/"}, b"")) as site:
        client = visitor(site)
        client._local = False
        with pytest.raises(FetchError, match="local network"):
            client.get(site.address)


def test_answers_that_are_too_much() -> None:
    """Too large, and too slow."""
    with serving(lambda path: page("x" * 5000)) as site:
        with pytest.raises(FetchError, match="larger than"):
            visitor(site, max_bytes=1000, attempts=1).get(site.address)
        ticks = iter(range(0, 10_000, 60))
        with pytest.raises(FetchError, match="too long"):
            visitor(site, clock=lambda: float(next(ticks)), total_timeout=50.0, attempts=1).get(
                site.address
            )


ROBOTS = """# comment
User-agent: other
Disallow: /

User-agent: *
Disallow: /private
Allow: /private/open
Disallow: /*.pdf$
Crawl-delay: 3
Sitemap: {site}/map.xml
"""


def test_robots_are_obeyed() -> None:
    """The longest rule decides; a delay is kept; what is refused is told."""
    rules = read_robots(ROBOTS)
    assert [rules.allows(path) for path in ("/", "/private/x", "/private/open/x", "/a.pdf", "/a.pdfx")] == [
        True, False, True, False, True,
    ]  # fmt: skip
    assert not read_robots(
        "user-agent: inkling\nuser-agent: b\ndisallow: /\n\nuser-agent: *\nallow: /"
    ).allows("/x")
    assert read_robots("User-agent: *\nDisallow:").allows("/x")
    assert not read_robots("User-agent: *\nDisallow: " + "*a" * 1000).allows("/" + "a" * 1001)

    def change(path: str) -> Answer | None:
        if path == "/robots.txt":
            return page("User-agent: *\nDisallow: /api/v1/posts/\nCrawl-delay: 9\n", "text/plain")
        return None

    waits: list[float] = []
    with serving(publication([entry(1)], change)) as site:
        assert dropped(list(found(site, waits=waits))) == {
            "not fetched: the site asks programs not to fetch it (robots.txt)": 1
        }
    assert 9.0 in waits
    with (
        serving(lambda path: (503, {}, b"")) as site,
        pytest.raises(CorpusError, match="again and again"),
    ):
        found(site)


FEED = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>B</title>
<item><title>Whole</title><link>{site}/whole</link><dc:creator>Wilma</dc:creator>
<content:encoded><![CDATA[<p>All of it.</p>]]></content:encoded></item>
<item><title>Cut</title><link>{site}/cut</link><dc:creator>Wilma</dc:creator><description>Begin…</description></item>
<item><title>Guest</title><link>{site}/guest</link><dc:creator>Amos</dc:creator>
<content:encoded>By Amos.</content:encoded></item></channel></rss>"""


def blog(path: str, site: str) -> Answer:
    pages = {
        "/": '<head><link rel="alternate" type="application/rss+xml" href="/my-feed"></head>front',
        "/cut": "<article><h1>Cut</h1><p>Beginning and end.</p></article>",
        "/older": '<meta name="author" content="Amos and Wilma"><main>Older words.</main>',
        "/by-amos": '<meta name="author" content="Amos"><main>Not mine.</main>',
    }
    if path in pages:
        return page(pages[path])
    if path == "/my-feed":
        return page(FEED.format(site=site), "application/rss+xml")
    if path == "/robots.txt":
        return page(f"User-agent: *\nSitemap: {site}/map.xml\n", "text/plain")
    if path == "/map.xml":
        return page(
            f"<sitemapindex><sitemap><loc>{site}/post-map.xml.gz</loc></sitemap>"
            f"<sitemap><loc>{site}/tag-map.xml</loc></sitemap></sitemapindex>"
        )
    if path == "/post-map.xml.gz":
        urls = ["/", "/whole", "/cut/", "/guest", "/older", "/by-amos", "/tag/x", "/gone", "/a.pdf"]
        listed = "".join(
            f"<url><loc>{site}{url}</loc><lastmod>2024-01-01</lastmod></url>" for url in urls
        )
        more = "<url><loc>https://other.example.org/x</loc></url>"
        body = gzip.compress(f"<urlset>{listed}{more}</urlset>".encode())
        return 200, {"Content-Type": "application/gzip"}, body
    return MISSING


def test_a_blog_is_read_from_its_feed_and_its_sitemap(tmp_path: Path) -> None:
    """Teasers are fetched, older posts found, guests left out; nothing is fetched twice."""
    holder: list[str] = []
    with serving(lambda path: blog(path, holder[0])) as site:
        holder.append(site.address)
        result = found(site, "Wilma", state=tmp_path / "s")
        assert [(d.title, d.text) for d in documents(list(result))] == [
            ("Whole", "All of it."), ("Cut", "Cut\n\nBeginning and end."), (None, "Older words."),
        ]  # fmt: skip
        assert dropped(list(result)) == {
            "written by someone else": 2, "not fetched: the site answered 404": 1,
        }  # fmt: skip
        site.asked.clear()
        found(site, "Wilma", state=tmp_path / "s")
        assert "/older" not in site.asked
        assert "/tag-map.xml" not in site.asked


def test_sites_without_anything() -> None:
    """One sentence that says what to do."""
    with (
        serving(lambda path: page("words") if path == "/" else MISSING) as site,
        pytest.raises(CorpusError, match="no feed and no sitemap"),
    ):
        found(site)
    with serving(lambda path: MISSING) as site, pytest.raises(CorpusError, match="answered 404"):
        found(site)
    with pytest.raises(CorpusError, match="no address"):
        list(crawl("a folder/name", ReadOptions()))
    with pytest.raises(CorpusError, match="only a profile"):
        list(crawl("https://github.com/wilma/repository", ReadOptions()))


def repo(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "full_name": f"wilma/{name}", "html_url": f"https://github.com/wilma/{name}",
            "description": f"About {name} 🐖", "fork": False, "pushed_at": "2024-05-06T07:08:09Z",
            **more}  # fmt: skip


def github(repos: list[dict[str, Any]], limit: int = 10_000) -> Answering:
    """The interface: pages of two, a limit of requests."""
    left = [limit]
    base: list[str] = []

    def answer(path: str) -> Answer:
        if path.startswith("base:"):
            base.append(path[5:])
            return MISSING
        left[0] -= 1
        if left[0] < 0:
            reset = str(int(time.time()) + 1800)
            return 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, b"{}"
        parts = urlsplit(path)
        if parts.path == "/users/wilma/repos":
            number = int(parse_qs(parts.query).get("page", ["1"])[0])
            following = (
                f'<{base[0]}/users/wilma/repos?page={number + 1}>; rel="next", <x>; rel="last"'
            )
            more = {"Link": following} if 2 * number < len(repos) else {}
            return as_json(repos[2 * number - 2 : 2 * number], **more)
        if parts.path == "/repos/wilma/tea/readme":
            return page("# Tea\n\n![b](b.svg) [Hot](x.y) water.\n> quoted\n", "text/plain")
        return MISSING

    return answer


def profile(answer: Answering, user: str = "wilma") -> list[Document | Dropped]:
    with serving(answer) as site:
        answer(f"base:{site.address}")
        client = visitor(site, obey_robots=False)
        return list(crawl(f"https://github.com/{user}", ReadOptions(), None, client))


REPOS = [
    repo("tea"),
    repo("pier"),
    repo("copied", fork=True),
    repo("empty", description=None),
    repo("pigs"),
]


def test_a_github_profile_page_by_page() -> None:
    """Names, descriptions and READMEs; forks are others' work."""
    result = profile(github(REPOS))
    assert [(d.title, d.text, d.timestamp) for d in documents(list(result))] == [
        ("tea", "tea\nAbout tea 🐖\n\n# Tea\n\nHot water.", "2024-05-06T07:08:09Z"),
        ("pier", "pier\nAbout pier 🐖", "2024-05-06T07:08:09Z"),
        ("pigs", "pigs\nAbout pigs 🐖", "2024-05-06T07:08:09Z"),
    ]
    assert dropped(list(result)) == {
        "a fork of someone else's repository": 1, "a repository without words": 1,
        "quoted from someone else": 1,
    }  # fmt: skip


def test_githubs_limit_of_requests() -> None:
    """What is left is told, with the time; also when the list itself is cut."""
    result = profile(github(REPOS, limit=4))
    assert len(documents(list(result))) == 1
    assert dropped(list(result)) == {
        "a fork of someone else's repository": 1, "quoted from someone else": 1,
        "not fetched: GitHub's limit of requests is used up, come back in 30 minutes": 1,
        "not fetched yet (add the address again to go on)": 2,
    }  # fmt: skip
    with pytest.raises(CorpusError, match="come back in 30 minutes"):
        profile(github(REPOS, limit=0))
    with pytest.raises(CorpusError, match="no such user"):
        profile(lambda path: MISSING, "nobody")


def test_a_saved_reply_of_github() -> None:
    """A list, a search, one repository; damaged ones are told."""
    for content in (REPOS, {"items": REPOS}):
        result = records(github_profile.IMPORTER, {"repos.json": json.dumps(content)})
        assert [d.title for d in documents(result)] == ["tea", "pier", "pigs"]
    result = records(github_profile.IMPORTER, {"r.json": json.dumps(repo("tea", readme="*x*"))})
    assert [d.text for d in documents(result)] == ["tea\nAbout tea 🐖\n\n*x*"]
    cut = json.dumps(REPOS)[:-5]
    assert dropped(records(github_profile.IMPORTER, {"r.json": cut})) == {"damaged, not JSON": 1}


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("wilma.example.org", "https://wilma.example.org"),
        ("https://x.org/a", "https://x.org/a"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("notes", None), ("notes/a.md", None), ("C:\\x", None), ("ftp://x.org", None),
        ("http://x:y:z", None), ("http://[", None),
    ],
)  # fmt: skip
def test_addresses(written: str, address: str | None) -> None:
    """Typed with and without a scheme; paths are none."""
    assert web_address(written) == address


@given(st.binary(max_size=60), st.sampled_from([200, 301, 404, 429, 500]))
@settings(max_examples=25, deadline=None)
def test_any_answer_gives_a_result_or_one_sentence(body: bytes, status: int) -> None:
    """Whatever a site says."""
    with (
        serving(
            lambda path: (status, {"Location": "/x", "Content-Type": "text/html"}, body)
        ) as site,
        contextlib.suppress(CorpusError),
    ):
        found(site, attempts=1)


@given(
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=20)), max_size=8),
    st.integers(0, 30),
)
@settings(max_examples=40, deadline=None)
def test_what_was_fetched_survives_a_kill(puts: list[tuple[str, str, str]], cut: int) -> None:
    """Every value that was written whole is found again, wherever the file was cut."""
    path = Path("state.jsonl")
    path.unlink(missing_ok=True)
    state = CrawlState(path)
    for key, fingerprint, value in puts:
        state.put(key, fingerprint, value)
    last = {key: (fingerprint, value) for key, fingerprint, value in puts}
    for key, (fingerprint, value) in last.items():
        assert CrawlState(path).get(key, fingerprint) == value
        assert CrawlState(path).get(key, fingerprint + "x") is None
    if puts:
        path.write_bytes(path.read_bytes()[:-cut] if cut else path.read_bytes())
        CrawlState(path).put("new", "f", "v")
        assert CrawlState(path).get("new", "f") == "v"
