"""p_memory by hand, and its properties."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inkling.memory.mixture import AGAIN, GROWTH, REACH, Continuations, Reading, mix

END = 9


def _p(reading: Reading, row: int = 0) -> dict[int, float]:
    values = reading.probabilities()[row]
    return {int(i): float(v) for i, v in zip(reading.continuations.ids, values, strict=True) if v}


def test_an_unwritten_reply_begins_as_the_neighbours_do() -> None:
    """Each neighbour offers its first token, by its weight."""
    reading = Reading(Continuations.of([[1, 2, END], [3, END]], [3.0, 1.0]), 1)
    assert _p(reading) == {1: 0.75, 3: 0.25}


def test_longer_matches_count_more() -> None:
    """After "1 2", a place behind "1 2" beats one behind "2" alone, e^GROWTH a token."""
    reading = Reading(Continuations.of([[1, 2, 4, END], [5, 2, 6, END]], [1.0, 1.0]), 1)
    reading.take(np.array([1]))
    assert _p(reading) == {2: 1.0}
    reading.take(np.array([2]))
    # Behind "begin 1 2": three in common; behind "2" in the second: one.
    expected = 1 / (1 + math.exp(-2 * GROWTH))
    assert math.isclose(_p(reading)[4], expected, rel_tol=1e-6)
    assert math.isclose(_p(reading)[6], 1 - expected, rel_tol=1e-5)


def test_a_text_of_its_own_gets_nothing_from_memory() -> None:
    """A token that no neighbour has ends the match, and `mix` leaves the model alone."""
    reading = Reading(Continuations.of([[1, 2, END]], [1.0]), 2)
    reading.take(np.array([7, 1]))
    p_SV = np.full((2, 10), 0.1)
    memory_SU = mix(p_SV, reading, 0.5)
    assert np.allclose(p_SV[0], 0.1)
    assert not memory_SU[0].any()
    assert np.allclose(p_SV[1], [0.05, 0.05, 0.55, *[0.05] * 7])


def test_what_was_copied_is_not_copied_again() -> None:
    """A place that was passed weighs AGAIN as much the second time."""
    reading = Reading(Continuations.of([[1, 2, 1, 3, END]], [1.0]), 1)
    for token in (1, 2, 1):
        reading.take(np.array([token]))
    # "begin 1 2 1" stands before 3 (REACH in common); "1" alone before the 2 that was passed.
    straight, back = math.exp(GROWTH * (REACH - 1)), AGAIN
    assert math.isclose(_p(reading)[3], straight / (straight + back), rel_tol=1e-5)


def test_rows_are_read_apart() -> None:
    """Drafts of one message neither see nor move each other."""
    parts = Continuations.of([[1, 2, END], [1, 4, END]], [1.0, 2.0])
    both, alone = Reading(parts, 2), Reading(parts, 1)
    both.take(np.array([1, 8]))
    both.take(np.array([2]), np.array([0]))
    alone.take(np.array([1]))
    alone.take(np.array([2]))
    assert np.array_equal(both.probabilities()[0], alone.probabilities()[0])
    assert not both.probabilities()[1].any()


def test_sources_name_the_neighbour() -> None:
    """Which neighbour a token came from, by mass."""
    reading = Reading(Continuations.of([[1, END], [1, 2, END], [3, END]], [1.0, 3.0, 4.0]), 1)
    assert np.allclose(reading.sources(np.array([1])), [[0.25, 0.75, 0]])
    assert np.allclose(reading.sources(np.array([8])), [[0, 0, 0]])


def test_no_neighbours_is_no_memory() -> None:
    """An empty look-up mixes nothing in."""
    reading = Reading(Continuations.of([], []), 2)
    p_SV = np.full((2, 4), 0.25)
    mix(p_SV, reading, 0.5)
    reading.take(np.array([1, 2]))
    assert np.allclose(p_SV, 0.25)
    assert reading.sources(np.array([1, 2])).shape == (2, 0)


_IDS = st.lists(st.integers(0, 5), max_size=6)


@given(st.lists(_IDS, max_size=4), _IDS)
def test_a_mixture_is_a_distribution_and_counts_as_told(
    replies: list[list[int]], written: list[int]
) -> None:
    """Mass sums to one, and p_memory equals its definition, place by place."""
    ids = [[*reply, END] for reply in replies]
    weights = [float(n + 1) for n in range(len(ids))]
    reading = Reading(Continuations.of(ids, weights), 1)
    passed: dict[tuple[int, int], float] = {}
    for count in range(len(written) + 1):
        so_far = [-1, *written[:count]]
        mass: dict[int, float] = {}
        commons: dict[tuple[int, int], int] = {}
        for n, reply in enumerate(ids):
            told = [-1, *reply]
            for at in range(1, len(told)):
                common = 0
                while (
                    common < min(REACH, at, len(so_far))
                    and told[at - 1 - common] == so_far[-1 - common]
                ):
                    common += 1
                commons[n, at] = common
                if common:
                    value = weights[n] * math.exp(GROWTH * (common - 1))
                    mass[told[at]] = mass.get(told[at], 0) + value * passed.get((n, at), 1)
        total = sum(mass.values())
        found = _p(reading)
        assert found.keys() == mass.keys()
        assert all(math.isclose(found[i], mass[i] / total, rel_tol=1e-3) for i in mass)
        p_SV = np.full((1, 10), 0.1, dtype=np.float32)
        mix(p_SV, reading, 0.3)
        assert math.isclose(p_SV.sum(), 1, rel_tol=1e-5)
        if count < len(written):
            for (n, at), common in commons.items():
                if common >= 2 and ids[n][at - 1] == written[count]:
                    passed[n, at] = passed.get((n, at), 1) * AGAIN
            reading.take(np.array([written[count]]))
