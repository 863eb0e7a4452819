"""What was said before, so ordered that the records nearest to a message are found.

Knows: records, their words, which words are spelled alike, what a word says. Does not know: ids,
models, files, how many records are wanted or what for (lookup.py).
Data: records -> `IndexBuilder` -> `Index`; text -> `Index.query` -> `Index.scores`.

A record has three fields: what was asked, what was answered, the turns before. A word of a query
finds not only itself but the words spelled like it (words.spelling), each for as much as their
spellings share: "tuning" finds "tuned" and "tunning"; and, for less, the words that belong to it
(related_words.py): "town" finds "village". So only whole words have posting lists, an index stays
small beside its text, and nothing needs a language: there is no stemmer and no list of stop words,
a word that stands everywhere says next to nothing.

What a word says is BM25's ln(1 + (N − n + ½) / (n + ½)) (Robertson and Zaragoza 2009) over the
records that hold it, times how much it tells of the reply (telling.py), a little more for a long
one. A record counts a word once, and long fields are damped. N records, V words.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inkling.memory.postings import Field, PairCollector
from inkling.memory.records import Record
from inkling.memory.related_words import related
from inkling.memory.telling import telling
from inkling.memory.words import spelling, words

FIELDS = ("question", "reply", "before")

LENGTH_DAMPING = 0.25
"""How much long fields weigh less (BM25's b)."""

MIN_LIKENESS = 0.25
"""Share of a word's spelling from which another word counts as like it."""

RELATED = 0.4
"""How alike a word that is related to one of a query counts, against one spelled like it."""

MAX_SPELLED, MAX_ALIKE = 24, 64
"""Words spelled like one of a query that are looked up beside it; with those related to it."""

MAX_QUERY_WORDS = 48
"""Words of a query that are looked up, those that say most."""

SHORT_LETTERS, SHORT_SHARE = 8, 0.5
"""A word of one letter says about half of what one of SHORT_LETTERS says that is as rare."""

COMMON = 10_000
"""A word that more records hold is looked up only among the KEPT rarest of a query: its list is
long and says little."""

KEPT = 3

CHUNK = 2_000
"""Characters of a query that are read, the last ones."""

SPARSE = 16
"""A word of more than one in SPARSE records is added in one pass over all of them."""

REMEMBERED = 4_096
"""Words whose like ones are kept for the next query."""


@dataclass(frozen=True)
class Query:
    """A text to look up. For each of its words, the words like it (numbers, ascending by
    likeness), their likeness in (0, 1], and how much the word says."""

    alike: tuple[np.ndarray, ...]
    likeness: tuple[np.ndarray, ...]
    weights: tuple[float, ...]

    @property
    def weight(self) -> float:
        """How much the whole text says."""
        return sum(self.weights)


@dataclass(frozen=True)
class Index:
    """Records, the words they hold (a word's number is its place), the posting lists of fields,
    telling_V (V,) (see telling.py), and reply_keys (N,) int64, ascending: see `holds_reply`."""

    records: Sequence[Record]
    vocabulary: Sequence[str]
    fields: dict[str, Field]
    telling_V: np.ndarray
    reply_keys: np.ndarray

    def __len__(self) -> int:
        return len(self.records)

    def holds_reply(self, text: str) -> bool:
        """Whether a record's reply is this text, case and spaces aside (two different texts are
        taken for the same once in 10¹⁹)."""
        key = _reply_key(text)
        place = int(np.searchsorted(self.reply_keys, key))
        return place < len(self.reply_keys) and int(self.reply_keys[place]) == key

    @classmethod
    def build(cls, records: Iterable[Record]) -> Index:
        """An index that holds its records in memory."""
        builder, kept = IndexBuilder(), []
        for record in records:
            builder.add(record)
            kept.append(record)
        return builder.index(kept)

    def query(self, text: str) -> Query:
        """What to look up for a text. Words that nothing here is spelled like are left out."""
        weighed = {word: self._says(word) for word in words(text[-CHUNK:])}
        found: list[tuple[float, np.ndarray, np.ndarray]] = []
        # Of a long text most words are not looked at: which are like a word takes the time.
        for word in sorted(weighed, key=lambda word: -weighed[word]):
            if word not in self._looked_up:
                if len(self._looked_up) >= REMEMBERED:
                    self._looked_up.clear()
                self._looked_up[word] = self._alike(word)
            alike, likeness = self._looked_up[word]
            if len(alike) and (len(found) < KEPT or self._held_in[alike[-1]] <= COMMON):
                found.append((weighed[word], alike, likeness))
            if len(found) == MAX_QUERY_WORDS:
                break
        return Query(
            tuple(alike for _, alike, _ in found),
            tuple(likeness for _, _, likeness in found),
            tuple(says for says, _, _ in found),
        )

    def scores(self, query: Query, field: str) -> np.ndarray:
        """How well each record's field answers to a query, (N,) float32."""
        postings = self.fields[field]
        total_N = np.zeros(len(self.records), dtype=np.float32)
        best_N = np.zeros(len(self.records), dtype=np.float32)
        for alike, likeness, says in zip(query.alike, query.likeness, query.weights, strict=True):
            lists = [postings.holding(word) for word in alike]
            holders = np.concatenate(lists)
            # Of a record that holds several, the likest word counts: the last one assigned.
            best_N[holders] = np.repeat(likeness, [len(each) for each in lists])
            if len(holders) * SPARSE > len(best_N):
                total_N += says * best_N
                best_N[:] = 0
            else:
                # Not accumulated: a record that stands twice among them gets the same sum twice.
                total_N[holders] += says * best_N[holders]
                best_N[holders] = 0
        total_N /= self._damping[field]
        return total_N

    def rarity(self, word: str) -> float:
        """How much a word says by being rare."""
        held = self._held(word)
        return float(np.log1p((len(self.records) - held + 0.5) / (held + 0.5)))

    @cached_property
    def asked(self) -> np.ndarray:
        """Which records were said to a question, (N,) bool; the others are passages."""
        return self.fields["question"].lengths > 0

    @cached_property
    def opens(self) -> np.ndarray:
        """Which records begin a dialog, (N,) bool."""
        return self.fields["before"].lengths == 0

    @cached_property
    def _damping(self) -> dict[str, np.ndarray]:
        return {
            name: field.damping(LENGTH_DAMPING).astype(np.float32)
            for name, field in self.fields.items()
        }

    @cached_property
    def _looked_up(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """The words like those looked up lately: messages share most of their words."""
        return {}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vocabulary)}

    @cached_property
    def _held_in(self) -> np.ndarray:
        """Records that hold each word in question or reply, at most all of them."""
        held_V = self.fields["question"].frequencies() + self.fields["reply"].frequencies()
        return np.minimum(held_V, len(self.records))

    @cached_property
    def _grams(self) -> dict[str, np.ndarray]:
        """The words that hold each piece of spelling, ascending."""
        found: dict[str, list[int]] = {}
        for number, word in enumerate(self.vocabulary):
            for gram in spelling(word):
                found.setdefault(gram, []).append(number)
        return {gram: np.array(holders, dtype=np.int64) for gram, holders in found.items()}

    def _held(self, word: str) -> int:
        number = self._numbers.get(word)
        return 0 if number is None else int(self._held_in[number])

    def _says(self, word: str) -> float:
        number = self._numbers.get(word)
        tells = 1.0 if number is None else float(self.telling_V[number])
        return (
            self.rarity(word)
            * tells
            * (SHORT_SHARE + (1 - SHORT_SHARE) * min(1, len(word) / SHORT_LETTERS))
        )

    def _alike(self, word: str) -> tuple[np.ndarray, np.ndarray]:
        """The words spelled like this one or related to it, and how alike they are, ascending."""
        numbers, likeness = self._spelled_like(word)
        others = [self._spelled_like(other) for other in related(word)]
        numbers = np.concatenate([numbers, *(found for found, _ in others)])
        likeness = np.concatenate([likeness, *(RELATED * alike for _, alike in others)])
        order = np.argsort(-likeness, kind="stable")
        _, first = np.unique(numbers[order], return_index=True)
        kept = order[np.sort(first)[:MAX_ALIKE]][::-1]
        return numbers[kept], likeness[kept]

    def _spelled_like(self, word: str) -> tuple[np.ndarray, np.ndarray]:
        """The words spelled like this one, and how alike they are, ascending."""
        size = len(self.vocabulary)
        lists = [self._grams.get(gram) for gram in spelling(word)]
        rarity = [np.log1p(size / (0.5 if holders is None else len(holders))) for holders in lists]
        known = [(h, r) for h, r in zip(lists, rarity, strict=True) if h is not None]
        if not known:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        holders = np.concatenate([h for h, _ in known])
        shared_V = np.bincount(
            holders, np.repeat([r for _, r in known], [len(h) for h, _ in known])
        )
        numbers = np.flatnonzero(shared_V)
        shared = shared_V[numbers]
        likeness = (shared / sum(rarity)).astype(np.float32)
        own = self._numbers.get(word)
        if own is not None:
            likeness[np.searchsorted(numbers, own)] = 1.0
        # A word that stands everywhere is looked up only as itself.
        likeness[(self._held_in[numbers] > COMMON) & (likeness < 1)] = 0
        best = np.argsort(-likeness, kind="stable")[:MAX_SPELLED]
        best = best[likeness[best] >= MIN_LIKENESS][::-1]
        return numbers[best], likeness[best]


class IndexBuilder:
    """Reads records once, in order, and keeps their words but not them."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._collectors = {name: PairCollector() for name in FIELDS}
        self._reply_keys = array("q")

    def add(self, record: Record) -> None:
        self._reply_keys.append(_reply_key(record.reply))
        before = " ".join(text for _, text in record.before)
        for name, text in zip(FIELDS, (record.question, record.reply, before), strict=True):
            numbers = self._numbers
            self._collectors[name].add(
                [numbers.setdefault(word, len(numbers)) for word in words(text)]
            )

    def index(self, records: Sequence[Record]) -> Index:
        """The index of all that was added; `records` are the same ones, to be read from."""
        fields = {
            name: collector.field(len(self._numbers))
            for name, collector in self._collectors.items()
        }
        return Index(
            records,
            list(self._numbers),
            fields,
            telling(fields["question"], fields["reply"]),
            np.sort(np.array(self._reply_keys, dtype=np.int64)),
        )


def _reply_key(text: str) -> int:
    plain = " ".join(text.lower().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest(), "little", signed=True)
