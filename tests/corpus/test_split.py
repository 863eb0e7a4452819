"""The honest split: three paddings caught, an ordinary corpus left as it is."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.document import Conversation, Document, Message
from inkling.corpus.duplicates import Section, cluster_duplicates, cut_sections
from inkling.corpus.split import Split, leak, split_corpus
from inkling.corpus.store import CorpusStore


def split_of(documents: Sequence[Document], conversations: Sequence[Conversation] = ()) -> Split:
    """Split documents that went through a real database."""
    path = Path("corpus.db")
    path.unlink(missing_ok=True)
    with CorpusStore(path) as store:
        store.add("test", "folder", [*documents, *conversations])
        return split_corpus(store.documents(), store.conversations())


def essays(posts: list[Path], count: int) -> list[str]:
    """Bodies of demo posts: real prose, all different."""
    return [post.read_text().split("---", 2)[2].strip() for post in posts[:count]]


def fifty_character_runs(text: str) -> set[str]:
    text = " ".join(text.split())
    return {text[i : i + 50] for i in range(len(text) - 49)}


def true_leak(split: Split) -> float:
    """The leak by brute force, independent of the meter."""
    train = fifty_character_runs(" ".join(section.text for section in split.train))
    total = covered = 0
    for section in split.held_out:
        text = " ".join(section.text.split())
        inside = [False] * len(text)
        for i in range(len(text) - 49):
            if text[i : i + 50] in train:
                inside[i : i + 50] = [True] * 50
        covered += sum(inside)
        total += len(text)
    return covered / total


def test_padding_one_many_copies_in_many_files(posts: list[Path]) -> None:
    """Ten essays saved thirty times each with a changed header: one copy of each is kept."""
    originals = essays(posts, 10)
    copies = [
        Document(f"Copy {copy} of note {n}, saved again\n\n{text}", f"{n}-{copy}.txt")
        for copy in range(30)
        for n, text in enumerate(originals)
    ]
    split = split_of(copies)
    kept = split.train_characters + split.held_out_characters
    assert kept < 1.25 * sum(map(len, originals))
    assert true_leak(split) < 0.01
    assert split.leak == pytest.approx(true_leak(split), abs=0.01)
    assert split.sentences()[0].startswith("9")
    assert "repeats itself" in split.sentences()[0]


@pytest.mark.parametrize("header", ["# Essay {n}, edition {c}", "Edition {c}, printed for {n}"])
def test_padding_two_one_file_with_changed_headers(posts: list[Path], header: str) -> None:
    """The seed's own padding: ten essays some thirty times over in a single file."""
    originals = essays(posts, 10)
    blocks = [
        f"{header.format(n=n, c=copy)}\n\n{text}"
        for copy in range(30)
        for n, text in enumerate(originals)
    ]
    split = split_of([Document("\n\n".join(blocks), "corpus.txt")])
    kept = split.train_characters + split.held_out_characters
    assert kept < 1.3 * sum(map(len, originals))
    assert true_leak(split) < 0.02
    assert split.leak == pytest.approx(true_leak(split), abs=0.01)
    # Without the rule, the last tenth of the file would be a copy of what stands before it.
    naive = "\n\n".join(blocks)
    cut = int(0.9 * len(naive))
    sections = [Section("d", 0, naive[:cut])], [Section("d", cut, naive[cut:])]
    assert leak(*sections) > 0.9


def test_padding_three_recombined_sentences_and_shuffled_answers(posts: list[Path]) -> None:
    """Sentences dealt anew into essays, answers dealt anew to questions: clustering cannot
    mend that, so the meters see it and the headline says so."""
    dealt = random.Random(1)
    sentences = [s for text in essays(posts, 6) for s in re.split(r"(?<=[.!?])\s+", text)]
    documents = [Document(" ".join(dealt.sample(sentences, 40)), f"{n}.txt") for n in range(60)]
    answers = [s for s in sentences if 20 <= len(s) <= 120][:80]
    conversations = [
        Conversation(
            tuple(
                message
                for turn in range(3)
                for message in (
                    Message("them", False, f"question {n} {turn}?"),
                    Message("me", True, dealt.choice(answers)),
                )
            ),
            f"{n}",
        )
        for n in range(100)
    ]
    split = split_of(documents, conversations)
    assert split.leak > 0.5
    assert split.leak == pytest.approx(true_leak(split), abs=0.05)
    assert split.reply_leak > 0.5
    said = " ".join(split.sentences())
    assert "Careful" in said
    assert "better than the model is" in said
    assert "held-out replies" in said


def test_honest_writing_is_left_alone(posts: list[Path]) -> None:
    """Forty-eight different posts: nothing dropped, the last tenth by date held out, no leak."""
    documents = []
    for post in posts:
        _, matter, body = post.read_text().split("---", 2)
        date = re.search(r"date: (\S+)", matter)
        assert date is not None
        documents.append(Document(body.strip(), post.name, timestamp=date[1]))
    split = split_of(documents)
    assert split.duplicate_sections == 0
    assert split.leak < 0.01
    total = split.train_characters + split.held_out_characters
    assert total == sum(len(d.text) for d in documents)
    assert 0.05 < split.held_out_characters / total < 0.15
    newest = sorted(documents, key=lambda d: d.timestamp or "")[-1]
    assert {s.document for s in split.held_out} >= {newest.content_hash}
    assert not {s.document for s in split.held_out} & {s.document for s in split.train}


def test_a_single_text_is_cut_at_exactly_nine_tenths(posts: list[Path]) -> None:
    """One text without repeats: the first int(0.9 n) characters train, the rest is held out."""
    text = "\n\n".join(essays(posts, 5))
    split = split_of([Document(text, "book.txt")])
    cut = int(0.9 * len(text))
    assert "".join(s.text for s in split.train) == text[:cut]
    assert "".join(s.text for s in split.held_out) == text[cut:]


def test_a_tenth_of_the_conversations_is_held_out_whole() -> None:
    """No exchange of a held-out conversation is trained on; the same corpus splits the same."""
    conversations = [
        Conversation(
            (
                Message("them", False, f"how is number {n}"),
                Message("me", True, f"number {n} is fine"),
            ),
            str(n),
        )
        for n in range(200)
    ]
    one, two = split_of([], conversations), split_of([], conversations)
    assert one.held_out_dialogs == two.held_out_dialogs
    assert len(one.held_out_dialogs) == 20
    assert len(one.train_dialogs) == 180
    assert not {d.conversation for d in one.held_out_dialogs} & {
        d.conversation for d in one.train_dialogs
    }


def test_of_near_copies_of_a_dialog_one_is_kept() -> None:
    """A chat that was exported again with one message more is on one side only, and once."""
    said = [
        (Message("them", False, f"what became of the number {n} of {n * n}?"),
         Message("me", True, f"the {n * 7} went to the pier and came back as {n * 13}"))
        for n in range(40)
    ]  # fmt: skip
    chats = [
        Conversation(tuple(m for turn in said[4 * n : 4 * n + 4] for m in turn), str(n))
        for n in range(10)
    ]
    again = Conversation((*chats[3].messages, Message("them", False, "and?")), "again")
    split = split_of([], [*chats, again])
    assert len(split.train_dialogs) + len(split.held_out_dialogs) == 10
    assert split.reply_leak == 0


@given(st.text(alphabet="ab. \n#-é", max_size=3000))
@settings(max_examples=100, deadline=None)
def test_sections_join_to_the_text(text: str) -> None:
    """Nothing is lost or moved by cutting, whatever the text looks like."""
    sections = list(cut_sections("d", text))
    assert "".join(section.text for section in sections) == text
    position = 0
    for section in sections:
        assert section.start == position
        position = section.stop


def test_sections_have_the_size_that_was_promised(posts: list[Path]) -> None:
    """500 to 4,000 characters, the last of a text excepted; also without any blank line."""
    long = " ".join(essays(posts, 4)).replace("\n", " ")
    for text in ("\n\n".join(essays(posts, 6)), long):
        sections = list(cut_sections("d", text))
        assert all(len(s.text) <= 4_500 for s in sections)
        assert sum(len(s.text) < 250 for s in sections[:-1]) == 0
        assert len(sections) > 3


def test_near_duplicates_cluster_and_different_texts_do_not(posts: list[Path]) -> None:
    """One word in eighty changed is the same text; another post is another text."""
    texts = essays(posts, 6)
    changed = []
    for text in texts:
        words = text.split(" ")
        words[::80] = ["indeed"] * len(words[::80])
        changed.append(" ".join(words))
    assert cluster_duplicates(texts + changed) == [0, 1, 2, 3, 4, 5] * 2


def test_boilerplate_is_no_leak() -> None:
    """A footer under every post does not count against the split."""
    footer = "Thank you for reading; reply to this letter and it will reach me at my own desk."
    generator = random.Random(0)
    words = [f"w{n}" for n in range(400)]
    documents = [
        Document(f"{' '.join(generator.choices(words, k=300))}\n\n{footer}", f"{n}.txt")
        for n in range(20)
    ]
    assert split_of(documents).leak == 0.0


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_a_few_long_chats_the_end_of_each_is_held_out(count: int) -> None:
    """One session of 40 exchanges each: the last four, whole, and nothing is lost."""
    chance = random.Random(3)

    def said() -> str:
        return " ".join("".join(chance.choices("aeiouln", k=5)) for _ in range(6))

    chats = [
        Conversation(
            tuple(Message("me" if i % 2 else "ada", bool(i % 2), said()) for i in range(80)), ""
        )
        for _ in range(count)
    ]
    split = split_of([], chats)
    assert len(split.train_dialogs) == len(split.held_out_dialogs) == count
    for dialog in split.held_out_dialogs:
        assert len(dialog.turns) == 8
        assert dialog.turns[0][0] == "them"
    for dialog in split.train_dialogs:
        assert len(dialog.turns) == 72
