"""Documents and their versions: what was edited since takes the place of what it was.

Knows: when two documents are versions of one: the source's own id, else the same place, else the
same title in the same source. Does not know: formats, what is trained on.
Data: documents of one import -> `Versions.add`, then once `Versions.replace`.

A post may come from an export and from the web: the same place or id makes them versions of one,
whichever source they are from, unless one of them is only the beginning.

Only what is gone from the source can be replaced, so this is decided at the end of an import, when
all is known that is still in it. A place or a title that several documents of one source share
means none.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass

from inkling.corpus.document import Document
from inkling.corpus.places import file_of, path_in

WHOLE = 0.75
"""Share of an older version's length from which another source's text can take its place."""


@dataclass(frozen=True)
class _Label:
    """By what a document is known again."""

    id: int
    source_id: int
    path: str
    title: str | None
    document_id: str | None


class Versions:
    """The documents of one source that is being imported. The caller holds the transaction."""

    def __init__(self, db: sqlite3.Connection, source: str, source_id: int) -> None:
        self._db, self._source, self._source_id = db, source, source_id
        self._added: list[_Label] = []
        self._present: set[int] = set()
        """Documents that this import holds, new or not."""
        self._paths: Counter[str] = Counter()
        self._titles: Counter[str | None] = Counter()

    def add(self, item: Document) -> bool:
        """Store a document; whether it was not there. An older version that is back in its place
        is the newest again."""
        path = path_in(self._source, item.raw_ref)
        self._paths[path] += 1
        self._titles[item.title] += 1
        content_hash = item.content_hash
        row = self._db.execute(
            "SELECT d.id, d.replaced_at, s.source, d.raw_ref FROM document d "
            "JOIN source s ON s.id = d.source_id WHERE d.content_hash = ?",
            (content_hash,),
        ).fetchone()
        if row is not None:
            identifier, replaced_at, source, raw_ref = row
            self._present.add(identifier)
            if item.document_id is not None:
                self._db.execute(
                    "UPDATE document SET document_id = coalesce(document_id, ?) WHERE id = ?",
                    (item.document_id, identifier),
                )
            if replaced_at is None or path_in(source, raw_ref) != path:
                return False
            self._db.execute("UPDATE document SET replaced_at = NULL WHERE id = ?", (identifier,))
        else:
            cursor = self._db.execute(
                "INSERT INTO document"
                "(source_id, content_hash, title, timestamp, raw_ref, text, document_id) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._source_id,
                    content_hash,
                    item.title,
                    item.timestamp,
                    item.raw_ref,
                    item.text,
                    item.document_id,
                ),
            )
            assert cursor.lastrowid is not None
            identifier = cursor.lastrowid
            self._present.add(identifier)
        self._added.append(_Label(identifier, self._source_id, path, item.title, item.document_id))
        return True

    def replace(self, now: str) -> int:
        """Mark older versions of what was added as replaced; how many."""
        if not self._added:
            return 0
        gone = [label for label in self._stored() if label.id not in self._present]
        by_id: dict[str, list[_Label]] = {}
        by_path: dict[str, dict[int, list[_Label]]] = {}
        by_title: dict[str, list[_Label]] = {}
        for label in gone:
            of_source = by_path.setdefault(label.path, {})
            of_source.setdefault(label.source_id, []).append(label)
            if label.document_id is not None:
                by_id.setdefault(label.document_id, []).append(label)
            if label.title and label.source_id == self._source_id:
                by_title.setdefault(label.title, []).append(label)
        older: set[int] = set()
        for new in self._added:
            found = list(by_id.get(new.document_id or "", ()))
            if self._paths[new.path] == 1:
                for there in by_path.get(new.path, {}).values():
                    found += _only(there, new)
            if new.title and self._titles[new.title] == 1:
                found += _only(by_title.get(new.title), new)
            older |= {label.id for label in found if not self._is_cut(new, label)}
        self._db.executemany(
            "UPDATE document SET replaced_at = ? WHERE id = ?",
            [(now, identifier) for identifier in sorted(older)],
        )
        return len(older)

    def _is_cut(self, new: _Label, older: _Label) -> bool:
        """Whether another source shows only the beginning, as sites do to those who do not pay."""
        if older.source_id == new.source_id:
            return False
        lengths = [
            self._db.execute("SELECT length(text) FROM document WHERE id = ?", (label.id,))
            for label in (new, older)
        ]
        here, there = (row.fetchone()[0] for row in lengths)
        return bool(here < WHOLE * there)

    def _stored(self) -> list[_Label]:
        return [
            _Label(identifier, source_id, path_in(source, raw_ref), title, document_id)
            for identifier, source_id, source, raw_ref, title, document_id in self._db.execute(
                "SELECT d.id, d.source_id, s.source, d.raw_ref, d.title, d.document_id "
                "FROM document d JOIN source s ON s.id = d.source_id WHERE d.replaced_at IS NULL"
            )
            # A line of a file is no place: lines move.
            if file_of(raw_ref) == raw_ref or document_id is not None
        ]


def _only(found: list[_Label] | None, new: _Label) -> list[_Label]:
    """The one document that shares a place or a title with the new one, unless ids tell that it is
    another. Those of another importer tell nothing."""
    if found is None or len(found) != 1:
        return []
    here, there = new.document_id or "", found[0].document_id or ""
    same_kind = here.partition(":")[0] == there.partition(":")[0]
    return [] if same_kind and here != there else found
