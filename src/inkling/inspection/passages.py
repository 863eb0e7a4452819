"""Places in a run's training text, as a person reads them: words around, title, source, date.

Knows: packed ids and where they came from. Does not know: models, what the places are of.
Data: positions in train.bin -> `TrainingText.passage` -> `TrainingPassage`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inkling.corpus.store import CorpusStore
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from inkling.corpus.records import Description
    from inkling.runs import Run
    from inkling.workspace import Workspace

AROUND = 24
"""Pieces before and after a place."""


@dataclass(frozen=True)
class TrainingPassage:
    """A place in the training text. `text` is what it is a place of; title, source and date are
    None where the corpus does not have them (any more)."""

    before: str
    text: str
    after: str
    title: str | None
    source: str | None
    date: str | None


class TrainingText:
    """The ids that a run was trained on, in their order."""

    def __init__(self, run: Run) -> None:
        """Raises RunError where the packed data is gone or damaged."""
        self._packed = PackedIds.open(run.data_path, "train")
        self._tokenizer = Tokenizer.load(run.tokenizer_path)

    @cached_property
    def ids(self) -> np.ndarray:
        """(N,), int64."""
        return np.asarray(self._packed.ids, dtype=np.int64)

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each id stands in it, (V,)."""
        return np.bincount(self.ids, minlength=self._tokenizer.vocab_size)

    def pair_places(self, first: int, second: int, most: int) -> list[int]:
        """Where the second id follows the first: the first `most` positions of the first, spread
        evenly over all of them."""
        where = np.flatnonzero((self.ids[:-1] == first) & (self.ids[1:] == second))
        if len(where) > most:
            where = where[np.linspace(0, len(where) - 1, most).round().astype(int)]
        return where.tolist()

    def passages(
        self, workspace: Workspace, places: Iterable[tuple[int, int]]
    ) -> list[TrainingPassage]:
        """What stands at each (position, length in ids)."""
        found = list(places)
        documents = [
            self._packed.locate(start, self._tokenizer.characters_started)[0] for start, _ in found
        ]
        described = _described(workspace, set(documents))
        return [
            self._passage(start, length, described.get(document))
            for (start, length), document in zip(found, documents, strict=True)
        ]

    def _passage(self, start: int, length: int, known: Description | None) -> TrainingPassage:
        stop = start + length
        before, text, after = (
            self._tokenizer.decode(self.ids[a:b].tolist())
            for a, b in ((max(0, start - AROUND), start), (start, stop), (stop, stop + AROUND))
        )
        date = known.timestamp[:10] if known and known.timestamp else None
        return TrainingPassage(
            before, text, after,
            title=known.title if known else None,
            source=known.source if known else None,
            date=date,
        )  # fmt: skip


def _described(workspace: Workspace, documents: set[str]) -> dict[str, Description]:
    if not workspace.corpus_path.exists():  # opening it would make an empty one
        return {}
    with CorpusStore(workspace.corpus_path, read_only=True) as store:
        return store.describe(documents)
