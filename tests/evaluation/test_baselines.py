"""Uniform, unigram, bigram against numbers worked out by hand; compressors against sense."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

from inkling.evaluation.baselines import (
    bigram,
    compressed,
    counted,
    uniform,
    unigram_probability,
    xz_ratio,
)
from inkling.evaluation.compressors import added_nats, ppm_installed
from inkling.evaluation.passages import HeldOutPassage, Symbols, writing_symbols
from inkling.tokens.dataset import PackedIds
from inkling.tokens.vocabulary import END as END_TOKEN


def packed(ids: list[int]) -> PackedIds:
    """Ids as a part."""
    return PackedIds("part", np.array(ids, dtype=np.uint16), None, ())


ONE_CHARACTER_EACH = np.array([1, 1, 1, 0])
END = 3


def test_uniform_is_ln_v() -> None:
    """One character a token: ln V; two a token: half of it. <|end|> is not scored."""
    part = packed([3, 0, 1, 3, 2])
    assert uniform(part, 7, ONE_CHARACTER_EACH, END) == pytest.approx(math.log(7))
    assert uniform(part, 7, ONE_CHARACTER_EACH * 2, END) == pytest.approx(math.log(7) / 2)


def test_bigram_by_hand() -> None:
    """Train 0 1 0 1 0 2; held out 0 1 2. After 0: twice 1, once 2; after 1: twice 0."""
    train, held_out = packed([0, 1, 0, 1, 0, 2]), packed([0, 1, 2])
    p1, p2 = (2 + 1) / (6 + 4), (1 + 1) / (6 + 4)
    after_0 = (2 + 2 * p1) / (3 + 2)
    after_1 = (0 + 1 * p2) / (2 + 1)
    expected = -(math.log(after_0) + math.log(after_1)) / 2
    assert bigram(train, held_out, 4, ONE_CHARACTER_EACH, END) == pytest.approx(expected)


def test_bigram_is_a_distribution() -> None:
    """Over all next tokens the probabilities sum to one, for seen and unseen tokens."""
    train = packed([0, 1, 0, 2, 1, 0])
    for first in range(4):
        mass = sum(
            math.exp(-bigram(train, packed([first, second]), 4, np.ones(4, dtype=int), end_id=99))
            for second in range(4)
        )
        assert mass == pytest.approx(1)


# -- over characters, for a report -------------------------------------------------------------


def symbols(text: str) -> Symbols:
    """A passage of writing, every character scored."""
    return writing_symbols([HeldOutPassage(END_TOKEN, text)])


def test_unigram_by_hand() -> None:
    """Train 0 0 1: (2+1)/(3+3), (1+1)/6, and one sixth for what was not seen."""
    found = unigram_probability(np.array([0, 0, 1]), np.array([0, 1, 2]), 3)
    assert found.tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])


def test_counted_baselines_by_hand() -> None:
    """Uniform is ln of the alphabet; the unigram of "ab" after "aab" is worked out, the <|end|>
    of the training text counted, that of the held-out text not scored."""
    found = {b.name: b.nats_per_char for b in counted(symbols("aab"), symbols("ab"), 2)}
    assert found["uniform"] == pytest.approx(math.log(2))
    # Four symbols were seen (one is <|end|>), of three kinds.
    assert found["unigram"] == pytest.approx(-(math.log(3 / 7) + math.log(2 / 7)) / 2)
    assert set(found) == {"uniform", "unigram", "bigram", "Kneser-Ney 5-gram"}


def test_more_context_is_better_on_prose(posts: list[Path]) -> None:
    """Uniform > unigram > bigram > 5-gram, and PPM below xz, on real held-out prose."""
    text = "".join(post.read_text() for post in posts[:12])
    train, held_out = symbols(text[:-4000]), symbols(text[-4000:])
    losses = [b.nats_per_char for b in counted(train, held_out, len(set(text)))]
    assert losses == sorted(losses, reverse=True)
    by_name = {b.name: b.nats_per_char for b in compressed(train, held_out)}
    assert losses[-1] < by_name["xz"] < losses[1]
    assert ("PPM" in by_name) == ppm_installed()
    if "PPM" in by_name:
        assert by_name["PPM"] < by_name["xz"]


def test_compressors_know_the_training_text(posts: list[Path]) -> None:
    """A copy costs next to nothing, also with a letter changed in every forty; new prose does
    not. The dictionary reaches back over everything."""
    noise = random.Random(0).choices("abcdefghijklmnopqrstuvwxyz ", k=300_000)
    text = posts[0].read_text() + posts[1].read_text()
    train = symbols(text + "".join(noise))
    changed = "".join("#" if at % 40 == 20 else c for at, c in enumerate(text))
    assert xz_ratio(train, symbols(text)) < 0.02
    assert xz_ratio(train, symbols(changed)) < 0.5
    assert xz_ratio(train, symbols(posts[5].read_text())) > 0.6


def test_added_nats_is_a_difference_of_sizes() -> None:
    """Eight bits a byte."""
    assert added_nats(len, b"abc", b"de") == pytest.approx(16 * math.log(2))
