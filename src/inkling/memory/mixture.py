"""What the nearest exchanges would say next, mixed into a model's next-token distribution.

Knows: the ids of a few replies that were once given, and where a text being written stands in
them. Does not know: models, text, how a token is drawn.
Data: neighbours' reply ids and weights -> `Continuations` (one a message) -> `Reading` (its
drafts) -> `mix(p_model, reading, λ)` -> a token is drawn for each draft (elsewhere) ->
`Reading.take(tokens)` -> ...

    p = (1 − λ) p_model + λ p_memory

is kNN-LM (Khandelwal et al. 2020, arXiv:1911.00172) with its store restricted to the replies of
the nearest exchanges. Each neighbour continues where the last one to REACH tokens written so far
stand in its reply, and each further token in common makes a place e^GROWTH times as likely. The
beginning of a reply counts as a token that all neighbours have in common, so an unwritten text may
begin as any of them begins. Where what was written stands in no neighbour, p_memory is nothing and
the model writes alone.

Everything is arrays over drafts and places, so one call serves all drafts of a message.
S rows (drafts), N places (tokens of all neighbours), U different ids among them, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REACH = 4
"""Tokens back that are compared, the beginning of the reply counted as one."""

GROWTH = 1.5

PASSED, AGAIN = 2, 0.05
"""A place that was written with at least PASSED tokens in common weighs AGAIN as much from then
on, in that draft."""


@dataclass(frozen=True)
class Continuations:
    """The replies of the neighbours of one message, in a row.

    tokens (N,) ids, each reply with its <|end|>; opens (N,) True at a reply's first token;
    owners (N,) which neighbour; weights (N,) its weight; ids (U,) ascending; slots (N,) index of
    each place's id in `ids`.
    """

    tokens: np.ndarray
    opens: np.ndarray
    owners: np.ndarray
    weights: np.ndarray
    ids: np.ndarray
    slots: np.ndarray

    @classmethod
    def of(cls, replies: Sequence[Sequence[int]], weights: Sequence[float]) -> Continuations:
        """From each neighbour's reply ids, <|end|> included, and its weight (any scale)."""
        kept = [(number, ids) for number, ids in enumerate(replies) if len(ids)]
        tokens = np.array([token for _, ids in kept for token in ids], dtype=np.int64)
        owners = np.array([number for number, ids in kept for _ in ids], dtype=np.int64)
        opens = np.ones(len(tokens), dtype=bool)
        opens[1:] = owners[1:] != owners[:-1]
        shares = np.array(weights, dtype=np.float32)
        shares = shares / shares.sum() if len(shares) else shares
        ids, slots = np.unique(tokens, return_inverse=True)
        return cls(tokens, opens, owners, shares[owners], ids, slots)


class Reading:
    """Where each draft of a message stands in the replies of its neighbours."""

    def __init__(self, continuations: Continuations, rows: int) -> None:
        self.continuations = continuations
        places = len(continuations.tokens)
        # How many tokens just written stand right before each place; the beginning counts as one.
        self._common_SN = np.tile(continuations.opens.astype(np.int8), (rows, 1))
        self._weights_SN = np.tile(continuations.weights, (rows, 1))
        self._one_hot_NU = np.zeros((places, len(continuations.ids)), dtype=np.float32)
        self._one_hot_NU[np.arange(places), continuations.slots] = 1
        self._boosts = np.concatenate([[0.0], np.exp(GROWTH * np.arange(REACH))]).astype(np.float32)

    def probabilities(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """p_memory of `continuations.ids` for these rows, (S, U) float32; a row sums to 1, or to 0
        where the draft stands in no neighbour."""
        p_SU = (self._boosts[self._common_SN[rows]] * self._weights_SN[rows]) @ self._one_hot_NU
        total_S1 = p_SU.sum(-1, keepdims=True)
        return p_SU / np.where(total_S1 > 0, total_S1, 1)

    def take(self, tokens: np.ndarray, rows: np.ndarray | slice = slice(None)) -> None:
        """Count the token that each of these rows has taken, (S,), as written."""
        common_SN = self._common_SN[rows]
        follows_SN = self.continuations.tokens == np.asarray(tokens)[:, None]
        ahead_SN = np.where(follows_SN, np.minimum(common_SN + 1, REACH), 0)
        # A place that was passed is not passed again: what was copied once is not said twice.
        passed_SN = follows_SN & (common_SN >= PASSED)
        self._weights_SN[rows] *= np.where(passed_SN, AGAIN, 1).astype(np.float32)
        moved_SN = np.zeros_like(common_SN)
        moved_SN[:, 1:] = ahead_SN[:, :-1]
        moved_SN[:, self.continuations.opens] = 0
        self._common_SN[rows] = moved_SN

    def sources(self, tokens: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Of p_memory of a token for each row, the share of each neighbour, (S, K): a row sums to
        1, or to 0 where no neighbour continues with that token. To be asked before `take`."""
        follows_SN = self.continuations.tokens == np.asarray(tokens)[:, None]
        mass_SN = self._boosts[self._common_SN[rows]] * self._weights_SN[rows] * follows_SN
        count = int(self.continuations.owners.max(initial=-1)) + 1
        one_hot_NK = self.continuations.owners[:, None] == np.arange(count)
        mass_SK = mass_SN @ one_hot_NK
        total_S1 = mass_SK.sum(-1, keepdims=True)
        return mass_SK / np.where(total_S1 > 0, total_S1, 1)


def mix(
    p_SV: np.ndarray, reading: Reading, strength: float, rows: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """(1 − λ) p_model + λ p_memory, in place in `p_SV` (S, V), for these rows of `reading`.

    Returns the part that came from memory, λ p_memory of `reading.continuations.ids`, (S, U).
    A draft that stands in no neighbour keeps the model's distribution, and gets zeros. Ids that
    must not be drawn now are to be taken out of `p_SV` afterwards.
    """
    memory_SU = strength * reading.probabilities(rows)
    found_S = memory_SU.any(-1)
    p_SV[found_S] *= 1 - strength
    p_SV[:, reading.continuations.ids] += memory_SU
    return memory_SU
