"""Sampling on arrays, by NumPy and by the compiled kernel, held to each setting written out for one
row in double precision."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inkling.config import ModelSettings, SamplingSettings
from inkling.inference.array_weights import prepare
from inkling.inference.kernel_build import build, compiler
from inkling.inference.kernel_decoder import KernelDecoder, load_kernel
from inkling.inference.sampling import (
    REPETITION_WINDOW,
    Draw,
    Memory,
    Sampler,
    draw_by_numpy,
    sample,
)
from inkling.model.gpt import GPT

V = 40
PLAIN = SamplingSettings(temperature=1.0, top_k=0, repetition_penalty=1.0)


@pytest.fixture(scope="module", params=["numpy", "kernel"])
def draw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """NumPy's draw and the compiled one."""
    if request.param == "numpy":
        return draw_by_numpy
    if compiler() is None:
        pytest.skip("there is no C compiler, so the kernel was not built and is not tested")
    folder = tmp_path_factory.mktemp("kernels")
    build(folder)
    kernel = load_kernel(folder)
    assert kernel is not None
    settings = ModelSettings(
        n_layer=1, n_head=1, n_embd=8, head_dim=8, n_hidden=8, context_length=8, vocab_size=V
    )
    parameters = {name: weight.numpy() for name, weight in GPT(settings).state_dict().items()}
    return KernelDecoder(prepare(parameters, settings), 100, kernel).draw


def row(seed: int, spread: float = 2.0) -> np.ndarray:
    """Logits (V,), irregular, so that no penalty makes two of them equal."""
    dice = np.random.default_rng(seed)
    return ((dice.permutation(V) + 0.3 * dice.random(V)) / V * 4 * spread).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def penalised(logits: np.ndarray, settings: SamplingSettings, written: list[int]) -> np.ndarray:
    x = logits.astype(np.float64)
    for token in set(written[-REPETITION_WINDOW:]):
        x[token] *= settings.repetition_penalty ** (-1 if x[token] > 0 else 1)
    for token in set(written):
        x[token] -= settings.presence_penalty + settings.frequency_penalty * written.count(token)
    return x


def distribution(
    logits: np.ndarray,
    settings: SamplingSettings,
    written: list[int],
    forbidden: np.ndarray | None = None,
    memory: Memory | None = None,
) -> np.ndarray:
    """Probabilities (V,), one setting after the other."""
    x = penalised(logits, settings, written)
    if forbidden is not None:
        x[forbidden] = -np.inf
    if memory is not None:
        p = (1 - memory.weight) * softmax(x)
        for token, probability in zip(memory.ids_M, memory.probabilities_M, strict=True):
            p[token] += memory.weight * probability * (x[token] > -np.inf)
        with np.errstate(divide="ignore"):
            x = np.log(p)
    if settings.temperature == 0:
        return np.eye(V)[x.argmax()]
    x = x / settings.temperature
    if 0 < settings.top_k < V:
        x[x < np.sort(x)[-settings.top_k]] = -np.inf
    order = np.argsort(-x, kind="stable")
    p = softmax(x)[order]
    kept = np.cumsum(p) - p < settings.top_p
    kept[0] = True
    x[order[~kept]] = -np.inf
    p = softmax(x)
    p[p < settings.min_p * p.max()] = 0
    return p / p.sum()


def replay(sampler: Sampler, number: float) -> None:
    """Let the sampler's next random number be this one."""
    sampler.random = lambda: number


def drawn_by(
    draw: Draw, samplers: list[Sampler], logits_SV: np.ndarray, numbers: list[float]
) -> list[int]:
    for sampler, number in zip(samplers, numbers, strict=True):
        replay(sampler, number)
    return [drawn.token for drawn in sample(logits_SV, samplers, draw=draw)]


def sampler_of(settings: SamplingSettings, written: list[int], **asked: Any) -> Sampler:
    sampler = Sampler(settings, V, asked.pop("top_logprobs", None))
    for token in written:
        sampler.append_token(token)
    for name, value in asked.items():
        setattr(sampler, name, value)
    return sampler


def check_rows(
    draw: Draw, logits_SV: np.ndarray, samplers: list[Sampler], wanted: list[np.ndarray]
) -> None:
    """Each row draws each token exactly where its distribution has it, in order of ids."""
    edges = [np.concatenate(([0.0], np.cumsum(p))) for p in wanted]
    middles = [[(a + b) / 2 for a, b in pairwise(edge) if b - a > 1e-4] for edge in edges]
    for turn in range(max(map(len, middles))):
        numbers = [middle[turn % len(middle)] for middle in middles]
        tokens = drawn_by(draw, samplers, logits_SV, numbers)
        for token, number, edge in zip(tokens, numbers, edges, strict=True):
            assert edge[token] < number < edge[token + 1]


ways = st.builds(
    SamplingSettings,
    temperature=st.sampled_from([0.0, 0.3, 0.8, 1.0, 2.5]),
    top_k=st.sampled_from([0, 1, 2, 7, V, V + 5]),
    top_p=st.sampled_from([1.0, 0.9, 0.5, 1e-6]),
    min_p=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    repetition_penalty=st.sampled_from([1.0, 1.1, 2.0]),
    presence_penalty=st.sampled_from([0.0, 0.7]),
    frequency_penalty=st.sampled_from([0.0, -0.4]),
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            ways,
            st.integers(0, 1000),
            st.lists(st.integers(0, V - 1), max_size=100),
            st.booleans(),
            st.sampled_from([None, 0.0, 0.3, 0.9]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_each_row_is_drawn_from_its_own_distribution(
    draw: Draw,
    rows: list[tuple[SamplingSettings, int, list[int], bool, float | None]],
) -> None:
    """Any settings beside any others, with and without what is forbidden and remembered."""
    logits_SV = np.stack([row(seed) - 3 for _, seed, _, _, _ in rows])
    samplers, wanted = [], []
    for (settings, seed, written, forbids, weight), logits_V in zip(rows, logits_SV, strict=True):
        dice = np.random.default_rng(seed)
        forbidden_V = dice.random(V) < 0.3 if forbids else None
        memory = None
        if weight is not None:
            ids_M = dice.permutation(V)[:5]
            memory = Memory(ids_M, softmax(dice.normal(size=5)).astype(np.float32), weight)
        samplers.append(sampler_of(settings, written, forbidden_V=forbidden_V, memory=memory))
        wanted.append(distribution(logits_V, settings, written, forbidden_V, memory))
    check_rows(draw, logits_SV, samplers, wanted)


def test_ties_at_the_edge_of_top_k_are_all_kept(draw: Draw) -> None:
    """Which of equal tokens came first in memory must not matter."""
    logits_SV = np.zeros((1, V), np.float32)
    logits_SV[0, [3, 9, 20]] = 1.0
    sampler = sampler_of(PLAIN.model_copy(update={"top_k": 2}), [])
    found = {drawn_by(draw, [sampler], logits_SV, [number])[0] for number in (0.1, 0.5, 0.9)}
    assert found == {3, 9, 20}


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
def test_the_ends_of_a_row_stay_in_it(draw: Draw, number: float) -> None:
    """The smallest and the largest random number draw an allowed token of their own row."""
    logits_SV = np.stack([row(1)] * 3)
    forbidden_V = np.ones(V, bool)
    forbidden_V[[5, 6]] = False
    samplers = [sampler_of(PLAIN, [], forbidden_V=forbidden_V) for _ in range(3)]
    assert set(drawn_by(draw, samplers, logits_SV, [number] * 3)) <= {5, 6}


@pytest.mark.parametrize("temperature", [1e-12, 1e-50])
def test_a_tiny_temperature_takes_the_likeliest(draw: Draw, temperature: float) -> None:
    """No division by almost nothing makes every logit infinite, nor by what float32 has no number
    for."""
    logits_SV = np.stack([row(1), row(2)])
    tiny = PLAIN.model_copy(update={"temperature": temperature})
    tokens = [
        drawn.token for drawn in sample(logits_SV, [Sampler(tiny, V), Sampler(tiny, V)], draw=draw)
    ]
    assert tokens == logits_SV.argmax(1).tolist()


def test_a_seed_draws_the_same_alone_and_in_company(draw: Draw) -> None:
    """Whoever is beside it, joins or leaves, and wherever its row is."""
    rng = np.random.default_rng(0)
    logits_TV = rng.normal(size=(60, V)).astype(np.float32) * 2
    kept = SamplingSettings(temperature=0.9, top_k=12, top_p=0.95, repetition_penalty=1.2, seed=7)

    def write(company: bool) -> list[int]:
        sampler, others = Sampler(kept, V), [Sampler(PLAIN, V) for _ in range(5)]
        written = []
        for step, logits_V in enumerate(logits_TV):
            beside = others[: step % 5] if company else []
            at = step % (len(beside) + 1)
            samplers = [*beside[:at], sampler, *beside[at:]]
            logits_SV = rng.normal(size=(len(samplers), V)).astype(np.float32)
            logits_SV[at] = logits_V
            token = sample(logits_SV, samplers, draw=draw)[at].token
            sampler.append_token(token)
            written.append(token)
        return written

    alone = write(False)
    assert write(True) == alone
    assert len(set(alone)) > 10


def test_seeds_differ_and_none_is_a_new_one(draw: Draw) -> None:
    """Neighbouring seeds are not each other shifted."""
    logits_SV = np.zeros((1, V), np.float32)

    def text(seed: int | None) -> list[int]:
        sampler = Sampler(PLAIN.model_copy(update={"seed": seed}), V)
        return [sample(logits_SV, [sampler], draw=draw)[0].token for _ in range(30)]

    assert text(1) == text(1)
    texts = [text(1), text(2), text(2**63 - 1), text(None), text(None)]
    assert len(set(map(tuple, texts))) == 5
    assert texts[0][1:] != texts[1][:-1]


def test_frequencies_are_the_probabilities(draw: Draw) -> None:
    """Twenty thousand draws from a known distribution: each share within five deviations."""
    logits_V = row(3, 0.5)
    samplers = [Sampler(PLAIN.model_copy(update={"seed": seed}), V) for seed in range(100)]
    logits_SV = np.stack([logits_V] * 100)
    tokens = [drawn.token for _ in range(200) for drawn in sample(logits_SV, samplers, draw=draw)]
    p = softmax(logits_V.astype(np.float64))
    shares = np.bincount(tokens, minlength=V) / len(tokens)
    assert (np.abs(shares - p) < 5 * np.sqrt(p / len(tokens))).all()


def test_ids_that_nobody_may_take_are_never_drawn_nor_told_of(draw: Draw) -> None:
    """Not by chance, not greedily, not from memory; and they count in no logarithm."""
    never_V = np.zeros(V, np.float32)
    never_V[:30] = -np.inf
    logits_SV = np.stack([np.arange(V, 0, -1, dtype=np.float32)] * 3)
    memory = Memory(np.array([0, 35]), np.array([0.9, 0.1], np.float32), 0.5)
    greedy = PLAIN.model_copy(update={"temperature": 0.0})
    samplers = [
        sampler_of(PLAIN, [], top_logprobs=V),
        sampler_of(greedy, []),
        sampler_of(PLAIN, [], memory=memory, top_logprobs=V),
    ]
    for _ in range(50):
        first, second, third = sample(logits_SV, samplers, never_V, draw)
        assert min(first.token, second.token, third.token) >= 30
        assert second.token == 30
        assert {token for token, _ in first.top} == set(range(30, V))
        assert sum(np.exp(value) for _, value in first.top) == pytest.approx(1, abs=1e-5)


def test_logarithms_are_of_the_distribution_before_settings(draw: Draw) -> None:
    """Penalties, temperature, top-k and what is forbidden now do not change them; memory does."""
    logits_SV = np.stack([row(1), row(2), row(3)])
    memory = Memory(np.array([4, 8]), np.array([0.25, 0.75], np.float32), 0.4)
    shaped = SamplingSettings(temperature=0.3, top_k=3, repetition_penalty=2.0, seed=1)
    forbidden_V = np.arange(V) == logits_SV[0].argmax()
    samplers = [
        sampler_of(shaped, [1, 2], forbidden_V=forbidden_V, top_logprobs=3),
        sampler_of(shaped, [1, 2]),
        sampler_of(shaped, [4, 8], memory=memory, top_logprobs=0),
    ]
    first, second, third = sample(logits_SV, samplers, draw=draw)
    p_V = softmax(logits_SV[0].astype(np.float64))
    best = np.argsort(-p_V)[:3]
    assert first.logprob == pytest.approx(np.log(p_V[first.token]), abs=1e-5)
    assert [token for token, _ in first.top] == best.tolist()
    assert [value for _, value in first.top] == pytest.approx(np.log(p_V[best]).tolist(), abs=1e-5)
    assert (second.logprob, second.top, second.memory_share) == (None, (), None)
    p_V = 0.6 * softmax(logits_SV[2].astype(np.float64))
    p_V[[4, 8]] += 0.4 * np.array([0.25, 0.75])
    assert third.logprob == pytest.approx(np.log(p_V[third.token]), abs=1e-5)
    assert third.top == ()


def test_memorys_share_is_what_it_gave_to_the_token(draw: Draw) -> None:
    """All of what the model would hardly say, none of what memory does not offer."""
    logits_SV = np.zeros((1, V), np.float32)
    logits_SV[0, 5] = -60.0
    memory = Memory(np.array([5, 6]), np.array([0.5, 0.5], np.float32), 0.5)
    sampler = sampler_of(PLAIN, [], memory=memory)
    shares = {}
    for number in np.linspace(0, 1, 400, endpoint=False).tolist():
        replay(sampler, number)
        drawn = sample(logits_SV, [sampler], draw=draw)[0]
        assert drawn.memory_share is not None
        shares[drawn.token] = drawn.memory_share
    assert shares[5] == pytest.approx(1.0)
    assert shares[6] == pytest.approx(0.25 / (0.25 + 0.5 / (V - 1)), rel=1e-5)
    assert shares[7] == 0.0
    assert sample(logits_SV, [sampler_of(PLAIN, [])], draw=draw)[0].memory_share is None


def test_logits_are_not_changed(draw: Draw) -> None:
    """The decoder's own buffer may be read again."""
    logits_SV = np.stack([row(1), row(2)])
    before = logits_SV.copy()
    memory = Memory(np.array([5]), np.ones(1, np.float32), 0.5)
    settings = SamplingSettings(top_p=0.9, min_p=0.1, frequency_penalty=0.1)
    sample(
        logits_SV,
        [sampler_of(settings, [1], memory=memory, top_logprobs=2), sampler_of(settings, [])],
        draw=draw,
    )
    assert np.array_equal(logits_SV, before)
