"""Which draft is said."""

import pytest

from inkling.memory.index import Index
from inkling.memory.lookup import nearest
from inkling.memory.ranking import AGREEMENT, RECITAL, REPETITION, Ranking, repetition
from inkling.memory.records import Record
from inkling.memory.words import words

INDEX = Index.build(
    [
        Record("can you swim", "no, i never learned to swim"),
        Record("what do you drink", "tea, strong, no sugar"),
        Record("where is the van", "behind the chip shop"),
    ]
)


@pytest.fixture
def ranking() -> Ranking:
    return Ranking(INDEX, nearest(INDEX, "can you swim", count=1))


def test_an_earlier_reply_word_for_word_is_fined(ranking: Ranking) -> None:
    """It agrees with itself wholly, and loses RECITAL; the same words in another order do not."""
    recited = ranking.rank("No, I never  learned to swim", -0.5)
    assert recited == pytest.approx(-0.5 + AGREEMENT - RECITAL)
    assert ranking.rank("i never learned to swim, no", -0.5) == pytest.approx(-0.5 + AGREEMENT)
    assert RECITAL > 0


def test_a_draft_that_repeats_itself_is_fined(ranking: Ranking) -> None:
    """The same words twice agree as well as once, and lose REPETITION by their share."""
    once, twice = "i never learned, no", "i never learned, no i never learned, no"
    expected = REPETITION * repetition(words(twice))
    assert ranking.rank(once, -0.5) - ranking.rank(twice, -0.5) == pytest.approx(expected)
    assert expected > 0.2


def test_a_draft_that_left_the_subject_ranks_behind(ranking: Ranking) -> None:
    """Agreement with what was looked up outweighs a little sureness."""
    assert ranking.rank("i never learned swimming, no", -0.6) > ranking.rank(
        "green soup, hot", -0.4
    )


def test_repetition_is_the_share_of_triples_said_before() -> None:
    """Six words twice: of ten triples six are new."""
    assert repetition(words("a b c d e f")) == 0
    assert repetition(words("a b c d e f a b c d e f")) == pytest.approx(0.4)
    assert repetition([]) == 0


def test_without_neighbours_the_surest_is_said() -> None:
    """Nothing looked up: the log-probability decides."""
    bare = Ranking(INDEX, ())
    assert bare.rank("green soup", -0.4) == pytest.approx(-0.4)
    assert bare.agreement(words("green soup")) == 0
