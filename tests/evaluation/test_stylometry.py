"""Habits counted by hand, distances by hand, and voices that are and are not alike."""

from __future__ import annotations

import math

import numpy as np
import pytest

from inkling.evaluation.stylometry import (
    compare_voices,
    distance,
    frequent_words,
    generic_replies,
    habits,
    is_emoji,
    sentences,
    words,
)
from tests.conftest import DEMO


def test_distance_by_hand() -> None:
    """Equal habits 0, nothing in common 1, and one worked out: p = (1, 0), q = (½, ½)."""
    assert distance(np.array([2, 1]), np.array([4, 2])) == pytest.approx(0)
    assert distance(np.array([3, 0]), np.array([0, 5])) == pytest.approx(1)
    # Middle (¾, ¼): half of 1·log2(4/3), plus half of ½·log2(2/3) + ½·log2(2).
    expected = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5) / 2
    assert distance(np.array([7, 0]), np.array([3, 3])) == pytest.approx(math.sqrt(expected))
    assert distance(np.zeros(2), np.zeros(2)) == 0
    assert distance(np.zeros(2), np.ones(2)) == 1


def test_counting_by_hand() -> None:
    """Words, sentences, capitals, marks and lengths of one small reply."""
    text = "I can't. Pellworth is WET!\n🐖 2 piers"
    assert words(text) == ["i", "can't", "pellworth", "is", "wet", "piers"]
    assert sentences(text) == ["I can't.", "Pellworth is WET!", "🐖 2 piers"]
    counted = habits(["is it? it is", "i can't"])
    assert counted["frequent words"](text) == {"i": 1, "can't": 1, "is": 1, "other": 3}
    assert counted["capitals"](text) == {"Title": 2, "lower": 3, "UPPER": 1}
    marks = counted["punctuation, digits, emoji"](text)
    assert {key: marks[key] for key in (".", "!", "'", "\n", "emoji", "digit")} == {
        ".": 1, "!": 1, "'": 1, "\n": 1, "emoji": 1, "digit": 1,
    }  # fmt: skip
    assert sum(marks.values()) == len(text)
    assert sum(counted["sentence length"](text).values()) == 3
    assert sum(counted["reply length"](text).values()) == 1
    assert counted["letter trigrams"]("is")[" is"] == 1
    assert is_emoji("🐖")
    assert not is_emoji("é")


def test_frequent_words_have_one_order() -> None:
    """By count, then by alphabet."""
    assert frequent_words(["b a c b"], 3) == ("b", "a", "c")


def replies() -> list[str]:
    """What the demo's author wrote in her messages."""
    lines = (DEMO / "dms.txt").read_text(encoding="utf-8").splitlines()
    return [line[4:] for line in lines if line.startswith("me: ")]


def test_voices() -> None:
    """Other replies of the author are no further from her than she is from herself; generic
    text is; and generic text in the model's place is all the way there."""
    all_replies = replies()
    real, other, rest = all_replies[:60], all_replies[60:120], all_replies[120:]
    generic = generic_replies()
    same = compare_voices(rest, real, other, generic, halvings=40)
    assert same.model.mean == pytest.approx(same.you.mean, abs=0.03)
    assert same.generic.low > same.model.high
    # The smallest of the four sides decides how much of each is read.
    assert same.characters < sum(map(len, real)) * 0.55
    assert same.position is not None
    assert same.position.low < 0 < same.position.high or abs(same.position.mean) < 0.1
    foreign = compare_voices(rest, real[:40], generic[:40], generic, halvings=40)
    assert foreign.position is not None
    assert foreign.position.mean == pytest.approx(1, abs=0.1)
    assert {row.habit for row in foreign.habits} == set(habits([]))
    capitals = next(row for row in foreign.habits if row.habit == "capitals")
    assert capitals.model > capitals.you + 0.1


def test_two_generic_voices_cannot_be_told_apart() -> None:
    """Where "you" are generic yourself, nothing is claimed."""
    generic = generic_replies()
    found = compare_voices(generic, generic[:20], generic[20:40], generic[:20], halvings=40)
    assert found.position is None


def test_the_same_seed_the_same_card() -> None:
    """And another seed another one."""
    all_replies = replies()
    arguments = (all_replies[60:], all_replies[:20], all_replies[20:40], generic_replies())
    one, two, three = (compare_voices(*arguments, seed=s, halvings=10) for s in (1, 1, 2))
    assert one == two
    assert one.you != three.you


def test_the_generic_text_is_what_the_report_says() -> None:
    """Some forty replies, about six thousand characters, none of them the author's."""
    generic = generic_replies()
    assert 35 <= len(generic) <= 60
    assert 5_000 <= sum(map(len, generic)) <= 7_000
    assert not set(generic) & set(replies())
