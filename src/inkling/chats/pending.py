"""What a model is asked when a conversation continues, and with which seed.

Knows: which message waits for a reply, what stands before it, which seeds were used for its replies
already. Does not know where chats are kept or what generates replies.
Data: messages -> `PendingReply`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from inkling.chats.records import ChatMessage
from inkling.config import SamplingSettings

MAX_SEED = 2**63 - 1
DRAWN_SEED_BITS = 31
"""Short enough to be typed again, and exact in every language that reads JSON."""


@dataclass(frozen=True)
class PendingReply:
    """The last thing said to the model, what stands before it, and where its reply stands."""

    question: str
    history: tuple[tuple[str, str], ...]
    """(role, text), oldest first."""
    reply: int | None
    """Position of the reply that is there already."""
    used_seeds: frozenset[int]

    @classmethod
    def last(cls, messages: Sequence[ChatMessage]) -> PendingReply | None:
        """The last exchange of a conversation; None where nothing was said yet."""
        asked = [m for m in messages if m.role == "them"]
        if not asked:
            return None
        last = asked[-1]
        replies = [m for m in messages if m.position > last.position]
        seeds = (v.origin.settings.seed for m in replies for v in m.variants if v.origin)
        return cls(
            question=last.text,
            history=tuple((m.role, m.text) for m in messages if m.position < last.position),
            reply=replies[-1].position if replies else None,
            used_seeds=frozenset(seed for seed in seeds if seed is not None),
        )

    def seeded(self, settings: SamplingSettings) -> SamplingSettings:
        """Settings that write this reply, and would write it again: a seed is drawn where none
        is fixed. A fixed one that wrote a variant already would write the same once more, so
        the next one is taken."""
        seed = settings.seed
        if seed is None:
            seed = secrets.randbits(DRAWN_SEED_BITS)
        while seed in self.used_seeds:
            seed = 0 if seed == MAX_SEED else seed + 1
        return settings.model_copy(update={"seed": seed})
