"""A part of a corpus: about so large, always the same, and of every kind something."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from inkling.corpus.dataset import Dataset
from inkling.corpus.document import Conversation, Document, Message
from inkling.corpus.part import part_of
from inkling.corpus.split import split_corpus
from inkling.corpus.store import CorpusStore


def text(seed: int, words: int) -> str:
    """Paragraphs of different words."""
    chance = random.Random(seed)
    made = ["".join(chance.choices("aeioulnrst", k=6)) for _ in range(words)]
    return "\n\n".join(" ".join(made[i : i + 40]) for i in range(0, words, 40))


def talk(seed: int, messages: int) -> Conversation:
    """A conversation of two."""
    said = text(seed, messages * 8).split()
    return Conversation(
        title=None, timestamp=None, raw_ref="",
        messages=tuple(
            Message("me" if i % 2 else "ada", bool(i % 2), " ".join(said[i * 8 : i * 8 + 8]))
            for i in range(messages)
        ),
    )  # fmt: skip


def store_of(documents: list[int], talks: list[int]) -> CorpusStore:
    """Documents of so many words, conversations of so many messages."""
    store = CorpusStore(Path("corpus.db"))
    store.add("a", "text", [
        Document(title=None, timestamp=None, raw_ref="", text=text(i, words))
        for i, words in enumerate(documents)
    ])  # fmt: skip
    store.add("b", "chat", [talk(1000 + i, messages) for i, messages in enumerate(talks)])
    return store


@pytest.mark.parametrize("share", [0.1, 0.37, 0.8])
@pytest.mark.parametrize(
    ("documents", "talks"), [([400] * 300, [4] * 400), ([20_000, 9_000], [2_000]), ([30_000], [])]
)
def test_a_part_is_about_as_large_as_asked(
    documents: list[int], talks: list[int], share: float
) -> None:
    """Many small ones or few large ones, and it is the same part each time."""
    with store_of(documents, talks) as store:
        everything = sum(source.characters for source in store.sources())
        found, conversations, counted = part_of(Dataset.of(store), round(share * everything))
        read = list(conversations)
        size = sum(len(document.text) for document in found)
        size += sum(len(message.text) for talk in read for message in talk.messages)
        assert counted == pytest.approx(share, rel=0.01)
        assert size == pytest.approx(share * everything, rel=0.1)
        again, others, _ = part_of(Dataset.of(store), round(share * everything))
        assert list(again) == list(found)
        assert list(others) == read
        split = split_corpus(found, read)
        assert split.train_characters > 0.8 * sum(len(document.text) for document in found)
        assert split.held_out_characters > 0
        assert all(section.text for section in split.held_out)


def test_all_of_a_corpus_is_no_part() -> None:
    """A limit beyond it, or none."""
    with store_of([400] * 30, [4] * 30) as store:
        for limit in (0, 10**9):
            documents, conversations, share = part_of(Dataset.of(store), limit)
            assert share == 1
            assert len(list(documents)) == 30
            assert len(list(conversations)) == 30
