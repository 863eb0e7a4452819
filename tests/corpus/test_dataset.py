"""The corpus as it is learned: chosen, cleaned and masked, while the store keeps every byte."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from inkling.config import Selection
from inkling.corpus.dataset import Dataset
from inkling.corpus.document import Conversation, Document, Message
from inkling.corpus.importing.importer import ImportedChat
from inkling.corpus.masking.decisions import Decisions
from inkling.corpus.schema import MIGRATIONS
from inkling.corpus.store import CorpusStore
from inkling.errors import InklingError
from inkling.settings import CorpusSettings

Said = tuple[str, str, str]
"""Author, text, time."""


def chat(name: str, *said: Said, group: bool = False) -> ImportedChat:
    people = {"ada": "Ada Lovelace", "bo": "Bo", "me": "Wilma"}
    messages = [
        Message(who, who == "me", text, timestamp=when, message_id=f"{name}{n}")
        for n, (who, text, when) in enumerate(said)
    ]
    return ImportedChat(name, f"{name}.txt", iter(messages), name, group=group, people=people)


@pytest.fixture
def store() -> Iterator[CorpusStore]:
    """A blog of three posts, two chats and a group."""
    with CorpusStore(Path("corpus.db")) as made:
        made.add("/a/blog", "substack", [
            Document("Write to me: ada@example.com. " * 20, "one.html", "One", "2023-05-01"),
            Document("A quiet year. " * 20, "two.html", "Two", "2024-03-09T08:00:00Z"),
            Document("Undated.", "three.html", "Three"),
        ])  # fmt: skip
        made.add("/a/chats.zip", "whatsapp", [
            chat("ada",
                 ("ada", "where are you?", "2024-02-01T10:00:00Z"),
                 ("ada", "https://example.com/x?y=1", "2024-02-01T10:01:00Z"),
                 ("me", "at home, call +49 171 1234567", "2024-02-01T10:02:00Z")),
            chat("bo",
                 ("bo", "soup?", "2023-12-31T23:50:00Z"), ("me", "yes", "2024-01-01T00:10:00Z")),
            chat("all",
                 *[("bo", f"line {n}", "2024-04-01T10:00:00Z") for n in range(20)],
                 ("ada", "who comes?", "2024-04-01T10:00:00Z"),
                 ("me", "i do", "2024-04-01T10:00:00Z"), group=True),
        ])  # fmt: skip
        yield made


def learned(
    store: CorpusStore, settings: CorpusSettings | None = None, **chosen: object
) -> list[str]:
    """Texts of a dataset: titles of documents, what was said in dialogs."""
    dataset = Dataset.of(store, settings, Selection.model_validate(chosen))
    titles = [document.title or "" for document in dataset.documents()]
    return titles + [m.text for talk in dataset.conversations() for m in talk.messages]


ADA = ["where are you?", "at home, call [phone]"]
BO = ["soup?", "yes"]
POSTS = ["Three", "One", "Two"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, POSTS + ADA + BO),
        ({"kind": "dialogs"}, ADA + BO),
        ({"kind": "writing"}, POSTS),
        ({"only_sources": ("whatsapp",)}, ADA + BO),
        ({"only_sources": ("blog",)}, POSTS),
        ({"without_sources": ("chats.zip",)}, POSTS),
        ({"people": ("Ada Lovelace",)}, POSTS + ADA),
        ({"since": "2024"}, ["Two", *ADA, "yes"]),
        ({"until": "2023"}, ["One", "soup?"]),
        ({"since": "2024-02", "until": "2024-02"}, ADA),
        ({"since": "2024-03-09", "until": "2024-03-09"}, ["Two"]),
        ({"min_length": 10}, ["One", "Two", *ADA]),
    ],
)
def test_what_was_chosen_is_learned(
    store: CorpusStore, chosen: dict[str, object], expected: list[str]
) -> None:
    """Sources, people, times, kinds, lengths: one word each."""
    assert sorted(learned(store, **chosen)) == sorted(expected)


def test_a_dialog_is_cut_at_the_time(store: CorpusStore) -> None:
    """Of messages on both sides of midnight the one of that year; those left out are counted."""
    dataset = Dataset.of(store, None, Selection(until="2023"))
    texts = [m.text for talk in dataset.conversations() for m in talk.messages]
    assert texts == ["soup?"]
    assert sum(dataset.left_out.values()) > 0
    # What is left holds no word of mine, so that no dialog comes of it: which is said.
    assert any("without a reply of yours" in sentence for sentence in dataset.sentences())


def test_the_store_keeps_what_was_written(store: CorpusStore) -> None:
    """Masking happens on the way out."""
    dataset = Dataset.of(store)
    (masked,) = [d for d in dataset.documents() if d.title == "One"]
    (kept,) = [d for d in store.documents() if d.title == "One"]
    assert "[mail]" in masked.text
    assert "ada@example.com" in kept.text
    place = masked.text.index("Write", 10)
    original = dataset.documents().place_in_original(masked.content_hash, place)
    assert kept.text[original : original + 5] == "Write"


def test_nothing_to_mask_is_the_very_text(store: CorpusStore) -> None:
    """Not a copy that looks like it."""
    dataset = Dataset.of(store)
    kept = {d.content_hash: d for d in store.documents()}
    assert all(d == kept[d.content_hash] for d in dataset.documents() if d.title != "One")
    said = {c.content_hash: c for c in store.conversations()}
    (same,) = [c for c in dataset.conversations() if c.messages[0].author_id == "bo"]
    assert same == said[same.content_hash]


def test_groups_are_learned_where_they_are_asked_for(store: CorpusStore) -> None:
    """The few messages before one's own, with invented names for who said them."""
    texts = learned(store, kind="dialogs", groups=True)[4:]
    assert len(texts) == 9
    assert texts[-1] == "i do"
    assert texts[-2].endswith(": who comes?")
    assert texts[-3].endswith(": line 19")
    assert not any("Ada" in text or text.startswith("Bo:") for text in texts)
    assert texts == learned(store, kind="dialogs", groups=True)[4:]


def test_others_get_other_names_on_request(store: CorpusStore) -> None:
    """In writing and in dialogs the same."""
    store.add("more", "folder", [Document("Ada and Wilma and Bo went. " * 4, "w.md", "W")])
    dataset = Dataset.of(store, CorpusSettings(pseudonyms=True))
    (text,) = [d.text for d in dataset.documents() if d.title == "W"]
    assert "Ada" not in text
    assert "Bo " not in text
    assert "Wilma" in text


def test_what_was_decided_holds(store: CorpusStore) -> None:
    """A kind or a value kept, a person or a file left out, all without deleting anything."""
    with store.change() as db:
        Decisions.add(db, "kind", "phone")
        Decisions.add(db, "person", "bo")
        Decisions.add(db, "document", "/a/blog/one.html")
    texts = learned(store)
    assert "at home, call +49 171 1234567" in texts
    assert "yes" not in texts
    assert "One" not in texts
    with store.change() as db:
        for subject, name in (
            ("kind", "phone"),
            ("person", "bo"),
            ("document", "/a/blog/one.html"),
        ):
            assert Decisions.take_back(db, subject, name)  # type: ignore[arg-type]
    assert sorted(learned(store)) == sorted(POSTS + ADA + BO)


def test_a_fingerprint_tells_datasets_apart(store: CorpusStore) -> None:
    """By what was chosen and by how it is masked."""
    prints = {
        Dataset.of(store, settings, Selection(**chosen)).fingerprint()
        for settings in (CorpusSettings(), CorpusSettings(region="DE"))
        for chosen in ({}, {"since": "2024"}, {"groups": True})
    }
    assert len(prints) == 6


@pytest.mark.parametrize(
    "chosen", [{"only_sources": ("nowhere",)}, {"people": ("Nobody",)}, {"people": ("me",)}]
)
def test_a_name_that_means_nothing_is_told(store: CorpusStore, chosen: dict[str, object]) -> None:
    """With the nearest ones."""
    with pytest.raises(InklingError, match=r"nowhere|Nobody|nobody"):
        learned(store, **chosen)


def test_a_country_that_there_is_not_is_told(store: CorpusStore) -> None:
    """UK is none; GB is."""
    with pytest.raises(InklingError, match="region"):
        Dataset.of(store, CorpusSettings(region="UK"))
    assert Dataset.of(store, CorpusSettings(region="GB"))


def test_a_chat_that_became_a_group_is_one(store: CorpusStore) -> None:
    """The newest export says it for all of its sessions."""
    store.add("/a/new.zip", "whatsapp", [
        chat("bo",
             ("bo", "hello all", "2024-08-01T10:00:00Z"), ("me", "hi", "2024-08-01T10:00:00Z"),
             group=True),
    ])  # fmt: skip
    assert sorted(learned(store, kind="dialogs")) == sorted(ADA)


def test_a_corpus_of_dialog_texts_is_no_group() -> None:
    """What no chat program wrote is learned as ever."""
    with CorpusStore(Path("other.db")) as made:
        made.add("talks", "text", [
            Conversation((Message("them", False, "a?"), Message("me", True, "b")), "t.txt"),
        ])  # fmt: skip
        assert learned(made) == ["a?", "b"]


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_corpus_of_an_older_version_is_learned(version: int) -> None:
    """As it lies there where nothing can be written, and brought up to date where it can."""
    path = Path("old.db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:version]:
            db.executescript(script)
        db.executescript(f"""
            INSERT INTO source VALUES (1, 'chat', 'whatsapp', '2024-01-01');
            INSERT INTO conversation(id, source_id, content_hash, raw_ref) VALUES (1, 1, 'c', 'x');
            INSERT INTO message(conversation, position, author_id, is_me, kind, text)
            VALUES (1, 0, 'ada', 0, 'text', 'where?'), (1, 1, 'me', 1, 'text', 'a@b.example');
            PRAGMA user_version = {version};
        """)
    for read_only in (True, False):
        with CorpusStore(path, read_only=read_only) as store:
            assert learned(store) == ["where?", "[mail]"]
            assert learned(store, groups=True, people=("ada",)) == ["where?", "[mail]"]
            assert store.decisions() == Decisions()
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("SELECT is_group FROM conversation").fetchone() == (0,)
