"""Words that belong together, found for one another."""

from __future__ import annotations

import re

import pytest

from inkling.memory.index import Index
from inkling.memory.lookup import nearest
from inkling.memory.records import Record
from inkling.memory.related_words import groups, related

SAID = [
    Record("where did you grow up", "in a village, behind the church"),
    Record("what do you drink", "tea, strong"),
    Record("have you got a brother", "one, and that is plenty"),
    Record("is the van for sale", "not while it rolls"),
]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("were you a town kid?", "in a village, behind the church"),
        ("any siblings?", "one, and that is plenty"),
        ("which car is that?", "not while it rolls"),
    ],
)
def test_a_related_word_is_found(asked: str, answered: str) -> None:
    """Though no word of the question stands in what was said."""
    assert nearest(Index.build(SAID), asked)[0].record.reply == answered


def test_the_word_itself_counts_more() -> None:
    """What a message says finds it before what is only related to it."""
    said = [*SAID, Record("did you see the town", "twice")]
    assert nearest(Index.build(said), "which town was it")[0].record.reply == "twice"


def test_regular_forms_are_related_as_their_base_is() -> None:
    """By spelling alone."""
    forms = ("towns", "hiking", "jogging", "ferries", "rented")
    for form, base in zip(forms, ("town", "hike", "jog", "ferry", "rent"), strict=True):
        assert related(form) == related(base) != ()


def test_most_words_are_related_to_nothing() -> None:
    """Names, words that say nothing, other languages, no word at all."""
    for word in ("xylophagous", "the", "dorf", "面条", "🐖", "s", "ing", "", "a" * 10_000):
        assert related(word) == ()


def test_every_line_is_a_group() -> None:
    """Plain words, each once, related to all others of the line and not to themselves."""
    assert len(groups()) > 100
    for group in groups():
        assert all(re.fullmatch("[a-z]+", word) for word in group), group
        assert len(set(group)) == len(group) > 1
        for word in group:
            assert set(group) - {word} <= set(related(word))
            assert word not in related(word)
