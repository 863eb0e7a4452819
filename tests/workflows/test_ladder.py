"""What a climb says of its own numbers."""

from __future__ import annotations

from inkling.workflows.ladder import RungReport, _surprises


def rung(name: str, nats: float, *, seen: float = 1e6) -> RungReport:
    """One seed of a rung whose loss had stopped falling."""
    return RungReport(name, [name], 1, [nats], seen, still_falling=False, sample="")


def test_rungs_no_better_than_guessing_are_named_and_not_compared() -> None:
    """Nobody is told that more minutes would not help them."""
    rungs = [rung("bigram", 2.5), rung("head", 4.3), rung("blocks", 4.4), rung("modern", 2.4)]
    (said,) = _surprises(rungs, guessing=4.2)
    assert said.startswith("No better than guessing (uniform) in this time: head, blocks.")
    assert "give more --minutes" in said


def test_a_rung_that_learned_is_compared_as_before() -> None:
    """And nothing is said of guessing."""
    (said,) = _surprises([rung("bigram", 2.5), rung("head", 2.6)], guessing=4.2)
    assert said.startswith("head does not beat bigram here")
