"""The corpus read back one document at a time, so that its size does not matter.

Knows: the order of documents, and where in which document a piece of text stands. Does not
know: why a piece was chosen, ids. Data: corpus.db -> `Documents` -> spans -> `Pieces`, which
read their text again each time they are gone through.

Every pass opens the database anew: nothing stays open or locked between two passes. A
document never changes under its hash, so the passes agree; one that was removed meanwhile is
noticed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from inkling.corpus.duplicates import Section
from inkling.database import connect_read_only, explained
from inkling.errors import CorpusError


@dataclass(frozen=True)
class StoredDocument:
    """A document as the store keeps it."""

    id: int
    source: str
    content_hash: str
    title: str | None
    timestamp: str | None
    raw_ref: str
    text: str


class Stretch(Protocol):
    """Anything that reaches from one character to another."""

    @property
    def start(self) -> int: ...

    @property
    def stop(self) -> int: ...


class Span(NamedTuple):
    """Characters start … stop of a document, named by its content hash."""

    document: str
    start: int
    stop: int


AnyStretch = TypeVar("AnyStretch", bound=Stretch)


def evenly(stretches: Iterable[AnyStretch], share: float) -> Iterator[AnyStretch]:
    """About this share of the characters, spread evenly; all of them where it is 1 or more."""
    seen = taken = 0
    for stretch in stretches:
        size = stretch.stop - stretch.start
        if taken <= share * seen:
            taken += size
            yield stretch
        seen += size


WHEN_DAMAGED = "Move that file away and run inkling add again with the same paths."


@dataclass(frozen=True)
class Documents:
    """All documents of a corpus.db: by source, then time, then the order of import."""

    path: Path
    read_only: bool = False

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with explained(self.path, "The corpus", CorpusError, WHEN_DAMAGED):
            # One pass at a time uses a connection, but not always from one thread: the trainer
            # of tokens asks for texts from a thread of its own.
            db = (
                connect_read_only(self.path, any_thread=True)
                if self.read_only
                else sqlite3.connect(self.path, timeout=10, check_same_thread=False)
            )
            with contextlib.closing(db):
                yield db

    def __iter__(self) -> Iterator[StoredDocument]:
        with self._database() as db:
            # Only the ids are sorted: a sort that carries the texts would copy the whole corpus.
            ids = db.execute(
                "SELECT d.id FROM document d JOIN source s ON s.id = d.source_id "
                "ORDER BY s.id, d.timestamp, d.id"
            ).fetchall()
            for row in ids:
                found = db.execute(
                    "SELECT d.id, s.source, d.content_hash, d.title, d.timestamp, d.raw_ref, "
                    "d.text FROM document d JOIN source s ON s.id = d.source_id WHERE d.id = ?",
                    row,
                ).fetchone()
                if found is not None:
                    yield StoredDocument(*found)

    def characters(self) -> int:
        """Characters of all documents."""
        with self._database() as db:
            count: int = db.execute(
                "SELECT coalesce(sum(length(text)), 0) FROM document"
            ).fetchone()[0]
            return count

    def read(self, spans: Iterable[Span]) -> Iterator[Section]:
        """The text of spans; neighbours of one document cost one look into the database.

        Raises CorpusError where a document is gone.
        """
        document, text = "", ""
        with self._database() as db:
            for span in spans:
                if span.document != document:
                    row = db.execute(
                        "SELECT text FROM document WHERE content_hash = ?", (span.document,)
                    ).fetchone()
                    if row is None:
                        raise CorpusError(
                            "A document was removed from the corpus while it was being read. "
                            "Run the command again."
                        )
                    document, text = span.document, row[0]
                yield Section(document, span.start, text[span.start : span.stop])


@dataclass(frozen=True)
class Pieces:
    """Stretches of documents in reading order, as sections. Holds no text."""

    documents: Documents
    spans: Sequence[Span]

    def __iter__(self) -> Iterator[Section]:
        return self.documents.read(self.spans)

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def characters(self) -> int:
        return sum(span.stop - span.start for span in self.spans)

    def spread(self, share: float) -> Pieces:
        """About this share of the characters, spread evenly over all."""
        return Pieces(self.documents, tuple(evenly(self.spans, share)))
