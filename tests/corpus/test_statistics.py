"""A corpus in numbers: sums that agree with the list of sources, months, people, languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from inkling.corpus.dataset import Dataset
from inkling.corpus.document import Conversation, Document, Message
from inkling.corpus.languages import OTHER, language_of
from inkling.corpus.split import split_corpus
from inkling.corpus.statistics import count_corpus
from inkling.corpus.store import CorpusStore
from tests.conftest import DEMO

LONG = "The harbour was quiet, and nobody knew why it was that quiet on a market day. " * 10


def talk(*said: tuple[str, str, str | None]) -> Conversation:
    """Messages as (author, text, time)."""
    return Conversation(
        tuple(Message(who, who == "me", text, timestamp=when) for who, text, when in said),
        "chat.txt",
        people={"ada": "Ada", "bo": "Bo"},
    )


def test_the_sums_are_those_of_the_sources() -> None:
    """Documents, dialogs, messages and characters; months and undated ones make up all of them."""
    with CorpusStore(Path("corpus.db")) as store:
        store.add("posts", "folder", [
            Document(LONG, "a.md", "A", "2024-02-03"), Document("Sans date, et voilà.", "b.md"),
        ])  # fmt: skip
        store.add("chat", "jsonl", [
            talk(("ada", "soup?", "2024-02-10T10:00:00Z"), ("me", "always", "2024-03-01T08:00")),
            talk(("bo", "und?", None), ("me", "nein", None), ("bo", "gut", None)),
        ])  # fmt: skip
        store.add("more", "jsonl", [talk(("ada", "hello there", None), ("me", "hi", None))])
        counts, sources = count_corpus(store), store.sources()
    assert counts.documents == sum(source.documents for source in sources) == 2
    assert counts.dialogs == sum(source.conversations for source in sources) == 3
    assert counts.messages == sum(source.messages for source in sources) == 7
    assert counts.characters == sum(source.characters for source in sources)
    dated = {month.month: month.characters for month in counts.by_month}
    assert dated == {"2024-02": len(LONG) + 5, "2024-03": 6}
    assert counts.undated + sum(dated.values()) == counts.characters
    assert [(person.name, person.messages) for person in counts.people] == [("Ada", 2), ("Bo", 2)]
    assert counts.languages[0].name == "English"
    assert sum(language.share for language in counts.languages) == pytest.approx(1)


def test_what_stands_twice_counts_as_repeated() -> None:
    """The same long text with another beginning is a half of two."""
    other = LONG.replace("harbour", "station").replace("quiet", "loud")
    with CorpusStore(Path("corpus.db")) as store:
        store.add("posts", "folder", [Document(LONG, "a.md"), Document(other, "c.md")])
        alone = count_corpus(store).duplicates
        store.add("copy", "folder", [Document(LONG.rstrip(), "b.md")])
        assert count_corpus(store).duplicates > alone + 0.2


def test_repetitions_are_those_that_a_training_leaves_out() -> None:
    """Paragraphs that a text takes over from several earlier ones, between new ones, count too."""
    posts = sorted((DEMO / "posts").glob("*.md"))[:6]
    paragraphs = [post.read_text().split("\n\n")[2:] for post in posts]
    mixed = ["\n\n".join(words) for words in zip(*paragraphs, strict=False)]
    texts = ["\n\n".join(post) for post in paragraphs] + ["\n\n".join(mixed)]
    with CorpusStore(Path("corpus.db")) as store:
        store.add("posts", "folder", [Document(text, f"{n}") for n, text in enumerate(texts)])
        dataset = Dataset.of(store)
        split = split_corpus(dataset.documents(), dataset.conversations())
        assert split.duplicate_characters > 0.2 * split.all_characters
        left_out = split.duplicate_characters / split.all_characters
        assert count_corpus(store).duplicates == pytest.approx(left_out)


def test_an_empty_corpus_has_numbers() -> None:
    """All of them nothing."""
    with CorpusStore(Path("corpus.db")) as store:
        counts = count_corpus(store)
    assert (counts.documents, counts.characters, counts.duplicates) == (0, 0, 0.0)
    assert counts.by_month == counts.people == counts.languages == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I don't know what that was, but it was for you.", "English"),
        ("ich weiß nicht, was das war, aber es ist für dich", "German"),
        ("je ne sais pas ce que c’était, mais c’est pour vous", "French"),
        ("no sé qué era, pero es para ti y los niños", "Spanish"),
        ("я не знаю, что это было, но это для тебя", "Russian"),
        ("это не то, чего ты хотел? ну так и было", "Russian"),
        ("何だったのか分からない", "Japanese"),
        ("我不知道那是什么", "Chinese"),
        ("لا أعرف ما كان ذلك", "Arabic"),
        ("123 !!! 🙂", OTHER),
        ("", OTHER),
    ],
)
def test_a_language_is_guessed(text: str, language: str) -> None:
    """By script, else by little words."""
    assert language_of(text) == language
