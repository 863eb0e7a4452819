"""Imports into the store: chats that grow, documents that are edited, kills and waits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from inkling.corpus.document import Conversation, Document, Dropped, Message, content_hash
from inkling.corpus.importing.importer import ImportedChat, Note
from inkling.corpus.sessions import MAX_MESSAGES, cut, join, seconds
from inkling.corpus.store import CorpusStore

BEGINNING = datetime(2024, 1, 1, 10, tzinfo=UTC)


def said(minutes: float, author: str, text: str, identifier: str | None = None) -> Message:
    moment = (BEGINNING + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return Message(author, author == "Ada", text, message_id=identifier, timestamp=moment)


def chat(
    messages: Iterable[Message | Dropped | Note], chat_id: str = "w:1", **more: object
) -> ImportedChat:
    return ImportedChat(
        chat_id, "chat.txt", iter(list(messages)), "with Cleo", people={"Cleo": "Cleo"}, **more
    )  # type: ignore[arg-type]


@pytest.fixture
def store() -> Iterator[CorpusStore]:
    with CorpusStore(Path("corpus.db")) as opened:
        yield opened


def texts(store: CorpusStore) -> list[list[str]]:
    return [[m.text for m in c.messages] for c in store.conversations()]


LONG = [
    said(0, "Cleo", "hi"), said(1, "Ada", "hello"), said(2, "Cleo", "ok"), said(2, "Cleo", "ok"),
    said(300, "Cleo", "ok"), said(301, "Ada", "still there"), said(900, "Cleo", "only me"),
]  # fmt: skip


def test_a_chat_is_stored_in_sessions_and_each_message_counts(store: CorpusStore) -> None:
    """Cut at three hours; what others say alone is theirs; what is left out is counted."""
    records = [*LONG[:2], Dropped("system notice", "chat.txt:3"), Note("a guess", "chat.txt"),
               Message("Cleo", False, " \n"), *LONG[2:]]  # fmt: skip
    result = store.add("export", "w", [chat(records)])
    assert texts(store) == [["hi", "hello", "ok", "ok"], ["ok", "still there"], ["only me"]]
    assert (result.messages, result.conversations, result.sessions) == (7, 3, 3)
    assert result.dropped == {"system notice": 1, "empty message": 1}
    assert result.notes == {"a guess": 1}
    assert (result.kept, result.found) == (7, 9)
    (source,) = store.sources()
    assert (source.conversations, source.messages) == (3, 7)
    assert [person.name for person in store.people()] == ["Cleo"]


@pytest.mark.parametrize("identifiers", [True, False])
def test_a_newer_export_adds_the_new_messages_only(store: CorpusStore, identifiers: bool) -> None:
    """From another path, with and without ids; an extended session is one, in time order."""
    messages = [
        Message(
            m.author_id, m.is_me, m.text, "text", f"id{n}" if identifiers else None, m.timestamp
        )
        for n, m in enumerate(LONG)
    ]
    store.add("old", "w", [chat(messages[:5])])
    result = store.add("new", "w", [chat(messages)])
    assert (result.messages, result.messages_there, result.extended) == (2, 5, 1)
    assert result.found == 7
    assert texts(store) == [["hi", "hello", "ok", "ok"], ["ok", "still there"], ["only me"]]
    again = store.add("new", "w", [chat(messages)])
    assert (again.kept, again.messages_there, again.found) == (0, 7, 7)
    assert [person.messages for person in store.people()] == [3, 2]
    # An export of the beginning only takes nothing away.
    assert store.add("old", "w", [chat(messages[:3])]).messages_there == 3
    assert sum(map(len, texts(store))) == 7


def test_every_field_of_a_message_comes_back(store: CorpusStore) -> None:
    """Also those that are not there, and in a session of several statements."""
    whole = Message("Ada", True, "hi", "forward", "m1", "2024-01-01T10:00:00Z", "m0", "chat.txt:1")
    least = Message("Cleo", False, "hello")
    messages = [whole, least] * 60
    store.add("export", "w", [chat(messages)])
    assert [message for stored in store.conversations() for message in stored.messages] == messages
    with store.reading() as db:
        kinds = "SELECT DISTINCT typeof(is_me), typeof(message_id), typeof(timestamp) FROM message"
        assert set(db.execute(kinds)) == {("integer", "text", "text"), ("integer", "null", "null")}


def test_exports_that_overlap_become_one(store: CorpusStore) -> None:
    """A gap in the middle is filled, and two sessions that it joins are one."""
    store.add("a", "w", [chat([said(0, "Cleo", "a"), said(200, "Cleo", "c")])])
    assert texts(store) == [["a"], ["c"]]
    result = store.add("b", "w", [chat([said(100, "Ada", "b"), said(200, "Cleo", "c")])])
    assert texts(store) == [["a", "b", "c"]]
    assert (result.messages, result.messages_there) == (1, 1)
    assert [source.source for source in store.sources()] == ["b"]


def test_a_better_known_me_corrects_what_is_stored(store: CorpusStore) -> None:
    """The same messages with another author as "me", and one that was edited."""
    wrong = [Message(m.author_id, not m.is_me, m.text, timestamp=m.timestamp) for m in LONG]
    store.add("a", "w", [chat(wrong)])
    result = store.add("a", "w", [chat(LONG)])
    assert (result.messages, result.messages_there, result.messages_changed) == (0, 7, 7)
    mine = [m.text for c in store.conversations() for m in c.messages if m.is_me]
    assert mine == ["hello", "still there"]


def test_a_chat_without_times_grows(store: CorpusStore) -> None:
    """One session; the newer export takes its place."""
    lines = [Message("Cleo", False, "q"), Message("Ada", True, "a"), Message("Cleo", False, "r")]
    store.add("a", "w", [chat(lines[:2])])
    result = store.add("a", "w", [chat(lines)])
    assert (result.messages, result.messages_there) == (1, 2)
    assert texts(store) == [["q", "a", "r"]]


def test_one_sided_chats_are_told(store: CorpusStore) -> None:
    """A name that is nobody's, or everybody's, where the source does not tell who is "me"."""
    others = [said(0, "Cleo", "hi"), said(1, "Amos", "ho")]
    result = store.add("a", "w", [chat(others, me_known=False), chat(others, "w:2")])
    assert (result.none_mine, result.all_mine) == (["with Cleo"], [])
    mine = [said(0, "Ada", "note"), said(1, "Ada", "another")]
    assert store.add("a", "w", [chat(mine, "w:3", me_known=False)]).all_mine == ["with Cleo"]


def test_what_was_forgotten_is_counted_message_by_message(store: CorpusStore) -> None:
    """A person who was forgotten does not come back with a newer export."""
    from inkling.forgetting.plan import Selector
    from inkling.forgetting.removal import apply_removal
    from inkling.forgetting.rules import plan_removal

    store.add("a", "w", [chat([*LONG[:4], said(3, "Amos", "a thing that Amos alone would say")])])
    apply_removal(store, plan_removal(store, Selector("person", "Amos")))
    result = store.add("b", "w", [chat([
        *LONG[:4], said(3, "Amos", "a thing that Amos alone would say"), said(4, "Ada", "bye"),
    ])])  # fmt: skip
    assert (result.messages, result.messages_there, result.dropped.total()) == (1, 4, 1)
    assert texts(store) == [["hi", "hello", "ok", "ok", "bye"]]


def test_a_source_that_gave_nothing_leaves_no_entry(store: CorpusStore) -> None:
    """Neither one of which all was left out, nor a copy."""
    assert store.add("a", "w", [Dropped("binary, not text", "x")]).found == 1
    assert store.sources() == []
    store.add("b", "folder", [Document("words", "x.md")])
    store.add("c", "folder", [Document("words", "y.md")])
    assert [source.source for source in store.sources()] == ["b"]


def live(store: CorpusStore) -> list[str]:
    return [document.text for document in store.documents()]


def test_an_edited_document_takes_the_place_of_the_older_version(store: CorpusStore) -> None:
    """By its path; the older one is still shown, and may come back."""
    store.add("/notes", "folder", [Document("olb", "a.md"), Document("other", "b.md")])
    before = store.corpus_hash()
    result = store.add("/notes", "folder", [Document("old", "a.md"), Document("other", "b.md")])
    assert (result.documents, result.already_there, result.replaced) == (1, 1, 1)
    assert live(store) == ["other", "old"]
    assert store.documents().characters() == 8
    assert [bool(d.replaced_at) for d in store.documents(all_versions=True)] == [True, False, False]
    assert store.sources()[0].documents == 2
    assert store.corpus_hash() != before
    # The file itself, named alone, is the same place.
    assert store.add("/notes/a.md", "md", [Document("older", "a.md")]).replaced == 1
    assert sorted(live(store)) == ["older", "other"]
    store.add("/notes/a.md", "md", [Document("old", "a.md")])
    assert store.add("/notes", "folder", [Document("olb", "a.md")]).kept == 1
    assert sorted(live(store)) == ["olb", "other"]


def post(text: str, path: str, title: str | None = None, identifier: str | None = None) -> Document:
    return Document(text, path, title, document_id=identifier)


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        (post("one", "a.md", "Soup", "s:1"), post("two", "b.md", "Stew", "s:1"), 1),
        (post("one", "a.md", "Soup"), post("two", "b.md", "Soup"), 1),
        (post("one", "a.md", "Soup", "s:1"), post("two", "a.md", "Soup", "s:2"), 0),
        (post("one", "a.md", "Soup"), post("two", "b.md", "Stew"), 0),
        (post("one", "a.jsonl:1"), post("two", "a.jsonl:1"), 0),
    ],
)
def test_versions_are_known_by_id_place_or_title(
    store: CorpusStore, before: Document, after: Document, replaced: int
) -> None:
    """In this order; another id is another document, and a line of a file is no place."""
    store.add("/in", "folder", [before])
    assert store.add("/in", "folder", [after]).replaced == replaced


def test_what_is_still_in_the_source_is_never_replaced(store: CorpusStore) -> None:
    """Several posts share a title or a file; a newer export by id comes from anywhere."""
    posts = [Document(f"post {n}", "tweets.js", "Notes", document_id=f"x:{n}") for n in range(3)]
    store.add("/one", "x", posts[:2])
    assert store.add("/one", "x", posts).replaced == 0
    plain = [Document(f"text {n}", "all.txt", "Notes") for n in range(3)]
    store.add("/two", "folder", plain[:1])
    assert store.add("/two", "folder", plain[1:]).replaced == 0
    edited = Document("post 1, edited", "tweets.js", "Notes", document_id="x:1")
    assert store.add("/three.zip", "x", [edited]).replaced == 1
    assert "post 1" not in live(store)


def test_replaced_versions_are_forgotten_too(store: CorpusStore) -> None:
    """A text that stands only in an older version is found and goes."""
    from inkling.forgetting.plan import Selector
    from inkling.forgetting.removal import apply_removal
    from inkling.forgetting.rules import plan_removal

    store.add("/in", "folder", [Document("12 Harbour Lane", "a.md")])
    store.add("/in", "folder", [Document("somewhere else", "a.md")])
    apply_removal(store, plan_removal(store, Selector("match", "harbour lane")))
    assert [d.text for d in store.documents(all_versions=True)] == ["somewhere else"]


KILLED = """
import sys, time
from pathlib import Path
from inkling.corpus.document import Document, Message
from inkling.corpus.importing.importer import ImportedChat
from inkling.corpus.store import CorpusStore

def records():
    for n in range(10**9):
        yield Document(f"document {n} " * 400, f"{n}.md")
        yield ImportedChat(f"w:{n}", "c", iter([Message("Ada", True, f"hi {n}")]))
        if n == 300:
            print("going on", flush=True)
        if n > 300:
            time.sleep(0.01)

with CorpusStore(Path("corpus.db")) as store:
    store.add("big", "w", records())
"""


def test_a_killed_import_leaves_the_store_as_it_was(store: CorpusStore) -> None:
    """kill -9 in the middle of a real import; the next one works at once."""
    store.add("/in", "folder", [Document("words", "a.md")])
    before = store.corpus_hash()
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with CorpusStore(Path("corpus.db")) as after:
        after.check()
        assert after.corpus_hash() == before
        assert [source.source for source in after.sources()] == ["/in"]
        assert after.add("/in", "folder", [Document("more", "b.md")]).documents == 1


def test_a_second_import_waits(store: CorpusStore) -> None:
    """As long as the first one writes, saying so; then it goes on."""
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    waited: list[float] = []

    def waiting() -> None:
        waited.append(time.monotonic())
        process.kill()

    result = store.add("/in", "folder", [Document("words", "a.md")], waiting)
    process.wait()
    process.stdout.close()
    assert waited
    assert result.documents == 1


def test_long_sessions_are_cut_so_that_memory_stays(store: CorpusStore) -> None:
    """A chat that never sleeps, twice."""
    count = MAX_MESSAGES + 10
    messages = [said(n / 60, "Ada" if n % 2 else "Cleo", f"m{n}") for n in range(count)]
    store.add("a", "w", [chat(messages)])
    assert [len(session) for session in texts(store)] == [MAX_MESSAGES, 10]
    again = store.add("a", "w", [chat([*messages, said(count / 60, "Ada", "last")])])
    assert (again.messages, again.messages_there) == (1, count)
    assert sum(map(len, texts(store))) == count + 1


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_any_two_exports_of_a_chat_are_its_messages(seed: int) -> None:
    """Whatever part each holds: nothing twice, nothing lost, and a third time changes nothing."""
    chance = random.Random(seed)
    minutes = sorted(chance.choices(range(0, 2_000, 7), k=chance.randint(1, 30)))
    whole = [said(m, chance.choice(["Ada", "Cleo"]), chance.choice("abc")) for m in minutes]
    first, second = (
        sorted(chance.sample(range(len(whole)), chance.randint(0, len(whole)))) for _ in range(2)
    )
    with CorpusStore(":memory:") as store:
        for chosen in (first, second, first, second):
            result = store.add("a", "w", [chat([whole[n] for n in chosen])])
            assert result.found == len(chosen)
        assert result.kept == 0
        stored = [m for c in store.conversations() for m in c.messages]
        keys = [(m.timestamp, m.author_id, m.text) for m in stored]
        # A message that was said twice in a minute is known by how often it is in one export.
        for key in set(keys):
            counted = [
                sum((whole[n].timestamp, whole[n].author_id, whole[n].text) == key for n in chosen)
                for chosen in (first, second)
            ]
            assert keys.count(key) == max(counted)
        assert len(cut_texts(stored)) == len(store_sessions(store))


def cut_texts(messages: list[Message]) -> list[list[str]]:
    ordered = sorted(messages, key=lambda message: seconds(message.timestamp) or 0)
    return [[m.text for m in session.messages] for session in cut(ordered)]


def store_sessions(store: CorpusStore) -> list[list[str]]:
    return texts(store)


def test_joining_keeps_the_newer_export() -> None:
    """Its wording and its order."""
    joined = join(
        [said(0, "Cleo", "helo", "1"), said(5, "Cleo", "gone", "2")],
        [said(0, "Cleo", "hello", "1"), said(9, "Ada", "new", "3")],
    )
    assert [message.text for message in joined.messages] == ["hello", "gone", "new"]
    assert (len(joined.added), joined.there, joined.changed) == (1, 1, 1)


def test_a_dialog_of_its_own_counts_whole(store: CorpusStore) -> None:
    """As dialogs of text files always did."""
    talk = Conversation((Message("them", False, "q"), Message("me", True, "a")), "a.txt:1")
    assert store.add("a", "txt", [talk]).found == 1
    assert store.add("a", "txt", [talk]).already_there == 1


def test_halves_of_characters_end_nothing(store: CorpusStore) -> None:
    """JSON can spell them: such a text is told, a label is shown with a replacement."""
    half = "\ud83d"
    talk = chat([said(0, "Cleo", f"hi {half}"), said(1, f"{half}", "x"), said(2, "Ada", "yes")])
    talk.title, talk.people = half, {"Cleo": half, half: "x"}
    records = [talk, Document(half, "a"), Document("words", half, half), Dropped("x", "y")]
    result = store.add("a", "w", records)
    assert (result.messages, result.documents) == (1, 1)
    assert result.dropped == {"text that is not valid Unicode": 3, "x": 1}
    assert [document.title for document in store.documents()] == ["?"]


def test_listing_documents_reads_no_text(store: CorpusStore) -> None:
    """What is listed stands in an index: a large corpus is not read through for it."""
    for asked in (
        "SELECT d.id FROM document d JOIN source s ON s.id = d.source_id "
        "WHERE d.replaced_at IS NULL ORDER BY s.id, d.timestamp, d.id",
        "SELECT content_hash FROM document WHERE replaced_at IS NULL ORDER BY content_hash",
        "SELECT id, source_id, raw_ref, title, document_id FROM document WHERE replaced_at IS NULL",
    ):
        plan = [row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {asked}")]
        assert any("USING COVERING INDEX document_label" in step for step in plan), plan


def test_the_hash_of_a_conversation_stays_what_it_was() -> None:
    """What is stored is known again by it: who said what, and when where that is told."""
    said = [("Ada", True, "tea 🐕?"), ("Cleo", False, "yes"), ("Ada", True, "x" * 300)]
    messages = tuple(Message(*one, timestamp=f"2024-01-0{n}") for n, one in enumerate(said, 1))
    turns = [part for name, me, text in said for part in ("me" if me else "them", name, text)]
    times = [f"2024-01-0{n}" for n in (1, 2, 3)]
    timeless = tuple(structs.replace(message, timestamp=None) for message in messages)
    for item, parts in ((messages, turns + times), (timeless, turns)):
        expected = content_hash("conversation", *parts)
        assert Conversation(item, "a").content_hash == expected
    assert expected == "6a78fbfbc9cbd2186195aafefa5d2af29a279215b6478cc11f5ef4abf9944f13"
