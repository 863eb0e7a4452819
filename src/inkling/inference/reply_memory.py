"""What was said before, looked up for a message and read along while the reply is generated.

Knows: an index, how its replies become ids. Does not know: how likeness is measured
(memory.lookup), what is mixed how (memory.mixture), who asks.
Data: message + history -> the nearest exchanges -> `Recalled` -> one `DraftMixture` for the drafts
of a reply.

S drafts, U ids that the neighbours offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkling.memory.index import Index
from inkling.memory.lookup import Neighbour, nearest
from inkling.memory.mixture import Continuations, Reading
from inkling.memory.ranking import Ranking
from inkling.tokens.chat_format import Turn, encode_replies
from inkling.tokens.tokenizer import Tokenizer


class DraftMixture:
    """Where each draft of one reply stands in what was said before."""

    def __init__(self, continuations: Continuations, weight: float, drafts: int) -> None:
        self.weight = weight
        self._reading = Reading(continuations, drafts)

    @property
    def ids(self) -> NDArray[Any]:
        return self._reading.continuations.ids

    def probabilities(self, drafts: NDArray[np.intp]) -> NDArray[Any]:
        return self._reading.probabilities(drafts)

    def sources(self, drafts: NDArray[np.intp], tokens: NDArray[np.intp]) -> NDArray[Any]:
        """Each neighbour's share of what is offered of these tokens, (S, K)."""
        return self._reading.sources(tokens, drafts)

    def append_tokens(self, drafts: NDArray[np.intp], tokens: NDArray[np.intp]) -> None:
        self._reading.take(tokens, drafts)


@dataclass(frozen=True)
class Recalled:
    """The exchanges that were looked up for a message, and how much they count."""

    neighbours: tuple[Neighbour, ...]
    continuations: Continuations
    weight: float
    """λ."""
    ranking: Ranking
    """Which draft is said."""

    def mixture(self, drafts: int) -> DraftMixture:
        """For so many drafts, of which nothing is generated yet."""
        return DraftMixture(self.continuations, self.weight, drafts)


@dataclass(frozen=True)
class ReplyMemory:
    """An index that a model replies with."""

    index: Index
    tokenizer: Tokenizer

    def recall(self, message: str, history: Sequence[Turn], weight: float) -> Recalled | None:
        """What was said before to messages like this one; None where there is nothing like it."""
        neighbours = nearest(self.index, message, history)
        if not neighbours:
            return None
        replies = encode_replies(self.tokenizer, [n.record.reply for n in neighbours])
        shares = [neighbour.weight for neighbour in neighbours]
        ranking = Ranking(self.index, neighbours)
        return Recalled(neighbours, Continuations.of(replies, shares), weight, ranking)
