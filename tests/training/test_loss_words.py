"""Losses in words: only of text that such words were read off."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.config import DataFacts
from inkling.preparation.estimate import bzip2_nats, is_prose, sample_of
from inkling.training.loss_words import looks_like
from tests.conftest import DEMO, Result

DRAW = random.Random(5)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NO_PROSE = {
    "letters": "".join(DRAW.choice(LETTERS + " ") for _ in range(30_000)),
    "letters without spaces": "".join(DRAW.choice(LETTERS) for _ in range(30_000)),
    "emoji": "".join(DRAW.choice("😀😂🥲🐖🎉 ") for _ in range(10_000)),
    "numbers": " ".join(str(DRAW.random()) for _ in range(2_000)),
    "one line again and again": "a line that comes again\n" * 2_000,
    "no spaces between words": "今天天气很好，我们去公园散步。" * 300,
}


@pytest.mark.parametrize("name", NO_PROSE)
def test_text_that_is_no_prose_has_no_verdict(name: str) -> None:
    """Its loss is a number and nothing else."""
    assert not is_prose(NO_PROSE[name])
    assert looks_like(1.2, DataFacts(prose=False)) is None


def test_prose_has_one_however_little_there_is() -> None:
    """Posts, chats, a page, half a page."""
    posts = "\n\n".join(path.read_text() for path in sorted((DEMO / "posts").glob("*.md")))
    for sample in (sample_of([posts]), (DEMO / "dms.txt").read_text(), posts[:3_000], posts[:900]):
        assert is_prose(sample)
    assert looks_like(1.3, DataFacts(bzip2_nats=bzip2_nats(posts))) is not None
    assert looks_like(1.3, DataFacts()) == (
        "real words in plausible order; phrases hold, sense wanders"
    )


@pytest.mark.parametrize("bzip2", [1.4, 1.65, 2.6])
def test_a_loss_beyond_guessing_is_called_that(bzip2: float) -> None:
    """6.85 bits a character is more than choosing among fifty alike, of a long text or a short."""
    facts = DataFacts(bzip2_nats=bzip2)
    assert looks_like(4.749, facts) == "no better than guessing: too little text or too few steps"
    assert looks_like(3.1, facts) != looks_like(4.749, facts)


def test_a_training_says_how_little_it_has_and_nothing_of_sentences(
    inkling: Callable[..., Result],
) -> None:
    """One page is one page, and random letters hold no sentences."""
    inkling("init", "w")
    Path("letters.txt").write_text(NO_PROSE["letters"][:2_000])
    assert inkling("add", "letters.txt", "-w", "w").status == 0
    done = inkling("train", "--steps", 2, "--no-plots", "-w", "w")
    assert done.status == 0, done.err
    assert "(that is little: about 1 page; from about" in done.out
    (expected,) = [line for line in done.out.splitlines() if line.startswith("  expect")]
    assert expected.endswith("bits a character")
    (measured,) = [line for line in done.out.splitlines() if line.startswith("Held-out writing")]
    assert measured.endswith("bits)")
