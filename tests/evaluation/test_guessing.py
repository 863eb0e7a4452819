"""The game's cards and its score."""

from __future__ import annotations

import pytest

from inkling.evaluation.guessing import choose, deal, score, wilson
from inkling.evaluation.loops import GeneratedReply
from inkling.evaluation.passages import HeldOutExchange

FOUND = [HeldOutExchange((), f"question {n}", f"real {n}") for n in range(30)]


def test_wilson_by_known_numbers() -> None:
    """5 of 10: 0.2366 to 0.7634; none of 10: 0 to 0.2775; all of 10: 0.7225 to 1."""
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0.0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1), abs=1e-4)


def test_ten_real_and_ten_written_shuffled() -> None:
    """Both replies to each of ten questions; another seed, another order."""
    chosen = choose(FOUND, seed=1)
    assert len({exchange.question for exchange in chosen}) == 10
    written = [GeneratedReply(f"model {n}", False) for n in range(10)]
    cards = deal(chosen, written, seed=1)
    assert sorted(card.who for card in cards) == ["me"] * 10 + ["model"] * 10
    assert all(card.reply.startswith({"me": "real", "model": "model"}[card.who]) for card in cards)
    assert [c.who for c in cards] != ["me", "model"] * 10
    assert deal(chosen, written, seed=1) == cards
    assert deal(chosen, written, seed=2) != cards
    assert choose(FOUND, seed=2) != chosen


def test_no_question_and_no_reply_twice() -> None:
    """A stock answer would give itself away; fewer than ten are used as they are."""
    same = [HeldOutExchange((), f"q{n}", "next question") for n in range(5)]
    again = [HeldOutExchange((), "q", f"r{n}") for n in range(5)]
    assert len(choose([*same, *again], seed=0)) == 2


def test_the_score_counts_a_question_once() -> None:
    """All right of four answers on two questions: the interval is that of two."""
    chosen = FOUND[:2]
    cards = deal(chosen, [GeneratedReply("a", False), GeneratedReply("b", False)], seed=0)
    found = score(cards, [card.who for card in cards], "2026-01-01", 0)
    assert (found.right, found.answers, found.prompts) == (4, 4, 2)
    assert (found.low, found.high) == wilson(1.0, 2)
    wrong = score(cards, ["model" if card.who == "me" else "me" for card in cards[:1]], "d", 0)
    assert (wrong.right, wrong.answers, wrong.prompts) == (0, 1, 1)
