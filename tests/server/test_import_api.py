"""The imports API over real HTTP: files as they are exported, sent, asked about, added; refusals,
cancelling, and a server that is killed."""

from __future__ import annotations

import io
import json
import shutil
import signal
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from inkling.corpus.store import CorpusStore
from inkling.server.sent_files import ImportBusyError, SentFiles
from inkling.unfinished import leftovers
from inkling.workspace import Workspace
from tests.importers.site import MISSING, page, serving
from tests.server.conftest import (
    PATIENCE,
    Inside,
    Server,
    once,
    server_inside,
    start_server,
    stop_server,
)

CHAT = (
    "12/01/2024, 10:11 - Messages and calls are end-to-end encrypted.\n"
    "12/01/2024, 10:12 - Ada: shall we walk to the sea?\n"
    "12/01/2024, 10:13 - Cleo: yes, and bring cake\n"
    "12/01/2024, 10:14 - Bo: <Media omitted>\n"
    "12/01/2024, 10:15 - Bo: I bring the dog 🐕\n"
    "12/01/2024, 10:16 - Ada: then we are three and a half\n"
)
LATER = CHAT + "13/01/2024, 09:00 - Ada: what a day that was\n"
GROUP = "WhatsApp Chat with Sea Walkers.txt"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "wilma")


@pytest.fixture
def api(workspace: Workspace) -> Iterator[Inside]:
    with server_inside(workspace) as running:
        yield running


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def call(server: Server | Inside, method: str, path: str = "", **sent: Any) -> httpx.Response:
    return httpx.request(method, f"{server.url}api/imports{path}", timeout=PATIENCE, **sent)


def begin(server: Server | Inside, files: Mapping[str, bytes]) -> str:
    """Announce files; the import's id."""
    listed = [{"path": path, "size": len(content)} for path, content in files.items()]
    response = call(server, "POST", json={"files": listed})
    assert response.status_code == 201, response.text
    assert response.json()["state"] == "sending"
    return str(response.json()["id"])


def reached(server: Server | Inside, name: str, *states: str) -> Any:
    """The import once it is in one of these states."""
    once(lambda: call(server, "GET", f"/{name}").json()["state"] in states)
    return call(server, "GET", f"/{name}").json()


def sent(server: Server | Inside, files: Mapping[str, bytes]) -> Any:
    """Announce and send files; the import once they were read."""
    name = begin(server, files)
    response = call(server, "PUT", f"/{name}/files", content=b"".join(files.values()))
    assert response.status_code == 200, response.text
    return reached(server, name, "asking", "failed")


def added(server: Server | Inside, now: Any, **answer: Any) -> Any:
    """Confirm an import; it once it is done."""
    response = call(server, "POST", f"/{now['id']}/confirm", json=answer)
    assert response.status_code == 202, response.text
    return reached(server, now["id"], "done", "failed")


def corpus(server: Server | Inside) -> Any:
    return httpx.get(server.url + "api/corpus", timeout=PATIENCE).json()["sources"]


def is_clean(workspace: Workspace) -> bool:
    return not workspace.importing_path.exists()


def test_a_chat_is_read_asked_about_and_added(api: Inside, workspace: Workspace) -> None:
    """Counts, people, dates and samples before anything is stored; then exactly that."""
    assert corpus(api) == []
    now = sent(api, {GROUP: CHAT.encode()})
    assert (now["state"], now["name"], now["error"]) == ("asking", GROUP, None)
    (found,) = now["found"]
    assert (found["importer"], found["title"], found["chats"]) == ("whatsapp", "WhatsApp", 1)
    assert (found["groups"], found["ask"], found["there"]) == (1, "must", False)
    assert {p["name"]: p["messages"] for p in found["people"]} == {"Ada": 2, "Bo": 1, "Cleo": 1}
    assert not any(p["me"] for p in found["people"])
    assert found["first"][:10] == found["last"][:10] == "2024-01-12"
    assert "shall we walk to the sea?" in found["samples"]
    left_out = sum(reason["count"] for reason in found["left_out"])
    assert left_out == 2
    assert corpus(api) == []
    assert call(api, "GET").json()["now"] == now

    done = added(api, now, me={"whatsapp": ["Ada"]})
    assert (done["state"], done["error"]) == ("done", None)
    (result,) = done["added"]
    assert (result["messages"], result["conversations"], result["found"]) == (4, 1, 4 + left_out)
    assert sum(reason["count"] for reason in result["left_out"]) == left_out
    (source,) = corpus(api)
    assert (source["source"], source["kind"], source["messages"]) == (GROUP, "whatsapp", 4)
    assert is_clean(workspace)
    with CorpusStore(workspace.corpus_path) as store:
        assert store.own_names().of("whatsapp") == ("Ada",)
        (chat,) = store.conversations()
        assert [m.text for m in chat.messages if m.is_me] == [
            "shall we walk to the sea?", "then we are three and a half",
        ]  # fmt: skip


def test_a_newer_export_adds_its_new_messages_only(api: Inside) -> None:
    """The name is known by now, so nobody is asked; the source is the same."""
    added(api, sent(api, {GROUP: CHAT.encode()}), me={"whatsapp": ["Ada"]})
    now = sent(api, {GROUP: LATER.encode()})
    (found,) = now["found"]
    assert (found["ask"], found["there"]) == ("no", True)
    assert [p["name"] for p in found["people"] if p["me"]] == ["Ada"]
    (result,) = added(api, now)["added"]
    assert (result["messages"], result["messages_there"]) == (1, 4)
    assert [source["messages"] for source in corpus(api)] == [5]


def test_a_zip_and_loose_files_are_sources_of_their_own(api: Inside) -> None:
    """Archives are read as they are; an empty file is told."""
    files = {
        "chat.zip": packed({"_chat.txt": CHAT.encode(), "IMG-1.jpg": b"\xff\xd8"}),
        "empty.md": b"",
        "essay.md": b"# On walking\n\nOne foot, then the other.\n",
    }
    now = sent(api, files)
    assert now["name"] == "chat.zip and 2 more"
    found = {each["source"]: each for each in now["found"]}
    assert found["chat.zip"]["importer"] == "whatsapp"
    assert found["essay.md"]["documents"] == 1
    assert found["empty.md"]["documents"] == 0
    assert found["empty.md"]["left_out"]
    results = added(api, now, me={"whatsapp": ["ada"]})["added"]
    assert [(r["source"], r["messages"], r["documents"]) for r in results] == [
        ("chat.zip", 4, 0), ("empty.md", 0, 0), ("essay.md", 0, 1),
    ]  # fmt: skip
    assert [(s["source"], s["kind"]) for s in corpus(api)] == [
        ("chat.zip", "whatsapp"), ("essay.md", "md"),
    ]  # fmt: skip


def test_a_folder_is_one_source(api: Inside, workspace: Workspace) -> None:
    """With the paths in it, as `inkling add` has them; hidden files are nobody's writing."""
    files = {
        "Notes/.DS_Store": b"\0\0",
        "Notes/2024/walk.md": "---\ntitle: A walk\n---\nBy the sea, café.\n".encode(),
        "Notes/odd\nname.txt": b"A line of its own, by the same hand.\n",
        "Notes/old.zip": packed({"deep/first.txt": b"The first of all notes.\n"}),
    }
    now = sent(api, files)
    assert now["name"] == "Notes"
    (result,) = added(api, now)["added"]
    assert (result["source"], result["documents"], result["left_out"]) == ("Notes", 3, [])
    with CorpusStore(workspace.corpus_path) as store:
        assert sorted(d.raw_ref for d in store.documents()) == [
            "2024/walk.md", "odd\\x0aname.txt", "old.zip/deep/first.txt",
        ]  # fmt: skip


def test_what_cannot_be_read_says_why_and_is_not_there(api: Inside, workspace: Workspace) -> None:
    """A sentence, the reason and what to do; nothing to confirm, and the next may begin."""
    log = "".join(f"2024-01-12 10:{n:02} | Bo: hello number {n}\n" for n in range(40))
    now = sent(api, {"log.txt": log.encode()})
    assert (now["state"], now["error"]) == ("failed", "Nothing in log.txt can be read.")
    assert now["found"][0]["left_out"][0]["count"] == 1
    assert call(api, "POST", f"/{now['id']}/confirm").status_code == 409
    assert not is_clean(workspace)  # to be read again, as a person says
    assert call(api, "DELETE", f"/{now['id']}").status_code == 204
    assert is_clean(workspace)
    now = sent(api, {"log.txt": log.encode()})
    assert sent(api, {GROUP: CHAT.encode()})["state"] == "asking"
    assert corpus(api) == []


def again(server: Server, now: Any, **said: Any) -> Any:
    """The import once it was read again."""
    response = call(server, "POST", f"/{now['id']}/read", json=said)
    assert response.status_code == 202, response.text
    return reached(server, now["id"], "asking", "failed")


TALK = "Ada: tea?\nCleo: yes\nAda: with milk\nCleo: without\nAda: then without\n"
MAILBOX = "".join(
    f"From x@example.org Mon Jan  1 10:00:0{n} 2024\nFrom: {who}\nTo: other@example.org\n"
    f"Subject: tides\nMessage-ID: <{n}@example.org>\nDate: Mon, 1 Jan 2024 10:00:0{n} +0000\n\n"
    f"The tide of day {n} was out.\n\n"
    for n, who in enumerate(["Ada <ada@example.org>", "Cleo <cleo@example.org>"])
)


def test_a_person_says_what_was_not_seen(api: Inside, workspace: Workspace) -> None:
    """As --as, --encoding and --me do in a terminal: the files are read again where they lie, what
    was said is shown, and what is added is what was previewed."""
    now = sent(api, {"a.txt": "Шум моря слышен издалека, и чайки кричат.\n".encode("cp1251")})
    now = again(api, now, encoding="koi8-r")
    assert now["said"] == {"source": None, "encoding": "koi8-r", "me": []}
    assert now["found"][0]["notes"] == []
    assert "Шум" not in now["found"][0]["samples"][0]
    now = again(api, now, encoding="windows-1251")
    assert now["found"][0]["samples"] == ["Шум моря слышен издалека, и чайки кричат."]
    added(api, now)
    with CorpusStore(workspace.corpus_path) as store:
        assert [d.text for d in store.documents()] == ["Шум моря слышен издалека, и чайки кричат."]

    now = sent(api, {"talk.txt": TALK.encode()})
    assert (now["state"], now["takes"]) == ("failed", ["source", "encoding", "me"])
    assert "say under which name" in now["found"][0]["left_out"][0]["reason"]
    now = again(api, now, me=["Ada"])
    assert (now["state"], now["error"], now["readings"]) == ("asking", None, 2)
    assert [r["conversations"] for r in added(api, now)["added"]] == [1]
    assert is_clean(workspace)


def test_an_address_of_mail_is_said_once(api: Inside, workspace: Workspace) -> None:
    """Of a mailbox in which nothing tells whose it is; the next one needs no word."""
    now = sent(api, {"box.mbox": MAILBOX.encode()})
    assert (now["state"], now["found"][0]["left_out"][0]["count"]) == ("failed", 2)
    now = again(api, now, me=[" Ada@example.org "])
    assert (now["found"][0]["documents"], now["said"]["me"]) == (1, ["Ada@example.org"])
    (result,) = added(api, now)["added"]
    assert (result["documents"], result["left_out"][0]["reason"]) == (1, "written by someone else")
    with CorpusStore(workspace.corpus_path) as store:
        assert store.own_names().by_importer == {"mail": ("Ada@example.org",)}
    later = MAILBOX.replace("example.org>\nDate", "later.example.org>\nDate").replace(
        "day", "night"
    )
    assert sent(api, {"later.mbox": later.encode()})["found"][0]["documents"] == 1


def test_a_source_that_is_named_is_read_as_that(api: Inside) -> None:
    """Also where its name and beginning say nothing; names that nobody has are told."""
    log = "".join(f"[12/01/2024, 10:{n:02}] Cleo; hello {n}\n" for n in range(9))
    now = sent(api, {"notes.md": ("A title.\n" + log).encode()})
    before = [each["importer"] for each in now["found"]]
    now = again(api, now, source="whatsapp")
    assert (before, [each["importer"] for each in now["found"]]) == (["files"], ["whatsapp"])
    for said, words in (
        ({"source": "smoke signals"}, "There is no source called"),
        ({"encoding": "base64"}, "There is no encoding called"),
        ({"who": "Ada"}, "who"),
        ({"me": ["x" * 301]}, "me"),
    ):
        response = call(api, "POST", f"/{now['id']}/read", json=said)
        assert (response.status_code, words in response.json()["error"]) == (400, True)
    assert call(api, "GET", f"/{now['id']}").json() == now


def test_what_is_being_sent_or_was_added_is_not_read_again(api: Inside) -> None:
    """In a sentence."""
    name = begin(api, {GROUP: CHAT.encode()})
    assert call(api, "POST", f"/{name}/read", json={}).status_code == 409
    call(api, "DELETE", f"/{name}")
    now = added(api, sent(api, {GROUP: CHAT.encode()}), me={"whatsapp": ["Ada"]})
    assert now["takes"] == []
    response = call(api, "POST", f"/{now['id']}/read", json={})
    assert (response.status_code, "cannot be read again" in response.json()["error"]) == (409, True)


POST = "<p>" + "The tide was out, and we walked to the island and back. " * 12 + "</p>"
FEED = f"""<?xml version="1.0"?><rss version="2.0"
xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Sea</title>
<item><title>Tide</title><link>SITE/tide</link><pubDate>Mon, 01 Jan 2024 10:00:00 GMT</pubDate>
<content:encoded><![CDATA[{POST}]]></content:encoded></item></channel></rss>"""


def test_an_address_is_read_and_added(api: Inside) -> None:
    """What the preview fetched is stored; nothing is fetched twice, and no path is an address."""
    found = {"/": page('<link rel="alternate" type="application/rss+xml" href="/feed">')}
    with serving(lambda path: found.get(path, MISSING)) as site:
        found["/feed"] = page(FEED.replace("SITE", site.address), "application/rss+xml")
        now = call(api, "POST", json={"address": f" {site.address}/ "}).json()
        now = reached(api, now["id"], "asking", "failed")
        assert (now["error"], now["name"]) == (None, site.address)
        assert [(f["importer"], f["documents"]) for f in now["found"]] == [("feed", 1)]
        assert now["takes"] == ["me"]
        refused = call(api, "POST", f"/{now['id']}/read", json={"source": "feed"})
        assert (refused.status_code, "its answers tell" in refused.json()["error"]) == (400, True)
        asked = len(site.asked)
        (result,) = added(api, now)["added"]
        assert (result["source"], result["documents"]) == (site.address, 1)
        assert len(site.asked) == asked
    assert [source["source"] for source in corpus(api)] == [site.address]


@pytest.mark.parametrize("address", ["/etc/passwd", "file:///etc/passwd", "no address", "http://"])
def test_no_path_is_an_address(api: Inside, address: str) -> None:
    """The server reads no file of the machine that a page names."""
    response = call(api, "POST", json={"address": address})
    assert (response.status_code, "is no address" in response.json()["error"]) == (400, True)
    assert call(api, "GET").json()["now"] is None


def test_an_address_that_does_not_answer_can_be_cancelled(api: Inside) -> None:
    """At once, and the next import begins; one that refuses says why."""
    with serving(lambda path: None) as site:
        now = call(api, "POST", json={"address": site.address}).json()
        assert call(api, "DELETE", f"/{now['id']}").status_code == 204
        assert sent(api, {GROUP: CHAT.encode()})["state"] == "asking"


def test_who_me_is_must_be_said_and_be_there(api: Inside) -> None:
    """Nothing is added before."""
    now = sent(api, {GROUP: CHAT.encode()})
    for answer, words in (
        ({}, "Say which of the people"),
        ({"me": {"whatsapp": []}}, "Say which of the people"),
        ({"me": {"telegram": ["Ada"]}}, "Nobody called 'Ada' was found"),
        ({"me": {"whatsapp": ["Dolores"]}}, "Nobody called 'Dolores' was found"),
        ({"who": "Ada"}, "who"),
    ):
        response = call(api, "POST", f"/{now['id']}/confirm", json=answer)
        assert response.status_code == 400
        assert words in response.json()["error"]
    assert call(api, "GET", f"/{now['id']}").json()["state"] == "asking"


def test_drafts_are_added_where_they_are_asked_for(api: Inside) -> None:
    """They are told, and left out without it."""
    draft = b"---\ntitle: Not yet\ndraft: true\n---\nHalf a thought about the tide.\n"
    whole = b"---\ntitle: Done\n---\nA whole thought about it.\n"
    posts = "blog/content/posts"
    site = {"blog/hugo.toml": b"", f"{posts}/a.md": draft, f"{posts}/b.md": whole}
    now = sent(api, site)
    assert now["found"][0]["drafts"] is True
    assert [r["documents"] for r in added(api, now, drafts=True)["added"]] == [2]


def test_confirmed_at_once_by_two_it_is_added_once(api: Inside) -> None:
    """A double click, or two tabs."""
    now = sent(api, {GROUP: CHAT.encode()})
    answers: list[int] = []

    def press() -> None:
        body = {"me": {"whatsapp": ["Ada"]}}
        answers.append(call(api, "POST", f"/{now['id']}/confirm", json=body).status_code)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [202] * 4
    reached(api, now["id"], "done")
    assert [source["messages"] for source in corpus(api)] == [4]


def test_one_at_a_time_and_politely(api: Inside, workspace: Workspace) -> None:
    """Whatever the first is doing, the second hears what, and what to do."""
    first = begin(api, {GROUP: CHAT.encode()})
    second = call(api, "POST", json={"files": [{"path": "a.md", "size": 1}]})
    assert second.status_code == 409
    assert "is being sent" in second.json()["error"]
    call(api, "PUT", f"/{first}/files", content=CHAT.encode())
    reached(api, first, "asking")
    again = call(api, "PUT", f"/{first}/files", content=CHAT.encode())
    assert (again.status_code, "sent already" in again.json()["error"]) == (409, True)
    second = call(api, "POST", json={"files": [{"path": "a.md", "size": 1}]})
    assert "waits for your answer" in second.json()["error"]
    with pytest.raises(ImportBusyError, match="Another import"):
        SentFiles(workspace, [])


def test_cancelled_nothing_is_left(api: Inside, workspace: Workspace) -> None:
    """Before it was sent, and while it asks; an import that is gone is 404 with what to do."""
    for files in ({GROUP: CHAT.encode()}, None):
        name = begin(api, files or {"a.md": b"words"})
        if files:
            call(api, "PUT", f"/{name}/files", content=CHAT.encode())
            reached(api, name, "asking")
        assert not is_clean(workspace)
        assert call(api, "DELETE", f"/{name}").status_code == 204
        assert is_clean(workspace)
        assert call(api, "GET").json()["now"] is None
        for method, path in (
            ("GET", ""), ("DELETE", ""), ("POST", "/confirm"), ("PUT", "/files"),
            ("GET", "/events"),
        ):  # fmt: skip
            gone = call(api, method, f"/{name}{path}")
            assert gone.status_code == 404, (method, path)
            assert "Choose the files once more" in gone.json()["error"]
    assert corpus(api) == []


def test_cancelled_while_it_is_stored_nothing_is(api: Inside, workspace: Workspace) -> None:
    """Another process holds the corpus meanwhile, so that it waits, and says so."""
    now = sent(api, {GROUP: CHAT.encode()})
    with CorpusStore(workspace.corpus_path) as other, other.change():
        call(api, "POST", f"/{now['id']}/confirm", json={"me": {"whatsapp": ["Ada"]}})
        once(lambda: call(api, "GET", f"/{now['id']}").json()["waiting"])
        assert call(api, "DELETE", f"/{now['id']}").status_code == 204
    assert corpus(api) == []
    assert is_clean(workspace)


def test_a_sender_that_leaves_leaves_nothing(api: Inside, workspace: Workspace) -> None:
    """The connection breaks in the middle of the files."""
    name = begin(api, {"big.txt": b"x" * 5_000_000})

    def half() -> Iterator[bytes]:
        yield b"x" * 2_000_000
        # A connection that is gone before the server looked whose it is would be nobody's.
        once(lambda: any(path.stat().st_size for path in workspace.importing_path.iterdir()))
        raise OSError

    with pytest.raises(OSError):
        call(api, "PUT", f"/{name}/files", content=half())
    once(lambda: is_clean(workspace))
    assert call(api, "GET").json()["now"] is None


@pytest.mark.parametrize(("change", "words"), [(-1, "to their end"), (+1, "More was sent")])
def test_files_that_changed_meanwhile(
    api: Inside, workspace: Workspace, change: int, words: str
) -> None:
    """Fewer or more bytes than were announced: refused, and shown to every page."""
    name = begin(api, {GROUP: CHAT.encode()})
    content = CHAT.encode()[:change] if change < 0 else CHAT.encode() + b"x"
    response = call(api, "PUT", f"/{name}/files", content=content)
    assert response.status_code == 409
    assert words in response.json()["error"]
    now = call(api, "GET", f"/{name}").json()
    assert (now["state"], now["error"]) == ("failed", response.json()["error"])
    assert is_clean(workspace)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Choose files or a folder"),
        ({"files": []}, "Choose files or a folder"),
        ({"files": [{"path": "a", "size": 1}], "address": "https://example.org"}, "Choose files"),
        ({"files": [{"path": "a", "size": 11_000_000_000}]}, "size"),
        ({"files": [{"path": n, "size": 6_000_000_000} for n in "ab"]}, "more than 10 GB"),
        ({"files": [{"path": "a", "size": 1}, {"path": "a", "size": 2}]}, "the same name"),
        ({"files": [{"path": "../a", "size": 1}]}, "no name of a file"),
        ({"files": [{"path": "/etc/passwd", "size": 1}]}, "no name of a file"),
        ({"files": [{"path": "a/./b", "size": 1}]}, "no name of a file"),
        ({"files": [{"path": "a\0b", "size": 1}]}, "no name of a file"),
        ({"files": [{"path": "", "size": 1}]}, "path"),
        ({"files": [{"path": "a", "size": -1}]}, "size"),
        ({"files": [{"path": f"{n}.md", "size": 1} for n in range(201)]}, "their folder"),
        ({"files": [{"path": "a" * 1001, "size": 1}]}, "path"),
        ({"files": [{"path": "a", "size": 1}] * 50_001}, "files"),
        (b'{"files": [{"path": "\\ud800", "size": 1}]}', "not valid Unicode"),
        (b"no json", "not JSON"),
    ],
)
def test_what_is_no_import_is_refused(api: Inside, body: Any, words: str) -> None:
    """In a sentence, before anything is sent."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = call(api, "POST", content=content)
    assert response.status_code == 400, response.text
    assert words in response.json()["error"]


def test_files_larger_than_the_disk_are_refused_before_they_are_sent(api: Inside) -> None:
    """Told is how much is free, and the way without a copy."""
    free = shutil.disk_usage("/").free
    sizes = [{"path": f"{n}", "size": 1_000_000_000} for n in range(10)]
    response = call(api, "POST", json={"files": sizes})
    if free < 10_000_000_000:
        assert response.status_code == 409
        assert "inkling add PATH" in response.json()["error"]


def test_a_request_from_another_site_is_refused(api: Inside) -> None:
    """As under every other address."""
    for headers in (
        {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):  # fmt: skip
        for method, path in (("POST", ""), ("PUT", "/x/files"), ("GET", ""), ("DELETE", "/x")):
            assert call(api, method, path, headers=headers).status_code == 403
    large = call(api, "POST", content=b"{" + b" " * 20_000_001)
    assert large.status_code == 413


def test_events_tell_how_far_it_is(api: Inside) -> None:
    """From sending to asking, in order; the stream ends with the import."""
    name = begin(api, {GROUP: CHAT.encode()})
    states: list[str] = []
    with httpx.stream("GET", f"{api.url}api/imports/{name}/events", timeout=PATIENCE) as stream:
        for line in stream.iter_lines():
            if not line.startswith("data: "):
                continue
            now = json.loads(line.removeprefix("data: "))
            if not states or states[-1] != now["state"]:
                states.append(now["state"])
            if now["state"] == "sending":
                call(api, "PUT", f"/{name}/files", content=CHAT.encode())
            elif now["state"] == "asking":
                call(api, "DELETE", f"/{name}")
    assert (states[0], states[-1]) == ("sending", "asking")
    assert states == [s for s in ("sending", "reading", "asking") if s in states]


def test_every_source_says_how_it_is_exported(api: Inside) -> None:
    """For the person who does not know where to click."""
    known = call(api, "GET", "/sources").json()["sources"]
    assert {"whatsapp", "substack", "files"} <= {source["name"] for source in known}
    assert all(source["how_to_export"] for source in known)


def killed(server: Server) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(PATIENCE)
    assert server.process.stdout is not None
    server.process.stdout.close()


@pytest.mark.parametrize("state", ["sending", "asking", "adding"])
def test_a_killed_server_leaves_nothing_once_it_is_started_again(
    workspace: Workspace, state: str
) -> None:
    """What lies in the private folder is swept; the corpus is as before; anything may begin."""
    server = start_server(workspace.path)
    name = begin(server, {GROUP: CHAT.encode()})
    with CorpusStore(workspace.corpus_path) as other:
        if state != "sending":
            call(server, "PUT", f"/{name}/files", content=CHAT.encode())
            reached(server, name, "asking")
        if state == "adding":
            with other.change():
                body = {"me": {"whatsapp": ["Ada"]}}
                call(server, "POST", f"/{name}/confirm", json=body)
                reached(server, name, "adding")
                killed(server)
        else:
            killed(server)
    assert leftovers(workspace) == [workspace.importing_path]
    assert workspace.importing_path.stat().st_mode & 0o777 == 0o700
    server = start_server(workspace.path)
    try:
        assert call(server, "GET").json()["now"] is None
        assert is_clean(workspace)
        assert corpus(server) == []
        assert sent(server, {GROUP: CHAT.encode()})["state"] == "asking"
    finally:
        stop_server(server)
    assert is_clean(workspace)


def test_a_second_server_leaves_the_first_ones_files(workspace: Workspace) -> None:
    """It sweeps only what nobody is importing, and says that somebody is."""
    first = start_server(workspace.path)
    try:
        now = sent(first, {GROUP: CHAT.encode()})
        assert leftovers(workspace) == []
        second = start_server(workspace.path)
        try:
            refused = call(second, "POST", json={"files": [{"path": "a.md", "size": 1}]})
            assert refused.status_code == 409
            assert "Another import" in refused.json()["error"]
        finally:
            stop_server(second)
        assert added(first, now, me={"whatsapp": ["Ada"]})["state"] == "done"
    finally:
        stop_server(first)
