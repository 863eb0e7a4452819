"""From logits of many sequences to one token each, on arrays.

Knows: how each setting reshapes a distribution, and each sequence's own random numbers. Does not
know: models, text, torch.
Data: logits (S, V) -> penalties -> memory mixed in -> temperature -> top-k -> top-p -> min-p -> one
draw a row. A forbidden token has logit -inf and probability exactly 0.

All rows go through each stage together; what no row asks for is skipped. Tests hold this to each
setting written out for one row. From top-k on only the candidates are
kept, as one flat list for all rows, ordered by row and id: a few dozen a row.

A row's token is a function of its logits, its settings, its output, its memory and its
seed. Whatever else is in the batch changes nothing, except that BLAS rounds a product of many rows
otherwise than one of a few.

Sources: repetition penalty, Keskar et al. 2019 (arXiv:1909.05858); presence and frequency penalty,
OpenAI's API; nucleus (top-p), Holtzman et al. 2019 (arXiv:1904.09751); min-p, Nguyen et al. 2024
(arXiv:2407.01082). The order, and logits / max(T, 1e-8), are those of the chat that Inkling grew
from.

Shape suffixes: S sequences, V vocabulary, N candidates of all rows, W tokens that the repetition
penalty looks back on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkling.inference.mixing import Memory, memory_share, mix

if TYPE_CHECKING:
    from inkling.config import SamplingSettings

Floats = NDArray[np.float32]
Ids = NDArray[np.intp]
Mask = NDArray[np.bool_]

NEVER = np.float32("-inf")
REPETITION_WINDOW = 64


class SampledToken(NamedTuple):
    """A token that was drawn, and what was asked about it."""

    token: int
    logprob: float | None = None
    """Natural logarithm of its probability before penalties and settings, memory included."""
    top: tuple[tuple[int, float], ...] = ()
    """The likeliest tokens with theirs."""
    memory_share: float | None = None
    """Which share of its probability came from memory; None where there was none."""


class Sampler:
    """One sequence's side of sampling: its settings, its random numbers, its output."""

    def __init__(
        self, settings: SamplingSettings, vocab_size: int, top_logprobs: int | None = None
    ) -> None:
        """`top_logprobs`: how many alternatives each draw tells of; None for no logarithms at all.

        Without a seed one is drawn.
        """
        self.temperature = settings.temperature
        self.top_k = settings.top_k if settings.top_k < vocab_size else 0
        self.top_p = settings.top_p
        self.min_p = settings.min_p
        self.repetition_penalty = settings.repetition_penalty
        self.presence_penalty = settings.presence_penalty
        self.frequency_penalty = settings.frequency_penalty
        self.top_logprobs = top_logprobs
        self.forbidden_V: Mask | None = None
        """Ids that the next draw may not take."""
        self.memory: Memory | None = None
        """What is mixed into the next draw."""
        # PCG64, NumPy's own choice: one number a token, so that the n-th token of a seed has the
        # n-th number wherever it is drawn.
        self.random: Callable[[], float] = np.random.Generator(
            np.random.PCG64(settings.seed)
        ).random
        self.looks_back = False
        """Whether the repetition penalty has anything to do."""
        self._count = 0
        self.recent_W = np.zeros(REPETITION_WINDOW, np.intp)
        """The last tokens in any order; where fewer were written, some more than once."""
        counts = bool(settings.presence_penalty or settings.frequency_penalty)
        self.counts_V = np.zeros(vocab_size, np.float32) if counts else None
        """How often each token was written, where a penalty asks for it."""

    def append_token(self, token: int) -> None:
        """Count a token as written."""
        if self._count:
            self.recent_W[self._count % REPETITION_WINDOW] = token
        else:
            self.recent_W[:] = token
        self._count += 1
        self.looks_back = self.repetition_penalty != 1.0
        if self.counts_V is not None:
            self.counts_V[token] += 1


Draw = Callable[[Floats, "Sequence[Sampler]"], "list[int]"]
"""Logits (S, V) to one id a row, after temperature and the rest."""


def sample(
    logits_SV: Floats,
    samplers: Sequence[Sampler],
    never_V: Floats | None = None,
    draw: Draw | None = None,
) -> list[SampledToken]:
    """Draw one token for each row, which the samplers do not count as written yet.

    `never_V` is added to each row: 0, and -inf for ids that nobody may ever take. `draw` is the
    decoder's, else NumPy's.
    """
    own_SV = logits_SV if never_V is None else logits_SV + never_V
    x_SV = penalised(own_SV, samplers)
    told = any(sampler.top_logprobs is not None for sampler in samplers)
    remembering = [row for row, sampler in enumerate(samplers) if sampler.memory is not None]
    if remembering:
        memories = [memory for sampler in samplers if (memory := sampler.memory) is not None]
        mixed_SV = mix(x_SV, remembering, memories)
        if told:
            own_SV = mixed_SV if x_SV is own_SV else mix(own_SV, remembering, memories)
        x_SV = mixed_SV
    tokens = (draw or draw_by_numpy)(x_SV, samplers)
    logprobs = _described(own_SV, tokens, samplers) if told else None
    drawn = []
    for row, (token, sampler) in enumerate(zip(tokens, samplers, strict=True)):
        logprob, top = logprobs[row] if logprobs is not None else (None, ())
        share = None
        if sampler.memory is not None:
            share = memory_share(token, float(x_SV[row, token]), sampler.memory)
        drawn.append(SampledToken(token, logprob, top, share))
    return drawn


def penalised(own_SV: Floats, samplers: Sequence[Sampler]) -> Floats:
    """Logits after penalties and with what is forbidden at -inf; `own_SV` itself where there is
    nothing to do, else a copy."""
    looking = [row for row, sampler in enumerate(samplers) if sampler.looks_back]
    others = [
        row
        for row, sampler in enumerate(samplers)
        if sampler.counts_V is not None or sampler.forbidden_V is not None
    ]
    if not looking and not others:
        return own_SV
    x_SV = own_SV.copy()
    if looking:
        flat = x_SV.reshape(-1)
        recent_W = np.concatenate([samplers[row].recent_W for row in looking])
        offset_S = np.array(looking) * x_SV.shape[1]
        index_SW = recent_W.reshape(len(looking), -1) + offset_S[:, None]
        penalty_S1 = np.array(
            [[samplers[row].repetition_penalty] for row in looking], dtype=np.float32
        )
        # A token that stands there twice is written twice, with the same value.
        scores_SW = flat[index_SW]
        flat[index_SW] = np.where(scores_SW > 0, scores_SW / penalty_S1, scores_SW * penalty_S1)
    for row in others:
        sampler = samplers[row]
        if sampler.counts_V is not None:
            x_SV[row] -= sampler.frequency_penalty * sampler.counts_V
            x_SV[row] -= sampler.presence_penalty * (sampler.counts_V > 0)
        if sampler.forbidden_V is not None:
            x_SV[row][sampler.forbidden_V] = NEVER
    return x_SV


def draw_by_numpy(x_SV: Floats, samplers: Sequence[Sampler]) -> list[int]:
    """One id a row from logits or logarithms of probabilities, after temperature and the rest."""
    temperatures = [sampler.temperature for sampler in samplers]
    if not any(temperatures):
        return x_SV.argmax(1).tolist()
    ids_N, weights_N, start_S = candidates(x_SV, samplers, temperatures)
    sums_N = weights_N.cumsum(dtype=np.float64)
    bounds = np.zeros(len(samplers) + 1)
    bounds[1:-1] = sums_N[start_S[1:] - 1]
    bounds[-1] = sums_N[-1]
    begin_S, end_S = bounds[:-1], bounds[1:]
    random_S = np.array([sampler.random() for sampler in samplers])
    wanted_S = begin_S + random_S * (end_S - begin_S)
    # Rounded up to the row's end it would be the next row's.
    np.minimum(wanted_S, np.nextafter(end_S, begin_S), out=wanted_S)
    tokens_S = ids_N[sums_N.searchsorted(wanted_S, side="right")]
    for row, temperature in enumerate(temperatures):
        if temperature == 0:
            tokens_S[row] = x_SV[row].argmax()
    return tokens_S.tolist()


def candidates(
    x_SV: Floats, samplers: Sequence[Sampler], temperatures: Sequence[float]
) -> tuple[Ids, Floats, Ids]:
    """What may be drawn: ids and weights of all rows one after the other, each (N,), by id, and
    where each row starts, (S,). A row's weights are its probabilities times a number of its own.

    Top-k comes before the temperature, which keeps the order and has then little to do.
    """
    S, V = x_SV.shape
    flat_N = _top_k(x_SV, [sampler.top_k for sampler in samplers])
    row_N = flat_N // V
    start_S = row_N.searchsorted(np.arange(S))
    weights_N = x_SV.reshape(-1)[flat_N]
    # Shifted so that a tiny temperature cannot turn every logit infinite. A greedy row among
    # others is treated as one of temperature 1; what is drawn for it is not used.
    weights_N -= np.maximum.reduceat(weights_N, start_S)[row_N]
    weights_N /= _each([max(value, 1e-8) if value else 1.0 for value in temperatures], row_N)
    np.exp(weights_N, out=weights_N)
    top_ps = [sampler.top_p for sampler in samplers]
    if min(top_ps) < 1.0:
        _keep_top_p(weights_N, row_N, start_S, np.array(top_ps))
    min_ps = [sampler.min_p for sampler in samplers]
    if any(min_ps):
        weights_N[weights_N < _each(min_ps, row_N)] = 0
    return flat_N - row_N * V, weights_N, start_S


def _top_k(x_SV: Floats, ks: Sequence[int]) -> Ids:
    """Flat indices (N,) of each row's k largest and any equal to the k-th; all where k is 0."""
    V = x_SV.shape[1]
    kths = sorted({V - k for k in ks if k})
    if not kths:
        return np.arange(x_SV.size)
    ordered_SV = np.partition(x_SV, kths, axis=1)
    if len(kths) == 1 and all(ks):
        floor_S1 = ordered_SV[:, kths[0], None]
    else:
        floor_S1 = ordered_SV[np.arange(len(ks)), [V - k if k else 0 for k in ks]][:, None]
        floor_S1[[not k for k in ks]] = NEVER
    # One dimension: NumPy is ten times slower to find what is true in two.
    return (x_SV >= floor_S1).reshape(-1).nonzero()[0]


def _keep_top_p(weights_N: Floats, row_N: Ids, start_S: Ids, p_S: NDArray[np.float64]) -> None:
    """Keep the fewest likeliest of each row whose mass reaches p; at least one."""
    order_N = np.lexsort((-weights_N, row_N))
    sums_N = weights_N[order_N].cumsum(dtype=np.float64)
    before_N = np.concatenate(([0.0], sums_N[:-1]))
    begin_S = before_N[start_S]
    mass_S = np.append(begin_S[1:], sums_N[-1]) - begin_S
    # A row whose p is 1 asks for nothing; rounding must not take its tail.
    limit_S = np.where(p_S < 1.0, begin_S + p_S * mass_S, np.inf)
    dropped_N = before_N >= limit_S[row_N]
    dropped_N[start_S] = False
    weights_N[order_N[dropped_N]] = 0


def _each(values: Sequence[float], row_N: Ids) -> Floats | np.float32:
    """The row's value for each candidate; one number where all are the same."""
    if min(values) == max(values):
        return np.float32(values[0])
    return np.array(values, np.float32)[row_N]


def _described(
    own_SV: Floats, tokens: Sequence[int], samplers: Sequence[Sampler]
) -> list[tuple[float | None, tuple[tuple[int, float], ...]]]:
    """For each row that asked: the logarithm of its token's probability, and its likeliest ids."""
    peak_S1 = np.maximum.reduce(own_SV, 1, keepdims=True)
    mass_S = np.add.reduce(np.exp(own_SV - peak_S1), 1)
    norm_S = np.log(mass_S) + peak_S1[:, 0]
    logprobs = (own_SV[np.arange(len(samplers)), tokens] - norm_S).tolist()
    told: list[tuple[float | None, tuple[tuple[int, float], ...]]] = []
    for row, sampler in enumerate(samplers):
        if sampler.top_logprobs is None:
            told.append((None, ()))
            continue
        count = min(sampler.top_logprobs, own_SV.shape[1])
        best = np.argsort(-own_SV[row], kind="stable")[:count].tolist() if count else []
        top = ((index, float(own_SV[row, index] - norm_S[row])) for index in best)
        told.append((logprobs[row], tuple(pair for pair in top if pair[1] > NEVER)))
    return told
