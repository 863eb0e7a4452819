"""Tokens drawn for many sequences, some with a mixture: exact numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from inkling.config import SamplingSettings
from inkling.inference.sequence import TokenSequence, append_tokens, sample_tokens

LOGITS = np.log(np.array([0.5, 0.2, 0.15, 0.1, 0.05], np.float32))


class Fixed:
    """A mixture that offers the same to every draft, until a draft has so many tokens."""

    def __init__(self, weight: float, until: int = 10**9, **probabilities: float) -> None:
        """`_3=0.5` offers id 3 with one half."""
        self.weight, self.until = weight, until
        self.ids = np.array([int(name[1:]) for name in probabilities])
        self.offered = np.array(list(probabilities.values()), np.float32)
        self.written: dict[int, list[int]] = {}

    def probabilities(self, drafts: NDArray[np.intp]) -> NDArray[np.float32]:
        lengths = [len(self.written.get(int(draft), [])) for draft in drafts]
        return np.array([self.offered * (length < self.until) for length in lengths])

    def append_tokens(self, drafts: NDArray[np.intp], tokens: NDArray[np.intp]) -> None:
        for draft, token in zip(drafts.tolist(), tokens.tolist(), strict=True):
            self.written.setdefault(draft, []).append(token)


def sequence_of(
    mixture: Fixed | None, top_logprobs: int | None = None, draft: int = 0, **values: object
) -> TokenSequence:
    chosen = SamplingSettings.model_validate({"temperature": 0, "top_k": 0} | values)
    return TokenSequence([0], chosen, 64, 99, 5, None, top_logprobs, mixture, draft)


def rows(count: int) -> NDArray[np.float32]:
    return np.tile(LOGITS, (count, 1))


def test_settings_act_on_the_mixture() -> None:
    """The likeliest of the mixture is not the model's; top-k keeps what the mixture likes; a
    sequence beside it, without one, is not touched."""
    mixture = Fixed(0.6, _4=1.0)
    greedy, plain = sequence_of(mixture), sequence_of(None)
    top = [sequence_of(mixture, temperature=1.0, top_k=2, seed=seed) for seed in range(40)]
    sampled = sample_tokens([greedy, plain, *top], rows(42))
    assert [token.token for token in sampled[:2]] == [4, 0]
    assert {token.token for token in sampled[2:]} == {4, 0}
    assert sampled[0].memory_share == pytest.approx(0.6 / (0.4 * 0.05 + 0.6))
    assert sampled[1].memory_share is None


def test_log_probabilities_are_those_of_the_mixture() -> None:
    """Where there is one, so that drafts are ranked by it, whatever the penalties."""
    sequence = sequence_of(Fixed(0.6, _4=1.0), 2, repetition_penalty=2.0, presence_penalty=0.5)
    for token in (4, 0):
        sequence.append_token(token)
    (sampled,) = sample_tokens([sequence], rows(1))
    assert sampled.token == 4
    assert sampled.logprob == pytest.approx(math.log(0.62))
    assert sampled.top == (
        (4, pytest.approx(math.log(0.62))), (0, pytest.approx(math.log(0.2))),
    )  # fmt: skip


def test_penalties_act_on_the_model_only() -> None:
    """What is mixed in is taken as it stands, however often it was in the output."""
    sequence = sequence_of(Fixed(0.3, _1=1.0), presence_penalty=2.0)
    for token in (1, 0):
        sequence.append_token(token)
    # p(0) = 0.5 e^-2 / (1 - 0.7 (1 - e^-2)) = 0.17 of the model, 0.12 of the mixture.
    (sampled,) = sample_tokens([sequence], rows(1))
    assert sampled.token == 1


def test_a_mixture_never_brings_back_what_is_forbidden() -> None:
    """Neither what is never sampled nor what a constraint forbids now, whatever its weight."""
    logits_SV = rows(20)
    logits_SV[:, 4] = -np.inf
    sequences = [sequence_of(Fixed(1.0, _4=1.0), temperature=1.0, seed=n) for n in range(20)]
    for sequence in sequences:
        sequence.constraint = lambda output_ids: np.array([True, False, False, False, False])
    drawn = {token.token for token in sample_tokens(sequences, logits_SV)}
    assert drawn == {1, 2, 3} or drawn < {1, 2, 3}


def test_a_mixture_that_ends_leaves_the_model_alone() -> None:
    """A row of zeros from a mixture is the model by itself: the same draws as without one."""
    silent, plain = (
        [sequence_of(mixture, 0, n, temperature=1.0, seed=n) for n in range(20)]
        for mixture in (Fixed(0.9, 0, _4=1.0), None)
    )
    assert sample_tokens(silent, rows(20)) == sample_tokens(plain, rows(20))


def test_each_draft_is_followed_by_itself() -> None:
    """What a draft was given is counted for it alone; one text's drafts share a mixture."""
    mixture = Fixed(0.9, 1, _4=1.0)
    one, other = sequence_of(mixture, draft=0), sequence_of(mixture, draft=1)
    sampled = sample_tokens([one], rows(1))
    append_tokens([one], sampled)
    assert (one.output_ids, mixture.written) == ([4], {0: [4]})
    after = sample_tokens([one, other], rows(2))
    assert [token.token for token in after] == [0, 4]
