"""How like someone a text sounds: habits counted, not meaning understood.

Knows: texts and counts. Does not know: models. Data: replies of three kinds (real, the model's,
generic) -> six counted habits -> distances -> `Voice`.

The distance of two samples: for each habit (a distribution) the square root of the Jensen-
Shannon divergence in bits (Lin 1991; a metric by Endres and Schindelin 2003), 0 for equal
habits and 1 for nothing in common; then the plain mean of the six. Words are counted as
Burrows did for Delta (2002): the most frequent ones of the author's own text, which in any
language are mostly those that carry grammar. Trigrams of characters: after Kešelj et al. 2003.

Such a distance grows when samples are small, so no number means anything alone. The exchanges
are cut at random into two halves, many times: the real replies of one half are compared with
the real replies of the other (the floor: you against yourself), with the model's replies to
the questions of the other, and with generic text, all with equally many characters.
"""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import fmean, median
from typing import Annotated

import numpy as np
from pydantic import AliasChoices, Field

WORDS, TRIGRAMS = 100, 300
HALVINGS = 200
LEAST_EXCHANGES = 10
"""With fewer, halves are a handful of replies and every distance is chance."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_REST = "other"
_SENTENCE_BOUNDS = (1, 2, 4, 7, 11, 17, 27, 45)
_REPLY_BOUNDS = (5, 10, 20, 40, 60, 90, 140, 220, 400)
_MARKS = frozenset(".,!?;:'\"’“”…-–—()/*\n")

Habit = Callable[[str], Counter[str]]
"""How often a text does each thing. Texts add up."""


def words(text: str) -> list[str]:
    """Words in lower case, apostrophes kept."""
    return [match.lower() for match in _WORD.findall(text)]


def sentences(text: str) -> list[str]:
    """Cut behind . ! ? … and at line breaks."""
    return [piece for piece in _SENTENCE_END.split(text) if piece.strip()]


def is_emoji(character: str) -> bool:
    """Pictographs: Unicode's "symbol, other" from U+2190 on."""
    return ord(character) >= 0x2190 and unicodedata.category(character) == "So"


def frequent_words(texts: Iterable[str], count: int = WORDS) -> tuple[str, ...]:
    return _frequent((word for text in texts for word in words(text)), count)


def frequent_trigrams(texts: Iterable[str], count: int = TRIGRAMS) -> tuple[str, ...]:
    return _frequent((gram for text in texts for gram in _trigrams(text)), count)


def _frequent(items: Iterable[str], count: int) -> tuple[str, ...]:
    counted = Counter(items)
    # Ties in alphabetical order: the same text always gives the same list.
    return tuple(sorted(counted, key=lambda item: (-counted[item], item))[:count])


def habits(own_replies: Sequence[str]) -> dict[str, Habit]:
    """The six habits; which words and trigrams are counted, `own_replies` decide."""
    known_words = frozenset(frequent_words(own_replies))
    known_trigrams = frozenset(frequent_trigrams(own_replies))

    def count(kinds: Iterable[str], known: frozenset[str]) -> Counter[str]:
        return Counter(kind if kind in known else _REST for kind in kinds)

    return {
        "frequent words": lambda text: count(words(text), known_words),
        "letter trigrams": lambda text: count(_trigrams(text), known_trigrams),
        "capitals": lambda text: Counter(map(_case, _WORD.findall(text))),
        "punctuation, digits, emoji": lambda text: Counter(map(_mark, text)),
        "sentence length": lambda text: Counter(
            _bin(len(words(sentence)), _SENTENCE_BOUNDS) for sentence in sentences(text)
        ),
        "reply length": lambda text: Counter([_bin(len(text), _REPLY_BOUNDS)]),
    }


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Jensen-Shannon distance of two rows of counts (K,), 0…1; 1 where one of them is all
    zero and the other not."""
    sums = one.sum(), other.sum()
    if not all(sums):
        return float(sums[0] != sums[1])
    p, q = one / sums[0], other / sums[1]
    middle = (p + q) / 2

    def divergence(a: np.ndarray) -> float:
        some = a > 0
        return float((a[some] * np.log2(a[some] / middle[some])).sum())

    return math.sqrt(max(0.0, (divergence(p) + divergence(q)) / 2))


@dataclass(frozen=True)
class Spread:
    """A mean over all halvings, and the middle 90 % of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class HabitRow:
    """Mean distances in one habit."""

    habit: str
    you: float
    model: float
    generic: float


@dataclass(frozen=True)
class Trait:
    """A plain number, to see what differs: over all real, generated and generic replies."""

    trait: str
    you: float
    model: float
    generic: float


@dataclass(frozen=True)
class Voice:
    """`you` is the floor: your replies against your replies. `position` is where the model stands
    between that (0) and generic text (1); None where those two cannot be told apart. (Reports of
    version 0.1.0 call it `way`.)"""

    exchanges: int
    characters: int
    you: Spread
    model: Spread
    generic: Spread
    position: Annotated[Spread | None, Field(validation_alias=AliasChoices("position", "way"))]
    habits: tuple[HabitRow, ...]
    traits: tuple[Trait, ...]


def generic_replies() -> list[str]:
    """The reference text that ships with Inkling: neutral, in English, by no one in particular."""
    text = (files("inkling.evaluation") / "generic_replies.txt").read_text(encoding="utf-8")
    return text.strip().split("\n\n")


def compare_voices(
    own_replies: Sequence[str],
    real: Sequence[str],
    model: Sequence[str],
    generic: Sequence[str],
    seed: int = 0,
    halvings: int = HALVINGS,
) -> Voice:
    """`own_replies` are those of the training text; real[i] and model[i] answer one question.

    There must be LEAST_EXCHANGES of them.
    """
    assert len(real) == len(model) >= LEAST_EXCHANGES
    counted = habits(own_replies)
    everything = [*real, *model, *generic]
    sizes = np.array([len(text) for text in everything])
    tables = [_table(habit, everything) for habit in counted.values()]
    n = len(real)
    source = random.Random(seed)
    found = np.empty((halvings, 3, len(tables)))
    budgets = []
    for round_ in range(halvings):
        order = np.array(source.sample(range(n), n))
        here, there = order[: n // 2], order[n // 2 :]
        foreign = np.array(source.sample(range(2 * n, len(everything)), len(generic)))
        sides = [here, there, n + there, foreign]
        budget = min(int(sizes[side].sum()) for side in sides)
        mine, *others = (_up_to(side, sizes, budget) for side in sides)
        budgets.append(budget)
        for column, table_NK in enumerate(tables):
            own = table_NK[mine].sum(0)
            found[round_, :, column] = [distance(own, table_NK[o].sum(0)) for o in others]
    whole = found.mean(axis=2)
    means = found.mean(axis=0)
    gap = whole[:, 2] - whole[:, 0]
    return Voice(
        exchanges=len(real),
        characters=round(fmean(budgets)),
        you=_spread(whole[:, 0]),
        model=_spread(whole[:, 1]),
        generic=_spread(whole[:, 2]),
        position=_spread((whole[:, 1] - whole[:, 0]) / gap) if (gap > 0).all() else None,
        habits=tuple(
            HabitRow(name, *(float(value) for value in means[:, column]))
            for column, name in enumerate(counted)
        ),
        traits=tuple(
            Trait(name, measure(real), measure(model), measure(generic))
            for name, measure in _TRAITS.items()
        ),
    )


def _table(habit: Habit, texts: Sequence[str]) -> np.ndarray:
    """Counts (N texts, K kinds)."""
    counted = [habit(text) for text in texts]
    kinds = {kind: column for column, kind in enumerate(sorted(set().union(*counted)))}
    table_NK = np.zeros((len(texts), len(kinds)))
    for row, counts in enumerate(counted):
        for kind, count in counts.items():
            table_NK[row, kinds[kind]] = count
    return table_NK


def _up_to(texts: np.ndarray, sizes: np.ndarray, characters: int) -> np.ndarray:
    """Whole texts from the first on, until they hold so many characters; at least one."""
    before = np.concatenate([[0], np.cumsum(sizes[texts])[:-1]])
    return texts[(before < characters) | (before == 0)]


def _spread(values: np.ndarray) -> Spread:
    low, high = np.quantile(values, (0.05, 0.95))
    return Spread(float(values.mean()), float(low), float(high))


def _trigrams(text: str) -> list[str]:
    plain = f" {' '.join(text.lower().split())} "
    return [plain[at : at + 3] for at in range(len(plain) - 2)]


def _case(word: str) -> str:
    if word.islower():
        return "lower"
    if word.istitle() or len(word) == 1:
        return "Title"
    return "UPPER" if word.isupper() else "mIxed"


def _mark(character: str) -> str:
    if character in _MARKS:
        return character
    if character.isdigit():
        return "digit"
    return "emoji" if is_emoji(character) else _REST


def _bin(value: int, bounds: Sequence[int]) -> str:
    return str(sum(value > bound for bound in bounds))


def _a_hundred(texts: Sequence[str], found: Callable[[str], bool]) -> float:
    """How many of a hundred characters are so."""
    characters = sum(map(len, texts))
    return 100 * sum(found(c) for text in texts for c in text) / max(1, characters)


def _share(texts: Sequence[str], found: Callable[[str], bool]) -> float:
    return 100 * sum(map(found, texts)) / max(1, len(texts))


_TRAITS: dict[str, Callable[[Sequence[str]], float]] = {
    "characters a reply (median)": lambda texts: float(median(map(len, texts))),
    "words a sentence (mean)": lambda texts: fmean(
        [len(words(s)) for t in texts for s in sentences(t)] or [0]
    ),
    "replies that begin with a capital, %": lambda texts: _share(texts, lambda t: t[:1].isupper()),
    "replies that end in . ! ? …, %": lambda texts: _share(
        texts, lambda t: t.rstrip()[-1:] in tuple(".!?…")
    ),
    "replies that ask, %": lambda texts: _share(texts, lambda t: "?" in t),
    "replies with an emoji, %": lambda texts: _share(texts, lambda t: any(map(is_emoji, t))),
    "commas in 100 characters": lambda texts: _a_hundred(texts, lambda c: c == ","),
    "exclamation marks in 100 characters": lambda texts: _a_hundred(texts, lambda c: c == "!"),
    "digits in 100 characters": lambda texts: _a_hundred(texts, str.isdigit),
}
