"""Questions in other words: what others say, changed a little each time it is read.

Knows: which ids of a dialog are somebody else's words. Does not know: text, batches.
Data: ids and loss mask of a piece of a dialog -> the same with some of those words left out, or
with a few words of another question before or behind them. What `me` says is never touched.

A model that sees each of a thousand questions thirty times learns their last tokens by heart: it
answered 95 % of its training questions, 28 % of them behind a "hello, " and none with the
author's name at the end. Words that come and go teach it to look at all of them. The
idea is word dropout (Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for
Text Classification").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOISE_TOKENS = 3
"""At most so many tokens of another question are put in."""


@dataclass(frozen=True)
class QuestionAugmentation:
    """How much is changed. `dropout` is the mean share of tokens left out: a third of the pieces
    lose none, a third that share, a third twice as many. `noise` is the share of pieces that
    get words of another question."""

    dropout: float
    noise: float
    them_id: int
    me_id: int
    end_id: int

    def __bool__(self) -> bool:
        return self.dropout > 0 or self.noise > 0

    def asked(self, ids: np.ndarray) -> np.ndarray:
        """True for the tokens of what others say, the <|them|> before them not included."""
        special = (ids == self.them_id) | (ids == self.me_id) | (ids == self.end_id)
        last = np.maximum.accumulate(np.where(special, np.arange(len(ids)), -1))
        return ~special & (last >= 0) & (ids[last] == self.them_id)

    def apply(
        self,
        ids: np.ndarray,
        mask: np.ndarray,
        asked: np.ndarray,
        lent: np.ndarray,
        generator: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray]:
        """A piece of a dialog, reworded. `asked` is `asked(ids)`; `lent` are tokens of another
        piece's questions."""
        draws = generator.random(4 + len(ids))
        share = self.dropout * int(3 * draws[0])
        if share:
            keep = ~asked | (draws[4:] >= share)
            ids, mask, asked = ids[keep], mask[keep], asked[keep]
        if draws[1] >= self.noise or not len(lent):
            return ids, mask
        turns = np.flatnonzero(ids == self.them_id)
        if not len(turns):
            return ids, mask
        count = min(len(lent), 1 + int(NOISE_TOKENS * draws[2]))
        first = int(generator.integers(len(lent) - count + 1))
        turn = int(turns[int(generator.integers(len(turns)))])
        at = turn + 1
        if draws[3] < 0.5:  # behind the question instead of before it
            behind = np.flatnonzero(~asked[at:])
            at += int(behind[0]) if len(behind) else 0
        added = lent[first : first + count]
        # What is put in counts for the loss where the words beside it do.
        counted = np.full(count, mask[turn], dtype=mask.dtype)
        return (
            np.concatenate([ids[:at], added, ids[at:]]),
            np.concatenate([mask[:at], counted, mask[at:]]),
        )
