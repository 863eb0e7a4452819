"""What is asked of a model when a chat goes on, and with which seed."""

from __future__ import annotations

import pytest

from inkling.chats import ChatMessage, PendingReply, Provenance, Variant
from inkling.chats.pending import DRAWN_SEED_BITS, MAX_SEED
from inkling.config import SamplingSettings
from inkling.corpus.document import Role


def message(position: int, role: Role, text: str, *seeds: int) -> ChatMessage:
    """A message; a reply has a variant for each seed."""
    origins = [Provenance("run", 1, SamplingSettings(seed=seed)) for seed in seeds] or [None]
    variants = tuple(Variant(text, origin, "", False) for origin in origins)
    return ChatMessage(position, role, 0, variants)


def test_the_last_thing_said_is_asked_with_what_stands_before_it() -> None:
    """Its own reply is no part of its history."""
    messages = [message(0, "them", "soup?"), message(1, "me", "yes", 3), message(2, "them", "why?")]
    exchange = PendingReply.last(messages)
    assert exchange is not None
    assert (exchange.question, exchange.reply) == ("why?", None)
    assert exchange.history == (("them", "soup?"), ("me", "yes"))
    again = PendingReply.last([*messages, message(3, "me", "because", 7, 8)])
    assert again is not None
    assert (again.history, again.reply) == (exchange.history, 3)
    assert again.used_seeds == {7, 8}
    assert PendingReply.last([]) is None


@pytest.mark.parametrize(("given", "taken"), [(6, 6), (7, 9), (MAX_SEED, 0)])
def test_a_fixed_seed_that_was_used_gives_way(given: int, taken: int) -> None:
    """To the next one that is free."""
    exchange = PendingReply("why?", (), 3, frozenset({7, 8, MAX_SEED}))
    assert exchange.seeded(SamplingSettings(seed=given)).seed == taken


def test_a_drawn_seed_is_short_and_new() -> None:
    """Each reply gets its own; the other settings stay."""
    exchange = PendingReply("why?", (), None, frozenset())
    drawn = [exchange.seeded(SamplingSettings(temperature=0.9)) for _ in range(20)]
    assert len({settings.seed for settings in drawn}) > 15
    assert all(0 <= (settings.seed or 0) < 2**DRAWN_SEED_BITS for settings in drawn)
    assert {settings.temperature for settings in drawn} == {0.9}
