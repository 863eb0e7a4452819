"""Packed ids on disk, memory-mapped, with the way back to document and character.

Knows: the binary layout and the index. Does not know: text sources, models.
Data: lists of ids -> `PackedWriter` -> `NAME.bin` (+ `NAME_mask.bin`) and `index.json`
-> `PackedIds` -> loader.

Layout: `NAME.bin` is a flat little-endian array of ids, uint16 while the vocabulary fits,
else uint32. `NAME_mask.bin` is one byte a token: 1 where the loss counts. `index.json` holds
for each part its dtype, length and segments `[start, length, document, character]`: tokens
start … start+length were made from that document's text beginning at that character.
"""

from __future__ import annotations

import bisect
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inkling.errors import RunError
from inkling.regular_files import open_regular, read_json

INDEX_NAME = "index.json"
_COUNTS = "counts.npy"
MOST_INDEX_BYTES = 2_000_000_000
"""An entry for each document and dialog: a gigabyte of text has many."""


_ID_TYPES = {name: np.dtype(name) for name in ("<u2", "<u4")}
"""By the names in `index.json`; NumPy itself would evaluate whatever stands there."""


def id_dtype(vocab_size: int) -> np.dtype[Any]:
    """The smallest little-endian type that holds every id."""
    return _ID_TYPES["<u2" if vocab_size <= 1 << 16 else "<u4"]


@dataclass
class PackedWriter:
    """Appends runs of ids to one part, straight to disk."""

    folder: Path
    name: str
    vocab_size: int
    masked: bool = False
    segments: list[tuple[int, int, str, int]] = field(default_factory=list)
    length: int = 0

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.vocab_size, dtype=np.int64)
        self._dtype = id_dtype(self.vocab_size)
        # Open as long as the writer; `close` closes them.
        self._ids = (self.folder / f"{self.name}.bin").open("wb")
        self._mask = (self.folder / f"{self.name}_mask.bin").open("wb") if self.masked else None

    def append(
        self,
        ids: Sequence[int],
        document: str,
        character: int = 0,
        mask: Sequence[int] | None = None,
    ) -> None:
        """Add ids made from `document`'s text beginning at `character`."""
        array = np.asarray(ids, dtype=np.int64)
        self.counts += np.bincount(array, minlength=self.vocab_size)
        self._ids.write(array.astype(self._dtype).tobytes())
        if self._mask is not None:
            assert mask is not None
            assert len(mask) == len(array)
            self._mask.write(np.asarray(mask, dtype=np.uint8).tobytes())
        self.segments.append((self.length, len(array), document, character))
        self.length += len(array)

    def close_as_part(self) -> None:
        """Finish a part that `append_part` joins to a longer one, with all that it needs beside the
        ids. Without a mask."""
        assert self._mask is None
        entry = self.close()
        (self.folder / INDEX_NAME).write_text(json.dumps(entry["segments"]))
        np.save(self.folder / _COUNTS, self.counts)

    def append_part(self, folder: Path) -> None:
        """Add what another writer of this name and vocabulary left with `close_as_part`."""
        assert self._mask is None
        with (folder / f"{self.name}.bin").open("rb") as ids:
            shutil.copyfileobj(ids, self._ids, 1 << 20)
        counts = np.load(folder / _COUNTS)
        for start, length, document, character in json.loads((folder / INDEX_NAME).read_text()):
            self.segments.append((self.length + start, length, document, character))
        self.counts += counts
        self.length += int(counts.sum())

    def close(self) -> dict[str, Any]:
        """Finish the files; what belongs into the index under this part's name."""
        self._ids.close()
        if self._mask is not None:
            self._mask.close()
        return {
            "dtype": self._dtype.str,
            "length": self.length,
            "masked": self.masked,
            "segments": self.segments,
        }


def write_index(folder: Path, parts: dict[str, dict[str, Any]]) -> None:
    """Write `index.json`; the caller makes the folder atomic."""
    (folder / INDEX_NAME).write_text(json.dumps({"version": 1, "parts": parts}))


@dataclass(frozen=True)
class PackedIds:
    """One part of a packed dataset, mapped read-only.

    ids: (N,) unsigned; mask: (N,) uint8 or None where every token counts.
    """

    name: str
    ids: np.ndarray
    mask: np.ndarray | None
    segments: tuple[tuple[int, int, str, int], ...]

    @classmethod
    def open(cls, folder: Path, name: str) -> PackedIds:
        """Map a part. Raises RunError where it is missing or has another length than its index."""
        try:
            entry = read_json(folder / INDEX_NAME, MOST_INDEX_BYTES)["parts"][name]
            ids = _map(folder / f"{name}.bin", _ID_TYPES[entry["dtype"]], entry["length"])
            mask = (
                _map(folder / f"{name}_mask.bin", np.dtype(np.uint8), entry["length"])
                if entry["masked"]
                else None
            )
            segments = tuple(tuple(segment) for segment in entry["segments"])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise RunError(
                f"The packed data in {folder} is damaged ({error}). Train a new run: inkling train."
            ) from None
        return cls(name, ids, mask, segments)

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, count: int) -> PackedIds:
        """The first `count` tokens as a part of their own."""
        segments = tuple(segment for segment in self.segments if segment[0] < count)
        mask = None if self.mask is None else self.mask[:count]
        return PackedIds(self.name, self.ids[:count], mask, segments)

    def unmasked(self) -> PackedIds:
        """The same tokens, every one of which counts."""
        return PackedIds(self.name, self.ids, np.ones(len(self.ids), np.uint8), self.segments)

    def locate(self, position: int, characters_started: np.ndarray) -> tuple[str, int]:
        """Document and character offset at which token `position` begins.

        `characters_started` is the tokenizer's table of that name.
        """
        if not 0 <= position < len(self.ids):
            raise IndexError(f"position {position} is not in 0…{len(self.ids) - 1}")
        index = bisect.bisect_right(self.segments, position, key=lambda s: s[0]) - 1
        start, _, document, character = self.segments[index]
        before = self.ids[start:position].astype(np.int64)
        return document, character + int(characters_started[before].sum())


def _map(path: Path, dtype: np.dtype[Any], length: int) -> np.ndarray:
    with open_regular(path) as file:
        size = file.seek(0, 2)
    if size != length * dtype.itemsize:
        raise ValueError(f"{path.name} has {size} bytes, not {length} ids")
    if length == 0:  # an empty file cannot be mapped
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r", shape=(length,))
