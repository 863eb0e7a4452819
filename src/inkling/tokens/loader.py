"""Batches of (x, y) from packed ids: epoch-wise, seeded, resumable at any step.

Knows: which positions make which batch. Does not know: tensors, models, text.
Data: PackedIds -> rows of T+1 ids -> x (B, T), y (B, T), both int64; y is IGNORE where no
loss counts.

Of a batch that several processes learn together each asks for its own rows (`RowShare`) and moves
on by the whole batch, so that all are at the same state.

Every loader's whole state is plain JSON: (epoch, cursor). The order of an epoch is a pure
function of (seed, epoch), so a loader set to a saved state gives the same batches as one
that never stopped. Idea of `(item, state)` stages: facebookresearch/lingua.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from inkling.tokens.dataset import PackedIds
from inkling.tokens.question_augmentation import QuestionAugmentation

IGNORE = -100
"""Target value that torch's cross-entropy leaves out."""

TrainingBatch = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class RowShare:
    """Which rows of a batch are asked for: every `count`-th, from `first` on."""

    first: int = 0
    count: int = 1

    def has(self, row: int) -> bool:
        return row % self.count == self.first

    def behind(self, rows: int) -> RowShare:
        """The same of what follows on so many rows."""
        return RowShare((self.first - rows) % self.count, self.count)


ALL_ROWS = RowShare()


class Loader(Protocol):
    """What the training loop needs of a source of batches."""

    def next_batch(self, rows: int, share: RowShare = ALL_ROWS) -> TrainingBatch:
        """x and y of the share's rows of a batch of `rows`, each (…, T) int64."""
        ...

    def state(self) -> dict[str, int]: ...

    def load_state(self, state: dict[str, int]) -> None: ...


class WindowLoader:
    """Windows of a packed text, shuffled anew each epoch.

    In epoch e the text is cut into windows of T targets from a random offset below T; the
    stretch before the offset is one more (wrapped) window, so every position but the very
    first is a target at least once an epoch.
    """

    def __init__(self, data: PackedIds, length: int, seed: int) -> None:
        if len(data) < length + 1:
            length = len(data) - 1
        assert length >= 1, "preparation refuses a corpus this small"
        self.data, self.length, self.seed = data, length, seed
        self._epoch = self._cursor = 0
        self._starts = self._epoch_starts()

    def _epoch_starts(self) -> np.ndarray:
        targets = len(self.data) - 1
        generator = np.random.default_rng((self.seed, self._epoch))
        offset = int(generator.integers(self.length))
        starts = np.arange(offset, targets - self.length + 1, self.length)
        # The ends that whole windows leave over are covered by windows flush with the ends.
        edges = {0, targets - self.length} - set(starts[[0, -1]].tolist() if len(starts) else [])
        starts = np.concatenate([starts, np.array(sorted(edges), dtype=starts.dtype)])
        return generator.permutation(starts)

    def next_starts(self, rows: int, share: RowShare = ALL_ROWS) -> np.ndarray:
        """Where the share's windows of a batch of `rows` begin, each of T + 1 ids."""
        starts: list[int] = []
        while len(starts) < rows:
            if self._cursor == len(self._starts):
                self._epoch, self._cursor = self._epoch + 1, 0
                self._starts = self._epoch_starts()
            starts.append(self._starts[self._cursor])
            self._cursor += 1
        return np.asarray(starts)[share.first :: share.count]

    def next_batch(self, rows: int, share: RowShare = ALL_ROWS) -> TrainingBatch:
        index = self.next_starts(rows, share)[:, None] + np.arange(self.length + 1)
        ids = self.data.ids[index].astype(np.int64)
        x, y = ids[:, :-1], ids[:, 1:].copy()
        if self.data.mask is not None:
            y[self.data.mask[index[:, 1:]] == 0] = IGNORE
        return np.ascontiguousarray(x), y

    def rows_per_epoch(self) -> int:
        return len(self._starts)

    def state(self) -> dict[str, int]:
        return {"epoch": self._epoch, "cursor": self._cursor}

    def load_state(self, state: dict[str, int]) -> None:
        self._epoch, self._cursor = state["epoch"], state["cursor"]
        self._starts = self._epoch_starts()


class DialogLoader:
    """Rows that each begin with <|end|> and a turn, as a chat does.

    A segment of the part is one dialog. Long dialogs are cut between exchanges; rows are
    filled with whole pieces in the epoch's order, then padded with <|end|> (no loss). With a
    `rewording`, questions come in other words in each epoch, a pure function of the row.
    """

    def __init__(
        self,
        data: PackedIds,
        length: int,
        seed: int,
        end_id: int,
        rewording: QuestionAugmentation | None = None,
    ) -> None:
        assert data.mask is not None
        self.data, self.length, self.seed, self.end_id = data, length, seed, end_id
        self.rewording = rewording
        self._asked = rewording.asked(np.asarray(data.ids)) if rewording else None
        self._pieces = self._cut()
        self._epoch = self._cursor = 0
        self._rows = self._epoch_rows()

    def _cut(self) -> list[tuple[int, int]]:
        """(start, stop) of pieces that fit a row behind its leading <|end|>."""
        pieces = []
        for start, length, _, _ in self.data.segments:
            ends = np.flatnonzero(self.data.ids[start : start + length] == self.end_id) + 1
            cuts = [0, *(int(end) for end in ends if end < length)]
            first = 0
            for cut, stop in zip(cuts, [*cuts[1:], length], strict=True):
                if stop - first > self.length and cut > first:
                    pieces.append((start + first, start + cut))
                    first = cut
            # A single exchange longer than a row loses its tail: no row could hold it.
            pieces.append((start + first, start + min(length, first + self.length)))
        return pieces

    def _epoch_rows(self) -> list[list[tuple[int, int]]]:
        generator = np.random.default_rng((self.seed, self._epoch))
        order = generator.permutation(len(self._pieces))
        rows: list[list[tuple[int, int]]] = []
        free = 0
        for index in order:
            start, stop = self._pieces[index]
            if stop - start > free:
                rows.append([])
                free = self.length
            rows[-1].append((start, stop))
            free -= stop - start
        return rows

    def _fill(self, row: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        assert self.data.mask is not None
        ids = np.full(self.length + 1, self.end_id, dtype=np.int64)
        keep = np.zeros(self.length + 1, dtype=bool)
        at = 1
        generator = np.random.default_rng((self.seed, 11, self._epoch, self._cursor))
        for start, stop in row:
            piece, mask = self.data.ids[start:stop], self.data.mask[start:stop]
            if self.rewording and self._asked is not None:
                other = slice(*self._pieces[generator.integers(len(self._pieces))])
                lent = self.data.ids[other][self._asked[other]]
                asked = self._asked[start:stop]
                piece, mask = self.rewording.apply(piece, mask, asked, lent, generator)
                # Words put in may not push a reply's end out of the row.
                if len(piece) > len(ids) - at:
                    piece, mask = self.data.ids[start:stop], self.data.mask[start:stop]
                if len(piece) > len(ids) - at:
                    continue
            # A first exchange longer than a row, of several.
            piece, mask = piece[: len(ids) - at], mask[: len(ids) - at]
            ids[at : at + len(piece)] = piece
            keep[at : at + len(piece)] = mask == 1
            at += len(piece)
        return ids[:-1], np.where(keep, ids, IGNORE)[1:]

    def next_batch(self, rows: int, share: RowShare = ALL_ROWS) -> TrainingBatch:
        filled: list[TrainingBatch] = []
        for row in range(rows):
            if self._cursor == len(self._rows):
                self._epoch, self._cursor = self._epoch + 1, 0
                self._rows = self._epoch_rows()
            if share.has(row):
                filled.append(self._fill(self._rows[self._cursor]))
            self._cursor += 1
        if not filled:
            nothing = np.empty((0, self.length), np.int64)
            return nothing, nothing
        return np.stack([x for x, _ in filled]), np.stack([y for _, y in filled])

    def rows_per_epoch(self) -> int:
        return len(self._rows)

    def state(self) -> dict[str, int]:
        return {"epoch": self._epoch, "cursor": self._cursor}

    def load_state(self, state: dict[str, int]) -> None:
        self._epoch, self._cursor = state["epoch"], state["cursor"]
        self._rows = self._epoch_rows()


LoaderPart = tuple[DialogLoader | WindowLoader, int, RowShare]


class MixedLoader:
    """Every row of a batch comes from the second loader with probability `ratio`, else from the
    first: dialogs among base rows, or base rows replayed among dialogs."""

    def __init__(self, main: DialogLoader, replay: WindowLoader, ratio: float, seed: int) -> None:
        assert main.length == replay.length
        self.main, self.replay, self.ratio, self.seed = main, replay, ratio, seed
        self._drawn = 0

    def next_parts(self, rows: int, share: RowShare = ALL_ROWS) -> list[LoaderPart]:
        """Which of the two gives how many of the next `rows`, and which of them are the share's."""
        generator = np.random.default_rng((self.seed, 7, self._drawn))
        self._drawn += 1
        replayed = int((generator.random(rows) < self.ratio).sum())
        first = rows - replayed
        parts: list[LoaderPart] = []
        if first:
            parts.append((self.main, first, share))
        if replayed:
            parts.append((self.replay, replayed, share.behind(first)))
        return parts

    def next_batch(self, rows: int, share: RowShare = ALL_ROWS) -> TrainingBatch:
        parts = [
            loader.next_batch(count, own) for loader, count, own in self.next_parts(rows, share)
        ]
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def state(self) -> dict[str, int]:
        main, replay = self.main.state(), self.replay.state()
        return {
            "epoch": main["epoch"],
            "cursor": main["cursor"],
            "replay_epoch": replay["epoch"],
            "replay_cursor": replay["cursor"],
            "drawn": self._drawn,
        }

    def load_state(self, state: dict[str, int]) -> None:
        self.main.load_state({"epoch": state["epoch"], "cursor": state["cursor"]})
        self.replay.load_state({"epoch": state["replay_epoch"], "cursor": state["replay_cursor"]})
        self._drawn = state["drawn"]
