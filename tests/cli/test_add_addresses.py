"""`inkling add URL`: a blog, a publication and a profile on a site that this machine plays."""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import inkling as library
from inkling.cli import add as add_command
from inkling.cli import add_progress
from inkling.corpus.crawling import crawl, github
from inkling.corpus.crawling.client import Client
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError
from inkling.workflows.addresses import short_name, target_of
from inkling.workspace import Workspace
from tests.conftest import Result
from tests.importers.site import Answer, Site, serving
from tests.importers.test_crawling import REPOS, blog, entry, publication
from tests.importers.test_crawling import github as github_site

Inkling = Callable[..., Result]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the site of a test."""
    client = functools.partial(Client, pause=0.0, sleep=lambda seconds: None)
    monkeypatch.setattr(crawl, "Client", client)


def texts(workspace: str = "w") -> list[str]:
    with CorpusStore(Path(workspace) / "corpus.db") as store:
        return sorted(document.text for document in store.documents())


def posts_asked(site: Site) -> list[str]:
    asked = [path.rpartition("/")[2] for path in site.asked if "/posts/" in path]
    site.asked.clear()
    return asked


def test_an_address_is_a_source_of_its_own(inkling: Inkling) -> None:
    """Named by itself; a second time only what is new is fetched and added."""
    inkling("init", "w")
    entries = [entry(number) for number in range(3)]
    with serving(publication(entries)) as site:
        added = inkling("add", f"{site.address}/", "-w", "w")
        assert added.out == f"{site.address}: 3 documents, 66 characters\n"
        assert posts_asked(site) == ["post-0", "post-1", "post-2"]
        entries.insert(0, entry(3))
        result = json.loads(inkling("add", site.address, "-w", "w", "--json").out)[site.address]
        assert (result["documents"], result["already_there"], result["found"]) == (1, 3, 4)
        assert posts_asked(site) == ["post-3"]
        (source,) = json.loads(inkling("corpus", "--json", "-w", "w").out)
        assert (source["source"], source["kind"]) == (site.address, "substack")
        assert "1 document" in inkling("corpus", "forget", "--document", f"{site.address}/p/post-1",
                                       "-w", "w", "--yes").out  # fmt: skip
    assert texts() == [f"These are the words {number}." for number in (0, 2, 3)]
    assert not Workspace(Path("w").resolve()).crawls_path.exists()


def test_a_crawl_that_was_killed_goes_on(inkling: Inkling) -> None:
    """kill -9 in the middle: nothing is stored, what was fetched is not asked for again."""
    inkling("init", "w")
    hanging = {"post-3"}
    entries = [entry(number) for number in range(5)]

    def answer(path: str) -> Answer | None:
        return None if path.rpartition("/")[2] in hanging else whole(path)

    whole = publication(entries)
    program = (
        "import functools, sys\nfrom inkling.cli.main import main\n"
        "from inkling.corpus.crawling import crawl\n"
        "crawl.Client = functools.partial(crawl.Client, pause=0.0)\n"
        "sys.exit(main(['add', sys.argv[1], '-w', 'w']))"
    )
    with serving(answer) as site:
        process = subprocess.Popen([sys.executable, "-c", program, site.address])
        deadline = time.monotonic() + 60
        while not any(path.endswith("post-3") for path in site.asked):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert texts() == []
        hanging.clear()
        site.asked.clear()
        assert "5 documents" in inkling("add", site.address, "-w", "w").out
        assert posts_asked(site) == ["post-3", "post-4"]
    assert len(texts()) == 5


def test_a_person_sees_what_is_published_and_is_asked(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the preview fetched is not fetched again, by either answer; a guest's post is told."""
    monkeypatch.setattr(add_command, "is_terminal", lambda stream: True)
    monkeypatch.setattr(add_progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(add_progress, "PLAIN_SECONDS", 0.0)
    inkling("init", "w")
    guest = entry(2, publishedBylines=[{"name": "Amos", "handle": "amos"}])
    with serving(publication([entry(0), entry(1), guest])) as site:
        monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
        shown = inkling("add", site.address, "--me", "Wilma Example", "-w", "w").out
        assert f"{site.address}: {site.address} (Substack)" in shown
        assert "  1 of 2 pages" in shown
        assert "2 documents, 44 characters, 2024-01-01" in shown
        assert "left out 1: written by someone else" in shown
        assert "Nothing was added." in shown
        assert posts_asked(site) == ["post-0", "post-1"]
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert "2 documents" in inkling("add", site.address, "--me", "wilma", "-w", "w").out
        assert posts_asked(site) == []
        # The name is remembered: the guest's post stays out.
        assert "(2 already there)" in inkling("add", site.address, "--yes", "-w", "w").out
    assert len(texts()) == 2


def test_a_blog_whose_pages_tell_no_date(inkling: Inkling) -> None:
    """Each is fetched once in a crawl, and again in the next: it may have changed."""
    inkling("init", "w")
    holder: list[str] = []

    def answer(path: str) -> Answer | None:
        status, headers, body = blog(path, holder[0])
        if path == "/map.xml":
            body = f"<urlset><url><loc>{holder[0]}/older</loc></url></urlset>".encode()
        return status, headers, body

    with serving(answer) as site:
        holder.append(site.address)
        inkling("add", site.address, "--me", "Wilma", "-w", "w")
        assert texts() == ["All of it.", "Cut\n\nBeginning and end.", "Older words."]
        assert "/older" in site.asked
        site.asked.clear()
        assert "(3 already there)" in inkling("add", site.address, "-w", "w").out
        assert "/older" in site.asked
        (state,) = Workspace(Path("w").resolve()).crawls_path.iterdir()
        assert len(state.read_bytes().splitlines()) == 3


def test_a_profile_and_files_together(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses and paths in one command, and in one call of the library."""
    inkling("init", "w")
    Path("notes.md").write_text("Words of a note.")
    answer = github_site(REPOS)
    with serving(answer) as site:
        answer(f"base:{site.address}")
        client = functools.partial(Client, site.address, pause=0.0, obey_robots=False)
        monkeypatch.setattr(github, "client_for_api", client)
        results = library.add(
            Workspace(Path("w").resolve()), ["notes.md", "github.com/wilma", Path("notes.md")]
        )
    assert [(name, result.documents) for name, result in results.items()] == [
        (str(Path("notes.md").resolve()), 1), ("https://github.com/wilma", 3),
    ]  # fmt: skip


def test_too_many_requests_end_in_a_sentence(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was fetched until then is added, and the rest when the address is added again."""
    inkling("init", "w")
    refusing = {"on": True}

    def change(path: str) -> Answer | None:
        refused = refusing["on"] and path.endswith("post-1")
        return (429, {"Retry-After": "7200"}, b"") if refused else None

    with serving(publication([entry(0), entry(1), entry(2)], change)) as site:
        out = inkling("add", site.address, "-w", "w").out
        assert "left out 1: not fetched: the site asks to come back in 120 minutes" in out
        assert "left out 1: not fetched yet (add the address again to go on)" in out
        refusing["on"] = False
        posts_asked(site)
        assert "2 documents" in inkling("add", site.address, "-w", "w").out
        assert posts_asked(site) == ["post-1", "post-2"]
    down = inkling("add", site.address, "-w", "w")
    assert down.status == 1
    assert "could not be read: the connection was refused or cut" in down.err
    assert "Traceback" not in down.err
    waits: list[float] = []
    monkeypatch.setattr(crawl, "Client", functools.partial(Client, sleep=waits.append))
    nowhere = inkling("add", "https://no-such-site.invalid", "-w", "w")
    assert "could not be read: there is no such site" in nowhere.err
    assert waits == []


def test_what_is_an_address(inkling: Inkling) -> None:
    """What lies there is a path; a misspelled file is no address."""
    Path("notes.org").mkdir()
    assert target_of("notes.org") == Path("notes.org")
    assert target_of("wilma.example.org/") == "https://wilma.example.org"
    assert target_of("HTTPS://Wilma.Example.org/Blog#top") == "https://wilma.example.org/Blog"
    assert target_of("exprt.zip") == Path("exprt.zip")
    assert target_of(Path("example.org")) == Path("example.org")
    names = ("www.wilma.org/x", "github.com/ada", "a/b.txt")
    assert [short_name(target_of(name)) for name in names] == ["wilma", "ada", "b"]
    inkling("init", "w")
    assert "There is nothing at exprt.zip" in inkling("add", "exprt.zip", "-w", "w").err
    with pytest.raises(UsageError, match="--as is for files"):
        library.add(Workspace(Path("w").resolve()), ["https://example.org"], importer="substack")


def test_start_takes_an_address(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace is called as the publication is."""
    monkeypatch.setattr("inkling.cli.start._train_and_serve", lambda *arguments: None)
    with serving(publication([entry(0)])) as site:
        started = inkling("start", site.address, "--yes", "--no-serve")
    assert "1 document, 22 characters" in started.out
    assert "There is nothing at nowhere.txt" in inkling("start", "nowhere.txt", "--yes").err
