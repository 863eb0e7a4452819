"""A model that begins as the table of pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from inkling.config import ModelSettings
from inkling.model.gpt import GPT
from inkling.training import bigram_start
from inkling.training.bigram_start import BigramTable, start_from_bigrams
from inkling.training.planner import BIGRAM_ITERATIONS, bigram_iterations

V = 40
MODEL = ModelSettings(
    n_layer=1, n_head=1, n_embd=32, head_dim=32, n_hidden=48, vocab_size=V, context_length=16
)


@pytest.fixture
def ids() -> np.ndarray:
    """A text in which each token is mostly followed by one of three; tokens 37 to 39 do not
    occur."""
    draw = np.random.default_rng(0)
    text = [0]
    for _ in range(4_000):
        text.append(int((3 * text[-1] + draw.integers(3)) % 37))
    return np.array(text, dtype=np.uint16)


def model() -> GPT:
    torch.manual_seed(3)
    return GPT(MODEL)


def counts(ids: np.ndarray) -> np.ndarray:
    """Each pair counted one by one."""
    table = np.zeros((V, V))
    for previous, following in itertools.pairwise(ids):
        table[previous, following] += 1
    return table


@pytest.mark.parametrize("cells", [1, 5 * V, 1 << 22])
def test_the_table_is_the_count_of_pairs(
    ids: np.ndarray, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows are looked at at once."""
    monkeypatch.setattr(bigram_start, "_PART", cells)
    found = torch.zeros(V, V)
    for rows, shares in BigramTable(ids, V).parts(torch.device("cpu")):
        found[rows] = shares
    wanted = torch.from_numpy(counts(ids) / (len(ids) - 1)).float()
    torch.testing.assert_close(found, wanted)


def test_a_long_text_is_counted_in_stretches(
    ids: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it where it is short enough; else evenly spread stretches, and none across a gap."""
    monkeypatch.setattr(bigram_start, "_STRETCH", 101)
    pairs = {tuple(pair) for pair in np.argwhere(counts(ids))}

    def table() -> np.ndarray:
        shares = np.zeros((V, V))
        for rows, part in BigramTable(ids, V).parts(torch.device("cpu")):
            shares[rows.numpy()] = part.numpy()
        return shares

    np.testing.assert_allclose(table(), counts(ids) / (len(ids) - 1), atol=1e-7)
    monkeypatch.setattr(bigram_start, "MAX_PAIRS", 1_000)
    sampled = table()
    assert sampled.sum() == pytest.approx(1)
    assert {tuple(pair) for pair in np.argwhere(sampled)} <= pairs
    np.testing.assert_allclose(sampled, counts(ids) / (len(ids) - 1), atol=0.02)


def test_the_model_becomes_the_table(ids: np.ndarray) -> None:
    """Its logits are those of the pairs: near the entropy of the table, and never below it."""
    table = counts(ids)
    shares = table / table.sum()
    rows = table.sum(axis=1, keepdims=True).clip(1)
    entropy = -float(np.sum(shares[table > 0] * np.log((table / rows)[table > 0])))
    started = model()
    assert start_from_bigrams(started, ids, 1) == pytest.approx(math.log(V), abs=1e-5)
    started = model()
    loss = start_from_bigrams(started, ids, 60)
    assert entropy <= loss < entropy + 0.1
    batch = torch.from_numpy(ids[:-1].astype(np.int64)).view(1, -1)[:, :16]
    logits = started(batch)[0, -1]
    assert int(logits.argmax()) in np.flatnonzero(table[int(batch[0, -1])])
    assert all(weight.grad is None for weight in started.parameters())


def test_only_embedding_and_head_change_and_nothing_is_drawn(ids: np.ndarray) -> None:
    """The same bits each time, and torch's random state as it was."""
    untouched, one, two = model(), model(), model()
    state = torch.get_rng_state()
    start_from_bigrams(one, ids, 5)
    start_from_bigrams(two, ids, 5)
    assert torch.equal(torch.get_rng_state(), state)
    for name, weight in untouched.named_parameters():
        same = torch.equal(weight, dict(one.named_parameters())[name])
        assert same == (name not in ("embedding.weight", "head.weight")), name
        assert torch.equal(*(dict(each.named_parameters())[name] for each in (one, two)))


def test_iterations_take_a_tenth_of_the_arithmetic_at_most() -> None:
    """Fifteen where there is time, none where only a few would fit."""
    iteration = 6 * V**2 * MODEL.n_embd
    assert bigram_iterations(MODEL, 1e12) == BIGRAM_ITERATIONS
    assert bigram_iterations(MODEL, 10 * iteration * 7.5) == 7
    assert bigram_iterations(MODEL, 10 * iteration * 3.9) == 0
