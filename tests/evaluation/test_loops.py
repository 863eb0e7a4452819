"""Loops, exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inkling.evaluation.loops import GeneratedReply, count_loops, has_loop


@given(st.text("ab", max_size=40), st.integers(1, 5), st.integers(1, 4))
def test_equals_brute_force(text: str, length: int, times: int) -> None:
    """Some string of that length begins at that many places."""
    places = range(len(text) - length + 1)
    expected = any(
        sum(text.startswith(text[at : at + length], other) for other in places) >= times
        for at in places
    )
    assert has_loop(text, length, times) == expected


def test_the_limits() -> None:
    """Twenty characters three times; neither nineteen nor twice."""
    twenty = "the tide comes in at"
    assert len(twenty) == 20
    assert has_loop(f"{twenty}, {twenty}; {twenty}")
    assert not has_loop(f"{twenty}, {twenty}")
    assert not has_loop(f"{twenty[1:]}1{twenty[1:]}2{twenty[1:]}3")
    assert has_loop("-" * 22)
    assert not has_loop("-" * 21)
    assert not has_loop("")


def test_counting() -> None:
    """Each reply may be counted in several ways."""
    found = count_loops(
        [
            GeneratedReply("-" * 30, True),
            GeneratedReply(" \n", False),
            GeneratedReply("fine", False),
        ]
    )
    assert (found.replies, found.looping, found.empty, found.cut_off) == (3, 1, 1, 1)
