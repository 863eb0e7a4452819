"""Pieces, pairs and the next piece: exact counts and probabilities."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.config import SamplingSettings
from inkling.evaluation.baselines import bigram_probability
from inkling.inspection import pairs
from inkling.inspection.forward import read
from inkling.inspection.next_piece import draws, next_pieces, softmax
from inkling.inspection.pairs import PairCounts, learned_rows
from inkling.inspection.pieces import character_ids, code_point, describe, merge_ranks
from inkling.inspection.writing_steps import writing_steps
from inkling.tokens.tokenizer import Tokenizer
from tests.inspection.conftest import TEXT, made


@pytest.mark.parametrize("dense", [True, False])
def test_pairs_equal_a_direct_count(dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the table is kept; rows, single cells and sums."""
    rng = np.random.default_rng(5)
    if not dense:
        monkeypatch.setattr(pairs, "_DENSE", 0)
    ids = rng.integers(0, 30, 4000) ** 2 // 30
    counted = PairCounts.of(ids, 40)
    direct: dict[tuple[int, int], int] = {}
    for a, b in pairwise(ids):
        direct[int(a), int(b)] = direct.get((int(a), int(b)), 0) + 1
    table = counted.counts_of(np.arange(40)[:, None], np.arange(40)[None])
    assert {(a, b): table[a, b] for a, b in np.argwhere(table).tolist()} == direct
    for first in (0, 7, 39):
        followers, counts = counted.row(first)
        assert dict(zip(followers.tolist(), counts.tolist(), strict=True)) == {
            b: n for (a, b), n in direct.items() if a == first
        }
        assert counts.sum() == counted.total_V[first]


def test_the_probability_of_a_text_is_the_baselines() -> None:
    """The bigram beside every loss, from counts that are kept."""
    rng = np.random.default_rng(5)
    train, text = rng.integers(0, 20, 900), rng.integers(0, 25, 60)
    own = PairCounts.of(train, 25).probability(text.tolist())
    np.testing.assert_allclose(own, bigram_probability(train, text, 25), rtol=1e-12)


def test_pairs_continue_as_counted() -> None:
    """Where one thing always follows, it follows."""
    counted = PairCounts.of(np.array([0, 1, 2] * 9), 4)
    live = np.array([True, True, True, False])
    plain = SamplingSettings(temperature=1, top_k=0, max_tokens=7, seed=1, repetition_penalty=1)
    assert counted.continued(0, plain, live) == [1, 2, 0, 1, 2, 0, 1]
    assert set(counted.continued(3, plain, live)) <= {0, 1, 2}


def test_what_a_model_learned_of_pairs(tokenizer: Tokenizer, live: np.ndarray) -> None:
    """The bigram's rows are its table; every model's rows are what it says after one piece."""
    firsts = np.flatnonzero(live)[:5].tolist()
    bigram = made("bigram", tokenizer.vocab_size)
    found = learned_rows(bigram, firsts, live)
    table = bigram.table.weight.detach().numpy()[firsts].astype(np.float64)  # type: ignore[union-attr]
    wanted = np.where(live, np.exp(table), 0)
    np.testing.assert_allclose(found, wanted / wanted.sum(-1, keepdims=True), atol=1e-6)
    modern = made("modern", tokenizer.vocab_size)
    for first, row in zip(firsts, learned_rows(modern, firsts, live), strict=True):
        alone = modern(torch.tensor([[first]]))[0, 0].detach().numpy()
        np.testing.assert_allclose(row[live], softmax(alone[live]), atol=1e-6)


SETTINGS = [
    SamplingSettings(temperature=1.0, top_k=0),
    SamplingSettings(temperature=0.5, top_k=5),
    SamplingSettings(temperature=1.7, top_k=0, top_p=0.8),
    SamplingSettings(temperature=0.9, top_k=12, top_p=0.6),
    SamplingSettings(temperature=0.0, top_k=3),
]


def reference(logits: np.ndarray, live: np.ndarray, how: SamplingSettings) -> dict[int, float]:
    """The settings written out for one row, in double precision."""
    ids = np.flatnonzero(live)
    x = logits[ids].astype(np.float64)
    if how.temperature == 0:
        return {int(ids[x.argmax()]): 1.0}
    kept = sorted(range(len(ids)), key=lambda i: -x[i])
    if how.top_k:
        kept = kept[: how.top_k]
    p = np.exp(x[kept] / how.temperature - x.max() / how.temperature)
    p /= p.sum()
    if how.top_p < 1:
        before = np.concatenate([[0], p.cumsum()[:-1]])
        inside = before < how.top_p
        kept, p = [k for k, i in zip(kept, inside, strict=True) if i], p[inside]
    return {int(ids[k]): float(value / p.sum()) for k, value in zip(kept, p, strict=True)}


@pytest.mark.parametrize("how", SETTINGS)
def test_the_next_piece_to_1e6(how: SamplingSettings) -> None:
    """Probabilities before and after, entropy and what is kept, against double precision."""
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, 50).astype(np.float32)
    live = np.arange(50) % 4 != 0
    found = next_pieces(logits, live, how)
    wanted = reference(logits, live, how)
    after = {int(i): p for i, p in zip(found.ids, found.after, strict=True) if p}
    assert after.keys() == wanted.keys()
    for index, p in wanted.items():
        assert after[index] == pytest.approx(p, abs=1e-6)
    p = np.array(list(wanted.values()))
    assert found.entropy_after == pytest.approx(-(p * np.log2(p)).sum(), abs=1e-5)
    before = np.exp(logits[live].astype(np.float64))
    np.testing.assert_allclose(found.before, before / before.sum(), atol=1e-6)
    kept = sum(found.before[list(found.ids).index(index)] for index in wanted)
    assert found.kept == pytest.approx(kept, abs=1e-9)


@pytest.mark.parametrize("how", SETTINGS[:4])
def test_ten_thousand_draws(how: SamplingSettings) -> None:
    """A chi-square test against the probabilities on show; nothing that was cut is drawn."""
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 1.5, 30).astype(np.float32)
    live = np.ones(30, np.bool_)
    live[3] = False
    found = next_pieces(logits, live, how)
    drawn = np.bincount(
        draws(logits, live, how.model_copy(update={"seed": 8}), 10_000), minlength=30
    )
    expected = np.zeros(30)
    expected[found.ids] = 10_000 * found.after
    assert drawn[expected == 0].sum() == 0
    many = expected >= 5
    cells_drawn = np.append(drawn[many], drawn[~many].sum())
    cells = np.append(expected[many], expected[~many].sum())
    used = cells > 0
    chi = ((cells_drawn[used] - cells[used]) ** 2 / cells[used]).sum()
    freedom = int(used.sum()) - 1
    # The mean of chi-square is its degrees of freedom, its variance twice that; five deviations.
    assert chi <= freedom + 5 * (2 * freedom) ** 0.5


def cut(text: str, ranks: list[int | None], merges: int) -> list[str]:
    """The text in the pieces of the first merges."""
    found, begin = [], 0
    for place, rank in enumerate([*ranks, None], start=1):
        if rank is None or rank > merges:
            found.append(text[begin:place])
            begin = place
    return found


def test_every_number_of_merges_cuts_as_its_tokenizer(tokenizer: Tokenizer) -> None:
    """With all merges as the tokenizer itself, with n as one that learned n, with none into
    characters."""
    text = "the harbour's quietest harbours, theend é🐖!!"
    ranks = merge_ranks(tokenizer, text)
    assert len(ranks) == len(text) - 1
    for merges in {0, tokenizer.merges // 2, tokenizer.merges}:
        smaller = Tokenizer.train([TEXT], merges=merges)
        assert smaller.learned_merges == tokenizer.learned_merges[:merges]
        assert cut(text, ranks, merges) == [smaller.decode([i]) for i in smaller.encode(text)]
    assert cut(text, ranks, 0) == list(text)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(alphabet="the harbourquis.,:\n'", max_size=60))
def test_any_text_is_cut_as_the_tokenizer_cuts_it(text: str) -> None:
    tokenizer = Tokenizer.train([TEXT], merges=60)
    if text:
        cuts = cut(text, merge_ranks(tokenizer, text), tokenizer.merges)
        assert cuts == [tokenizer.decode([index]) for index in tokenizer.encode(text)]


def test_pieces_say_what_they_are(tokenizer: Tokenizer, live: np.ndarray) -> None:
    """Id, characters, code points and count; half a character is bytes, a mark has a name."""
    counts = np.bincount(tokenizer.encode(TEXT), minlength=tokenizer.vocab_size)
    ids = [tokenizer.end_id, *tokenizer.encode("é ☃")]
    found = describe(tokenizer, ids, live, counts)
    assert (found[0].text, found[0].special, found[0].characters) == ("<|end|>", True, 0)
    accented = next(piece for piece in found if piece.text and "é" in piece.text)
    assert "U+00E9 LATIN SMALL LETTER E WITH ACUTE" in accented.code_points
    assert accented.count == int(counts[accented.id])
    snow = found[-3:]
    assert [piece.text for piece in snow] == [None] * 3
    assert " ".join(piece.bytes for piece in snow) == "☃".encode().hex(" ")
    assert not snow[0].live
    assert code_point("\n") == "U+000A"


def test_characters_are_numbered_as_sorted(tokenizer: Tokenizer) -> None:
    """`sorted(set(corpus))`; what the corpus does not have has no number."""
    order = sorted(set(TEXT))
    assert character_ids(tokenizer, "The☃") == [order.index(c) for c in "The"] + [None]


def test_the_steps_to_a_piece(tokenizer: Tokenizer, live: np.ndarray) -> None:
    """Every tensor in its order, with its real shape and norm; the draw is one that may be."""
    model = made("modern", tokenizer.vocab_size)
    ids = [tokenizer.end_id, *tokenizer.encode(TEXT)][:40]
    states = read(model, ids)
    how = SamplingSettings(temperature=0.8, top_k=4, seed=3)
    steps, drawn = writing_steps(states, live, how)
    names = [step.name for step in steps]
    assert names == [
        "embeddings", "attention 0", "neurons 0", "layer 0", "attention 1", "neurons 1", "layer 1",
        "logits", "temperature", "top-k", "top-p",
    ]  # fmt: skip
    assert steps[0].shape == (40, 48)
    assert steps[0].norm == pytest.approx(float(states.embedded_TC.norm()))
    (channel,), largest = steps[0].largest[0]
    assert largest == pytest.approx(float(states.embedded_TC[-1, channel]))
    assert abs(largest) == pytest.approx(float(states.embedded_TC[-1].abs().max()))
    cut_ids = [index for (index,), _ in steps[-1].largest]
    assert len(cut_ids) == 4
    assert drawn in cut_ids
    assert sum(value for _, value in steps[-1].largest) == pytest.approx(1)
