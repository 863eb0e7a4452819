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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from inkling.corpus.duplicates import Section
from inkling.corpus.masking.masking import Masking
from inkling.database import connect_read_only, explained, has_column
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
    replaced_at: str | None = None
    """When a newer version of it was added; such a one is not trained on."""


class Stretch(Protocol):
    """Anything that reaches from one character to another."""

    @property
    def start(self) -> int: ...

    @property
    def stop(self) -> int: ...


class TextRange(NamedTuple):
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


def live(db: sqlite3.Connection, document: str = "document") -> str:
    """The condition under which a row of the table `document` is no replaced version; files of
    older versions have none."""
    return f"{document}.replaced_at IS NULL" if has_column(db, "document", "replaced_at") else "1"


@dataclass(frozen=True)
class Documents:
    """All documents of a corpus.db: by source, then time, then the order of import. Without
    those that a newer version has replaced, unless all versions are asked for. `chosen` is a
    condition of SQL on the columns of `document`; with `masking` texts are read masked, and all
    places are those of the masked text."""

    path: Path
    read_only: bool = False
    all_versions: bool = False
    chosen: str = "1"
    masking: Masking | None = None

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
                f"WHERE {self._chosen(db, 'd')} ORDER BY s.id, d.timestamp, d.id"
            ).fetchall()
            replaced = "d.replaced_at" if has_column(db, "document", "replaced_at") else "NULL"
            for row in ids:
                found = db.execute(
                    "SELECT d.id, s.source, d.content_hash, d.title, d.timestamp, d.raw_ref, "
                    f"d.text, {replaced} FROM document d JOIN source s ON s.id = d.source_id "
                    "WHERE d.id = ?",
                    row,
                ).fetchone()
                if found is not None:
                    document = StoredDocument(*found)
                    text = self._masked(document.content_hash, document.text)
                    yield document if text is document.text else replace(document, text=text)

    def characters(self) -> int:
        """Characters of all documents."""
        with self._database() as db:
            count: int = db.execute(
                f"SELECT coalesce(sum(length(text)), 0) FROM document WHERE {self._chosen(db)}"
            ).fetchone()[0]
            return count

    def count(self) -> int:
        """How many there are."""
        with self._database() as db:
            count: int = db.execute(
                f"SELECT count(*) FROM document WHERE {self._chosen(db)}"
            ).fetchone()[0]
            return count

    def _chosen(self, db: sqlite3.Connection, document: str = "document") -> str:
        current = "1" if self.all_versions else live(db, document)
        if self.chosen == "1":
            return current
        return f"{current} AND {document}.id IN (SELECT id FROM document WHERE {self.chosen})"

    def _masked(self, content_hash: str, text: str) -> str:
        return text if self.masking is None else self.masking.document(content_hash, text)

    def place_in_original(self, content_hash: str, place: int) -> int:
        """Which character of the stored text stands at a place of the text as it is read."""
        return place if self.masking is None else self.masking.original(content_hash, place)

    def read(self, spans: Iterable[TextRange]) -> Iterator[Section]:
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
                    document, text = span.document, self._masked(span.document, row[0])
                yield Section(document, span.start, text[span.start : span.stop])


@dataclass(frozen=True)
class Pieces:
    """Stretches of documents in reading order, as sections. Holds no text."""

    documents: Documents
    spans: Sequence[TextRange]

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
