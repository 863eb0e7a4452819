"""chats.db: what is saved stays, variants are kept, corrections reach the corpus and come back."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.chats import ChatStore, Provenance
from inkling.config import SamplingSettings
from inkling.corpus.document import Conversation, Message
from inkling.corpus.importers import read_path
from inkling.corpus.split import split_corpus
from inkling.corpus.store import CorpusStore
from inkling.errors import ChatsError, CorpusError

ORIGIN = Provenance("run-1", 30, SamplingSettings(seed=7))


@pytest.fixture
def store() -> Iterator[ChatStore]:
    with ChatStore(Path("chats.db")) as opened:
        yield opened


@pytest.fixture
def corpus() -> Iterator[CorpusStore]:
    with CorpusStore(Path("corpus.db")) as opened:
        yield opened


def exchange(store: ChatStore, question: str = "soup?", reply: str = "alwys") -> int:
    """A conversation of one question and one reply."""
    conversation = store.create("terminal", "run-1")
    store.append(conversation, "them", question)
    store.append(conversation, "me", reply, ORIGIN)
    return conversation


def pairs(corpus: CorpusStore) -> list[list[tuple[str, str]]]:
    """What stands in the corpus as corrections."""
    return [
        [(message.role, message.text) for message in conversation.messages]
        for conversation in corpus.conversations()
        if conversation.source == "edits"
    ]


def test_a_conversation_is_kept_with_what_wrote_it(store: ChatStore) -> None:
    """Messages in order, with run, step, seed and settings; also after opening again."""
    conversation = exchange(store)
    with ChatStore(Path("chats.db")) as again:
        asked, reply = again.open(conversation)
        (listed,) = again.list()
    assert (asked.role, asked.text, asked.variants[0].origin) == ("them", "soup?", None)
    assert (reply.role, reply.text, reply.position) == ("me", "alwys", 1)
    assert reply.variants[0].origin == ORIGIN
    assert (listed.id, listed.messages, listed.run) == (conversation, 2, "run-1")
    assert listed.source == "terminal"


def test_the_newest_conversation_comes_first_and_has_a_title(store: ChatStore) -> None:
    """Order by last message; the first thing said is the title, on one line, cut at a word."""
    first = exchange(store, "what is\nthe " + "very " * 20 + "best soup?")
    second = exchange(store, "tea?\x1b[2J")
    assert [c.id for c in store.list()] == [second, first]
    store.append(first, "them", "more")
    assert [c.id for c in store.list()] == [first, second]
    assert [c.id for c in store.list(limit=1, offset=1)] == [second]
    titles = {c.id: c.title for c in store.list()}
    assert titles[first] == "what is the" + " very" * 9
    assert titles[second] == "tea? [2J"
    store.rename(first, " Soup,\nof course ")
    assert store.summary(first).title == "Soup, of course"


def test_a_regenerated_reply_keeps_its_variants(store: ChatStore) -> None:
    """The new one counts, the old ones stay, any may be chosen again."""
    conversation = exchange(store)
    assert store.add_variant(conversation, 1, "never", ORIGIN) == 1
    assert store.add_variant(conversation, 1, "on mondays", ORIGIN) == 2
    reply = store.open(conversation)[1]
    assert [variant.text for variant in reply.variants] == ["alwys", "never", "on mondays"]
    assert reply.text == "on mondays"
    store.choose(conversation, 1, 0)
    assert store.open(conversation)[1].text == "alwys"
    assert store.summary(conversation).messages == 2
    with pytest.raises(ChatsError, match="no variant 9"):
        store.choose(conversation, 1, 8)
    assert store.open(conversation)[1].text == "alwys"


def test_search_finds_words_beginnings_and_parts(store: ChatStore) -> None:
    """Every word must be there, in any order; scripts without spaces and emoji are found."""
    soup = exchange(store, "do you like Soup with bread?", "नमस्ते हिन्दी")
    pigs = exchange(store, "我喜欢喝汤 🐖", "naïve café")
    assert [hit.conversation for hit in store.search("bread sou")] == [soup]
    assert store.search("bread tea") == []
    assert [(hit.position, hit.role) for hit in store.search("हिन्दी")] == [(1, "me")]
    assert [hit.conversation for hit in store.search("喝汤")] == [pigs]
    assert [hit.conversation for hit in store.search("🐖")] == [pigs]
    assert [hit.conversation for hit in store.search("cafe")] == [pigs]
    store.add_variant(pigs, 1, "tea then", ORIGIN)
    assert store.search("naïve") == []
    assert store.search("  ") == []


@given(query=st.text(st.characters(exclude_categories=())))
@settings(max_examples=300, deadline=None)
def test_search_is_safe_against_any_query(query: str) -> None:
    """Quotes, operators, NUL, lone surrogates: a result, never an error."""
    with ChatStore(":memory:") as store:
        exchange(store, "soup", "bread")
        for tried in (query, f'"{query}', f"soup AND {query}", f"{query}*", "NEAR(" + query):
            assert isinstance(store.search(tried), list)
        assert store.search("word " * 5000) == []


@pytest.mark.parametrize("text", ["a\0b", "\ud800 alone", "a\u2028b", "\x1b[31m", "<|me|>", "🐖"])
def test_any_text_is_kept_as_it_is(store: ChatStore, text: str) -> None:
    """Only lone surrogates, which no file can hold, are replaced; an import reads the export."""
    conversation = exchange(store, text, text)
    kept = text.replace("\ud800", "\ufffd")
    assert [message.text for message in store.open(conversation)] == [kept, kept]
    Path("out.jsonl").write_text("".join(store.export([conversation])), encoding="utf-8")
    (item,) = read_path(Path("out.jsonl"))
    assert [message.text for message in item.messages] == [kept, kept]


def test_an_export_is_read_by_an_import(store: ChatStore, corpus: CorpusStore) -> None:
    """A conversation a line, the chosen and corrected texts, user and assistant."""
    first, second = exchange(store), exchange(store, "tea?", "no")
    store.add_variant(first, 1, "ever", ORIGIN)
    store.edit(second, 1, "yes\nplease", corpus)
    lines = list(store.export())
    assert [json.loads(line)["messages"][1]["content"] for line in lines] == ["ever", "yes\nplease"]
    assert json.loads(lines[0])["messages"][0] == {"role": "user", "content": "soup?"}
    Path("chats.jsonl").write_text("".join(lines))
    result = corpus.add("chats", "jsonl", read_path(Path("chats.jsonl")))
    assert result.conversations == 2
    assert result.dropped.total() == 0


def test_a_correction_is_learned_and_can_be_taken_back(
    store: ChatStore, corpus: CorpusStore
) -> None:
    """The pair holds what was said right before, not what the model said earlier."""
    conversation = exchange(store)
    store.append(conversation, "them", "and tea?")
    store.append(conversation, "them", "with milk?")
    store.append(conversation, "me", "nmo", ORIGIN)
    assert store.edit(conversation, 4, "no milk", corpus)
    expected = [("them", "and tea?"), ("them", "with milk?"), ("me", "no milk")]
    assert pairs(corpus) == [expected]
    (stored,) = corpus.conversations()
    assert stored.raw_ref == f"chat {conversation}, message 5"
    (source,) = corpus.sources()
    assert (source.source, source.kind) == ("edits", "edit")
    reply = store.open(conversation)[4]
    assert (reply.text, reply.corrected) == ("no milk", True)
    assert store.summary(conversation).corrections == 1
    assert store.search("nmo") == []

    assert store.undo(conversation, 4, corpus) == "nmo"
    assert pairs(corpus) == []
    reply = store.open(conversation)[4]
    assert (reply.text, reply.corrected) == ("nmo", False)
    with pytest.raises(ChatsError, match="not corrected"):
        store.undo(conversation, 4, corpus)


def test_correcting_twice_replaces_the_pair(store: ChatStore, corpus: CorpusStore) -> None:
    """One reply, one correction: also after another variant was written."""
    conversation = exchange(store)
    store.edit(conversation, 1, "always", corpus)
    store.edit(conversation, 1, "always, with bread", corpus)
    assert pairs(corpus) == [[("them", "soup?"), ("me", "always, with bread")]]
    store.add_variant(conversation, 1, "nver", ORIGIN)
    store.edit(conversation, 1, "never", corpus)
    assert pairs(corpus) == [[("them", "soup?"), ("me", "never")]]
    texts = [variant.text for variant in store.open(conversation)[1].variants]
    assert texts == ["alwys", "never"]
    assert store.undo(conversation, 1, corpus) == "nver"
    assert pairs(corpus) == []
    # Taken back, the same may be learned again.
    assert store.edit(conversation, 1, "never", corpus)
    assert len(pairs(corpus)) == 1


def test_only_its_own_pair_is_taken_back(store: ChatStore, corpus: CorpusStore) -> None:
    """What was imported, and what another chat taught as well, stays."""
    Path("a.jsonl").write_text(
        '{"messages": [{"role": "them", "content": "tea?"}, {"role": "me", "content": "yes"}]}\n'
    )
    corpus.add("a", "jsonl", read_path(Path("a.jsonl")))
    imported = exchange(store, "tea?")
    one, two = exchange(store), exchange(store)
    for conversation, text in ((imported, "yes"), (one, "always"), (two, "always")):
        assert store.edit(conversation, 1, text, corpus)
    assert pairs(corpus) == [[("them", "soup?"), ("me", "always")]]
    store.undo(imported, 1, corpus)
    store.undo(one, 1, corpus)
    assert len(list(corpus.conversations())) == 2
    store.undo(two, 1, corpus)
    (left,) = corpus.conversations()
    assert left.source == "a"


def test_impossible_corrections_are_refused(store: ChatStore, corpus: CorpusStore) -> None:
    """Nothing, nothing new, no reply, no such chat: one sentence, nothing changed."""
    conversation = exchange(store)
    for position, text, words in ((1, " \n", "some text"), (1, "alwys", "already"),
                                  (0, "x", "not a reply"), (7, "x", "not a reply")):  # fmt: skip
        with pytest.raises(ChatsError, match=words):
            store.edit(conversation, position, text, corpus)
    with pytest.raises(ChatsError, match="no chat 99"):
        store.edit(99, 1, "x", corpus)
    assert pairs(corpus) == []
    assert not store.open(conversation)[1].corrected


def test_a_corpus_that_cannot_be_written_undoes_the_correction(
    store: ChatStore, corpus: CorpusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both databases say the same, whichever fails."""
    conversation = exchange(store)
    monkeypatch.setattr("inkling.database.BUSY_MS", 1)
    other = sqlite3.connect("corpus.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CorpusError, match="Another inkling command"):
        store.edit(conversation, 1, "always", corpus)
    other.close()
    assert store.open(conversation)[1].text == "alwys"
    assert store.edit(conversation, 1, "always", corpus)


def test_corrections_are_never_held_out_and_win_over_near_copies(
    store: ChatStore, corpus: CorpusStore
) -> None:
    """All of them are trained on, and they change nothing of what is held out otherwise."""
    lines = [
        json.dumps({"prompt": f"what of number {n}, then?", "completion": f"{n} is mine, ask"})
        for n in range(40)
    ]
    Path("a.jsonl").write_text("\n".join(lines))
    corpus.add("a", "jsonl", read_path(Path("a.jsonl")))
    before = split_corpus(corpus.documents(), corpus.conversations())
    for n in range(30):
        store.edit(exchange(store, f"who is {n * 31}?"), 1, f"an aunt, {n * 17} of them", corpus)
    after = split_corpus(corpus.documents(), corpus.conversations())
    assert after.held_out_dialogs == before.held_out_dialogs != ()
    learned = {turns for dialog in after.train_dialogs for _, turns in dialog.turns}
    assert {f"an aunt, {n * 17} of them" for n in range(30)} <= learned

    # One long chat and one correction: the chat still gives what is held out.
    Path("only").mkdir()
    with CorpusStore(Path("only/corpus.db")) as single:
        messages = (
            Message(role, role == "me", f"day {n}", timestamp=f"2025-01-{n:02}T10:00:00Z")
            for n in range(1, 21)
            for role in ("them", "me")
        )
        single.add("chat", "txt", [Conversation(tuple(messages), "chat")])
        store.edit(exchange(store, "who?"), 1, "me, of course", single)
        split = split_corpus(single.documents(), single.conversations())
        assert split.train_dialogs[0].turns[-1] == ("me", "me, of course")
        assert [d.turns[-1][1] for d in split.held_out_dialogs] == ["day 19", "day 20"]


def test_a_deleted_chat_is_gone_from_the_file(store: ChatStore, corpus: CorpusStore) -> None:
    """Its words stand in no file afterwards, its corrections not in the corpus; others stay."""
    kept = exchange(store, "bread?")
    doomed = exchange(store, "zanzibarian secrets " * 200, "wuthering reply")
    store.edit(doomed, 1, "quixotic correction", corpus)
    store.delete(doomed, corpus)
    for word in (b"zanzibarian", b"wuthering", b"quixotic"):
        for path in Path().glob("chats.db*"):
            assert word not in path.read_bytes(), (word, path)
    assert pairs(corpus) == []
    assert [c.id for c in store.list()] == [kept]
    assert store.search("zanzibarian") == []
    with pytest.raises(ChatsError, match="may have been deleted"):
        store.open(doomed)
    assert exchange(store) > doomed


def test_a_killed_process_loses_no_saved_message() -> None:
    """kill -9 right after a message was saved: it is there."""
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom inkling.chats import ChatStore\n"
        "store = ChatStore(Path('chats.db'))\n"
        "conversation = store.create('terminal')\n"
        "for n in range(50): store.append(conversation, 'them', f'message {n}')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    with ChatStore(Path("chats.db")) as store:
        (chat,) = store.list()
        assert [m.text for m in store.open(chat.id)] == [f"message {n}" for n in range(50)]


def test_failures_of_the_file_are_explained(
    store: ChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged, of a newer Inkling, locked, full, a folder: what happened and what to do."""
    conversation = exchange(store)
    Path("damaged.db").write_bytes(b"this is no database, it is a text of some length" * 40)
    with pytest.raises(ChatsError, match=r"damaged .*Move that file away"):
        ChatStore(Path("damaged.db"))
    with sqlite3.connect("newer.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(ChatsError, match="newer version of Inkling"):
        ChatStore(Path("newer.db"))
    Path("folder.db").mkdir()
    with pytest.raises(ChatsError, match=r"is not a file\. Move that file away"):
        ChatStore(Path("folder.db"))
    other = sqlite3.connect("chats.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("inkling.database.BUSY_MS", 1)
    with pytest.raises(ChatsError, match="Another inkling command"):
        store.append(conversation, "them", "hello?")
    other.close()
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ChatsError, match="Free some disk space"):
        store.append(conversation, "them", "long " * 10_000)
    assert [m.text for m in store.open(conversation)] == ["soup?", "alwys"]
