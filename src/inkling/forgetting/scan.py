"""Every file below a workspace, searched for the patterns of a forgotten text.

Knows: how to read what a file holds: plain bytes, text with escapes, archives, packed ids, a
tokenizer's vocabulary. Does not know: what the files are for, what happens to them.
Data: workspace folder + `SearchPatterns` -> `scan` -> `Scan`: which files hold it, and how.
"""

from __future__ import annotations

import gzip
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from inkling.errors import TokenizerError
from inkling.forgetting.search_patterns import MIN_WORD, PatternSearch, SearchPatterns
from inkling.run_files import TOKENIZER_FILE
from inkling.tokens.dataset import id_dtype
from inkling.tokens.tokenizer import Tokenizer

CHUNK = 1 << 18
"""Small, so that a file's header of text does not make text of the numbers behind it: text is
searched in more forms, which takes longer."""
OVERLAP = 8_192
"""Bytes read twice at the seam of two chunks: a pattern is never longer in any of its forms."""

Tables = dict[Path, tuple[bytes, ...] | None]
"""What each id of a tokenizer stands for, by the tokenizer's file."""

TEXT, IDS, TOKENS = "its text", "packed ids", "a word of it is a token"


@dataclass(frozen=True)
class FileMatch:
    """A file that holds a pattern, and in which form. `path` is relative to the workspace."""

    path: Path
    how: str


@dataclass(frozen=True)
class Scan:
    """What a search of the files found, and how much was searched; `size` is in bytes."""

    matches: tuple[FileMatch, ...]
    files: int
    size: int
    unread: tuple[Path, ...]
    """Files that could not be read, so it is not known whether they hold one."""


def scan(
    folder: Path,
    patterns: SearchPatterns,
    without: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
) -> Scan:
    """Search every file below `folder`; links are not followed.

    `without` names files, relative to the folder, that are left out; with `only`, no others are
    searched.
    """
    search = PatternSearch(patterns)
    matches: list[FileMatch] = []
    unread: list[Path] = []
    files = size = 0
    tables: Tables = {}
    for path in _files(folder, unread):
        relative = path.relative_to(folder)
        name = relative.as_posix()
        if name in without or (only is not None and name not in only):
            continue
        try:
            size += path.stat().st_size
            files += 1
            matches += [
                FileMatch(relative, how) for how in _found(path, folder, patterns, search, tables)
            ]
        except FileNotFoundError:
            continue  # a database that was closed took its log away
        except OSError:
            unread.append(relative)
    return Scan(tuple(matches), files, size, tuple(unread))


def _files(folder: Path, unread: list[Path]) -> Iterator[Path]:
    def missed(error: OSError) -> None:
        unread.append(Path(error.filename).relative_to(folder))

    for parent, folders, names in os.walk(folder, onerror=missed):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _found(
    path: Path, top: Path, patterns: SearchPatterns, search: PatternSearch, tables: Tables
) -> Iterator[str]:
    if any(search.holds(chunk) for chunk in _chunks(path)):
        yield TEXT
    if path.name == TOKENIZER_FILE and _contains_word(_table(path, tables) or (), patterns):
        yield TOKENS
    if path.suffix == ".bin" and _packed(path, top, search, tables):
        yield IDS


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from _overlapping(file)
        file.seek(0)
        magic = file.read(4)
        file.seek(0)
        try:
            if magic[:2] == b"\x1f\x8b":
                yield from _overlapping(gzip.GzipFile(fileobj=file))
            elif magic == b"PK\x03\x04":
                with zipfile.ZipFile(file) as archive:
                    for member in archive.infolist():
                        with archive.open(member) as inner:
                            yield from _overlapping(inner)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            return  # damaged or locked: its bytes were looked at


def _overlapping(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    kept = b""
    while data := file.read(CHUNK):
        yield kept + data
        kept = (kept + data)[-OVERLAP:]


def _packed(path: Path, top: Path, search: PatternSearch, tables: Tables) -> bool:
    """Whether ids decode, with the tokenizer of the folders above, to a text that holds it."""
    tokenizer = next(
        (
            folder / TOKENIZER_FILE
            for folder in path.parents
            if folder.is_relative_to(top) and (folder / TOKENIZER_FILE).is_file()
        ),
        None,
    )
    if tokenizer is None or (table := _table(tokenizer, tables)) is None:
        return False
    dtype = id_dtype(len(table))
    with path.open("rb") as file:
        kept: list[int] = []
        while data := file.read(CHUNK):
            if len(data) % dtype.itemsize:
                return False
            ids = kept + np.frombuffer(data, dtype=dtype).tolist()
            if max(ids, default=0) >= len(table):
                return False
            if search.holds(b"".join(map(table.__getitem__, ids))):
                return True
            kept = ids[-OVERLAP:]
    return False


def _table(path: Path, tables: Tables) -> tuple[bytes, ...] | None:
    if path not in tables:
        try:
            tables[path] = Tokenizer.load(path).token_bytes
        except (TokenizerError, OSError, ValueError, AssertionError):
            tables[path] = None
    return tables[path]


def _contains_word(table: tuple[bytes, ...], patterns: SearchPatterns) -> bool:
    """Whether a token is a word, or much of one, that stood only in what was forgotten."""
    forgotten, staying = "\n".join(patterns.words), "\n".join(patterns.staying)
    tokens = (piece.decode(errors="replace").strip().lower() for piece in table)
    return any(
        len(token) >= MIN_WORD and token.isalnum() and token in forgotten and token not in staying
        for token in tokens
    )
