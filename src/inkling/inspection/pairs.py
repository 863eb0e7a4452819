"""Which piece follows which: exact counts of the training text, and what models make of them.

Knows: ids. Does not know: text, where the ids came from.
Data: training ids (N,) -> `PairCounts` -> rows, a text's probability, a continuation.

A pair is two neighbours in the order in which training reads the text, <|end|> between documents
included. The probability of a text is that of the baseline beside every loss: counts smoothed with
the unigram by Witten and Bell's rule (evaluation/baselines.py), here from counts that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inkling.config import SamplingSettings
from inkling.inference.sampling import NEVER, Sampler, draw_by_numpy
from inkling.inspection.next_piece import softmax
from inkling.model.language_model import LanguageModel

_DENSE = 1 << 24
"""Up to as many cells the table is counted in one pass; above, only pairs that occur are kept."""


@dataclass(frozen=True)
class PairCounts:
    """Pairs of ids that occur, in order of their code first · V + second."""

    vocab_size: int
    codes: np.ndarray
    counts: np.ndarray
    singles_V: np.ndarray
    """How often each id stands in the text."""
    total_V: np.ndarray
    """How often each id is followed by another: all but the last of the text."""

    @classmethod
    def of(cls, ids: np.ndarray, vocab_size: int) -> PairCounts:
        """Count the pairs of a text, (N,) int64."""
        pairs = ids[:-1] * vocab_size + ids[1:]
        if vocab_size * vocab_size <= _DENSE:
            table = np.bincount(pairs, minlength=0)
            codes = np.flatnonzero(table)
            counts = table[codes]
        else:
            codes, counts = np.unique(pairs, return_counts=True)
        return cls(
            vocab_size, codes, counts,
            np.bincount(ids, minlength=vocab_size),
            np.bincount(ids[:-1], minlength=vocab_size),
        )  # fmt: skip

    def row(self, first: int) -> tuple[np.ndarray, np.ndarray]:
        """The ids that follow one, and how often each does."""
        begin, end = np.searchsorted(
            self.codes, [first * self.vocab_size, (first + 1) * self.vocab_size]
        )
        return self.codes[begin:end] % self.vocab_size, self.counts[begin:end]

    def counts_of(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """How often the second follows the first; any shapes that broadcast."""
        wanted = first * self.vocab_size + second
        if not len(self.codes):
            return np.zeros_like(wanted)
        at = np.searchsorted(self.codes, wanted).clip(max=len(self.codes) - 1)
        found: np.ndarray = np.where(self.codes[at] == wanted, self.counts[at], 0)
        return found

    def probability(self, ids: Sequence[int]) -> np.ndarray:
        """P of each id after the one before it, (T,); the first has only its own frequency."""
        ids_T = np.array(ids, dtype=np.int64)
        V, N = self.vocab_size, int(self.singles_V.sum())
        alone_T = ((self.singles_V + 1) / (N + V))[ids_T]
        first, second = ids_T[:-1], ids_T[1:]
        kinds = np.bincount(self.codes // V, minlength=V)[first]
        weight = np.maximum(kinds, 1)
        rest = (self.counts_of(first, second) + weight * alone_T[1:]) / (
            self.total_V[first] + weight
        )
        return np.concatenate([alone_T[:1], rest])

    def continued(self, first: int, settings: SamplingSettings, live_V: np.ndarray) -> list[int]:
        """Ids drawn one after the other, each from the counts of the one before."""
        sampler = Sampler(settings, self.vocab_size)
        found: list[int] = []
        while len(found) < settings.max_tokens:
            logits_SV = np.full((1, self.vocab_size), NEVER)
            ids, counts = self.row(first)
            if not len(ids):  # nothing ever followed it: as if after any
                ids = np.flatnonzero(live_V)
                counts = self.singles_V[ids]
            logits_SV[0, ids] = np.log(np.maximum(counts, 1e-9))
            first = draw_by_numpy(logits_SV, [sampler])[0]
            found.append(first)
        return found


@torch.inference_mode()
def learned_rows(model: LanguageModel, firsts: Sequence[int], live_V: np.ndarray) -> np.ndarray:
    """What a model expects after each piece alone, with nothing before it: (R, V), rows sum to 1
    over the live ids."""
    ids_BT = torch.tensor(list(firsts), device=next(model.parameters()).device)[:, None]
    logits_RV = model(ids_BT)[:, 0].float().cpu().numpy()
    return softmax(np.where(live_V, logits_RV, NEVER))
