"""The bigram table of the pieces of a text: what follows each, counted and learned.

Knows: which rows and columns a text's table has. Does not know: how it is drawn.
Data: `InspectedModel` + `ReadText` + `PairCounts` -> `PairTable`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inkling.inspection.inspected_model import InspectedModel, ReadText
from inkling.inspection.pairs import PairCounts, learned_rows

ROWS, COLUMNS, TOP = 24, 24, 3


@dataclass(frozen=True)
class FollowingPiece:
    """A piece that follows another, how often, and in which share of all places of the other."""

    id: int
    count: int
    share: float


@dataclass(frozen=True)
class PairRow:
    """What follows one piece. Lists are over the table's columns; `learned` is what the model
    expects after the piece alone, `rung` what the trained bigram does."""

    id: int
    total: int
    counts: tuple[int, ...]
    learned: tuple[float, ...]
    rung: tuple[float, ...] | None
    top: tuple[FollowingPiece, ...]


@dataclass(frozen=True)
class PairTable:
    """Rows are pieces of the text, columns the pieces that follow them most."""

    columns: tuple[int, ...]
    rows: tuple[PairRow, ...]


def pair_table(
    model: InspectedModel,
    text: ReadText,
    counts: PairCounts,
    position: int | None = None,
    rung: InspectedModel | None = None,
) -> PairTable:
    """The table of the pieces around a position of the window, by default its end.

    `rung` is the trained bigram, of the same tokenizer.
    """
    rows = _rows(text.window, len(text.window) - 1 if position is None else position)
    columns = _columns(counts, rows)
    learned = learned_rows(model.model, rows, model.live)[:, columns]
    taught = None
    if rung is not None:
        taught = learned_rows(rung.model, rows, rung.live)[:, columns]
    table = counts.counts_of(np.array(rows)[:, None], np.array(columns, np.int64)[None])
    return PairTable(
        tuple(columns),
        tuple(
            PairRow(
                id=first,
                total=int(counts.total_V[first]),
                counts=tuple(table[at].tolist()),
                learned=tuple(learned[at].tolist()),
                rung=None if taught is None else tuple(taught[at].tolist()),
                top=followers(counts, first),
            )
            for at, first in enumerate(rows)
        ),
    )


def followers(counts: PairCounts, first: int, most: int = TOP) -> tuple[FollowingPiece, ...]:
    """The pieces that follow one most often; among equals the lower id first."""
    ids, found = counts.row(first)
    total = int(counts.total_V[first])
    best = np.argsort(-found, kind="stable")[:most]
    return tuple(
        FollowingPiece(int(ids[at]), int(found[at]), int(found[at]) / total) for at in best
    )


def _rows(window: tuple[int, ...], position: int) -> list[int]:
    """The different pieces nearest to a position, in the order of the text."""
    chosen: dict[int, int] = {}
    for at in sorted(range(len(window)), key=lambda at: (abs(at - position), at)):
        if len(chosen) == ROWS:
            break
        chosen.setdefault(window[at], at)
    return sorted(chosen, key=chosen.__getitem__)


def _columns(counts: PairCounts, rows: list[int]) -> list[int]:
    """The pieces with the largest shares after any of the rows, and each row's most frequent
    one, the ones that follow most first."""
    share_V = np.zeros(counts.vocab_size)
    must: dict[int, None] = {}
    for first in rows:
        ids, found = counts.row(first)
        if len(ids):
            share_V[ids] += found / found.sum()
            must.setdefault(int(ids[found.argmax()]))
    ordered = [int(at) for at in np.argsort(-share_V, kind="stable") if share_V[at] > 0]
    kept = [at for at in ordered if at in must][:COLUMNS]
    kept += [at for at in ordered if at not in must][: COLUMNS - len(kept)]
    return sorted(kept, key=lambda at: -share_V[at])
