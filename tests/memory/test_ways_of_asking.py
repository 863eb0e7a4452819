"""First questions, in whatever words they are asked."""

from __future__ import annotations

import pytest

from inkling.memory.index import Index
from inkling.memory.lookup import nearest
from inkling.memory.records import Record
from inkling.memory.ways_of_asking import _by_words, groups, other_ways
from inkling.memory.words import words

SAID = [
    Record("what age will you be in march", "39, with luck"),
    Record("how old are you then", "38, and the knees of a sideboard"),
    Record("What's your name?", "wilma"),
    Record("where is the ferry", "late"),
    Record("what's the name of the cat", "pedal"),
]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("What are you called?", "wilma"),
        ("tell me your name please", "wilma"),
        ("what's your age", "38, and the knees of a sideboard"),
        ("hey, how old are you", "38, and the knees of a sideboard"),
    ],
)
def test_the_same_question_in_other_words_is_found(asked: str, answered: str) -> None:
    """Though no word of it stands in what was said."""
    assert nearest(Index.build(SAID), asked)[0].record.reply == answered


def test_another_first_question_is_no_neighbour() -> None:
    """However many words it shares: its answer is never this one's. One that holds the whole
    message may be."""
    said = [*SAID, Record("hi, how have you been?", "busy and a bit wet")]
    found = [each.record.reply for each in nearest(Index.build(said), "how are you?")]
    assert found[0] == "busy and a bit wet"
    assert not {"38, and the knees of a sideboard", "wilma"} & set(found)
    assert nearest(Index.build(said), "hi")[0].record.reply == "busy and a bit wet"


def test_other_questions_are_left_alone() -> None:
    """Only a whole way of asking counts, with a word or two beside it."""
    assert "hello" in other_ways("hi wilma!")
    assert "how are things" in other_ways("how are you today, dear")
    assert other_ways("hi, is the van still for sale") == ()
    assert other_ways("how are you getting on with the broadwood") == ()
    assert other_ways("") == other_ways("🎹") == other_ways("a " * 10_000) == ()


def test_no_way_of_asking_stands_in_twogroups() -> None:
    """Each asks one thing, and finds itself."""
    assert len(_by_words()) == len({tuple(words(way)) for group in groups() for way in group})
    for group in groups():
        for way in group:
            assert other_ways(way) == group


@pytest.mark.parametrize("before", ["hi", "where is the ferry", "what's the name of the cat"])
def test_a_first_question_is_found_whatever_was_said_before(before: str) -> None:
    """People say hi first, and then ask."""
    index = Index.build(SAID)
    history = [("them", before), ("me", nearest(index, before)[0].record.reply)]
    for asked, answered in [("what are you called", "wilma"),
                            ("how old are you?", "38, and the knees of a sideboard")]:  # fmt: skip
        assert nearest(index, asked, history)[0].record.reply == answered  # type: ignore[arg-type]
