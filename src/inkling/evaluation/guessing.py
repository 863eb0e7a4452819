"""The game "me or the model?": cards, score, and how sure the score is.

Knows: real and generated replies, answers. Does not know: the terminal, models.
Data: exchanges + replies -> `deal` -> cards -> answers -> `score`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inkling.evaluation.loops import GeneratedReply
from inkling.evaluation.passages import HeldOutExchange
from inkling.evaluation.schema import Guess

Who = Literal["me", "model"]

PROMPTS = 10
_Z = 1.959964
"""Two-sided 95 % of a normal distribution."""


@dataclass(frozen=True)
class Card:
    """One reply to judge. `prompt` numbers the questions; each comes twice."""

    prompt: int
    question: str
    reply: str
    who: Who


def choose(
    found: Sequence[HeldOutExchange], seed: int, count: int = PROMPTS
) -> list[HeldOutExchange]:
    """So many exchanges at random, no question and no real reply twice; fewer where there are
    fewer."""
    chosen: list[HeldOutExchange] = []
    questions: set[str] = set()
    replies: set[str] = set()
    for exchange in random.Random(seed).sample(list(found), len(found)):
        if exchange.question in questions or exchange.reply in replies:
            continue
        questions.add(exchange.question)
        replies.add(exchange.reply)
        chosen.append(exchange)
        if len(chosen) == count:
            break
    return chosen


def deal(
    chosen: Sequence[HeldOutExchange], written: Sequence[GeneratedReply], seed: int
) -> list[Card]:
    """Both replies to every question, shuffled."""
    cards = []
    for number, (exchange, reply) in enumerate(zip(chosen, written, strict=True)):
        cards.append(Card(number, exchange.question, exchange.reply, "me"))
        cards.append(Card(number, exchange.question, reply.text, "model"))
    random.Random(f"deal {seed}").shuffle(cards)
    return cards


def score(cards: Sequence[Card], answers: Sequence[Who], date: str, seed: int) -> Guess:
    """The score of the cards that were answered, the first ones; at least one.

    The two replies to a question give each other away, so they count as one observation: the
    interval is Wilson's (1927) at the share that was right, with the number of questions.
    """
    judged = list(zip(cards, answers, strict=False))
    right = sum(card.who == answer for card, answer in judged)
    prompts = len({card.prompt for card, _ in judged})
    low, high = wilson(right / len(judged), prompts)
    return Guess(
        date=date, seed=seed, answers=len(judged), right=right, prompts=prompts, low=low, high=high
    )


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen in `count` observations."""
    square = _Z**2 / count
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)
