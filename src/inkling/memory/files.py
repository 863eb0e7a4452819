"""An index in a folder: written whole or not at all, checked when it is opened.

Knows: which files an index consists of, its version and checksums. Does not know: what an index
is made from (the caller passes records and a fingerprint of where they came from), scores.
Data: records -> `write_index(folder)` -> `open_index(folder)` -> `Index`.

    index.json       version, fingerprint, how many records, CRC-32 of each other file
    records.jsonl    a record a line, in UTF-8; records.npy: where each line begins
    vocabulary.txt   a word a line; telling.npy; reply-keys.npy
    FIELD-starts.npy, FIELD-records.npy, FIELD-lengths.npy

Records are read from the file when they are looked up, and posting lists are mapped, so an index
takes memory for its vocabulary and the weights of its words, not for its text. CRC-32 because an
index can be made again: only accidents matter.
"""

from __future__ import annotations

import json
import mmap
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from inkling.atomic_files import atomic_folder
from inkling.memory.index import FIELDS, Index, IndexBuilder
from inkling.memory.postings import Field
from inkling.memory.records import Record
from inkling.regular_files import open_regular, read_json

VERSION = 1
HEADER = "index.json"
_PARTS = ("starts", "records", "lengths")
_FILES = (
    "records.jsonl",
    "records.npy",
    "vocabulary.txt",
    "telling.npy",
    "reply-keys.npy",
    *(f"{field}-{part}.npy" for field in FIELDS for part in _PARTS),
)


@dataclass(frozen=True)
class StoredRecords(Sequence[Record]):
    """Records in a file, read when asked for. starts (N + 1,) int64: where each line begins."""

    lines: mmap.mmap | bytes
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        line = self.lines[int(self.starts[place]) : int(self.starts[place + 1])]
        question, reply, before, document, where = json.loads(line)
        return Record(question, reply, tuple((r, t) for r, t in before), document, where)

    def __iter__(self) -> Iterator[Record]:
        return (self[number] for number in range(len(self)))


def write_index(folder: Path, records: Iterable[Record], fingerprint: str) -> int:
    """Index records into a folder, in place of what was there; how many there were.

    `fingerprint` says what they were made from (any string): `open_index` refuses another.
    """
    with atomic_folder(folder) as new:
        builder, starts = IndexBuilder(), array("q", [0])
        with open(new / "records.jsonl", "wb") as file:
            for record in records:
                builder.add(record)
                # Half a surrogate pair, as exports sometimes hold, survives as an escape.
                starts.append(starts[-1] + file.write(json.dumps(astuple(record)).encode() + b"\n"))
        index = builder.index(StoredRecords(b"", np.array(starts)))
        np.save(new / "records.npy", np.array(starts, dtype=np.int64))
        words = "\n".join(index.vocabulary).encode("utf-8", "surrogatepass")
        (new / "vocabulary.txt").write_bytes(words)
        np.save(new / "telling.npy", index.telling_V)
        np.save(new / "reply-keys.npy", index.reply_keys)
        for name, field in index.fields.items():
            for part in _PARTS:
                np.save(new / f"{name}-{part}.npy", getattr(field, part))
        header = {
            "version": VERSION,
            "fingerprint": fingerprint,
            "records": len(index.records),
            "crc32": {name: _crc32(new / name) for name in _FILES},
        }
        (new / HEADER).write_text(json.dumps(header, indent=1) + "\n", encoding="utf-8")
    return len(index.records)


def stored_fingerprint(folder: Path) -> str | None:
    """What the index in a folder was made from; None where it cannot be read or is of another
    version. Cheap: a long-lived reader asks before each look-up whether its index was replaced."""
    try:
        header: Any = read_json(folder / HEADER)
        return str(header["fingerprint"]) if header["version"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def open_index(folder: Path, fingerprint: str | None = None) -> Index | None:
    """The index in a folder; None where there is none, it is damaged, of another version, or made
    from something else than `fingerprint` (None takes any): then it is to be written again."""
    try:
        header: Any = read_json(folder / HEADER)
        if header["version"] != VERSION:
            return None
        if fingerprint is not None and header["fingerprint"] != fingerprint:
            return None
        if any(_crc32(folder / name) != header["crc32"][name] for name in _FILES):
            return None
        starts = _mapped(folder / "records.npy")
        words = (folder / "vocabulary.txt").read_bytes().decode("utf-8", "surrogatepass")
        fields = {
            name: Field(*(_mapped(folder / f"{name}-{part}.npy") for part in _PARTS))
            for name in FIELDS
        }
        telling_V = _mapped(folder / "telling.npy")
        reply_keys = _mapped(folder / "reply-keys.npy")
        lines = _mapped_lines(folder / "records.jsonl")
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return Index(
        StoredRecords(lines, starts),
        words.split("\n") if words else [],
        fields,
        telling_V,
        reply_keys,
    )


def _mapped(path: Path) -> np.ndarray:
    found = np.load(path, mmap_mode="r")
    if not isinstance(found, np.ndarray):  # of an archive
        found.close()
        raise ValueError(f"{path.name} holds no array")
    # A plain array over the mapped file: np.memmap itself is ten times as slow to slice.
    return np.asarray(found)


def _mapped_lines(path: Path) -> mmap.mmap | bytes:
    if not path.stat().st_size:
        return b""  # nothing cannot be mapped
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _crc32(path: Path) -> int:
    crc = 0
    with open_regular(path) as file:
        while chunk := file.read(1 << 20):
            crc = zlib.crc32(chunk, crc)
    return crc
