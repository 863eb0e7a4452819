"""Which rows of the corpus a dataset is made of, as conditions of SQL.

Knows: what sources, people, kinds, dates and decisions mean in the tables. Does not know: texts.
Data: an open store + `Selection` + `Decisions` -> `ChosenRows`. Raises UsageError or CorpusError
where a name means nothing, with the nearest ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeVar

from inkling.config import Selection
from inkling.corpus.importing.importer import same_name
from inkling.corpus.masking.decisions import Decisions
from inkling.corpus.places import path_in
from inkling.corpus.reading import live
from inkling.corpus.select import people_called, sources_called
from inkling.corpus.store import CorpusStore
from inkling.database import has_column
from inkling.errors import CorpusError, UsageError

EVERY_ROW = "1"

Named = TypeVar("Named")

Speaker = tuple[str, str]
"""Source and author_id."""


@dataclass(frozen=True)
class ChosenRows:
    """Conditions on the columns of `document` and of `conversation`."""

    documents: str
    conversations: str
    wanted: AbstractSet[Speaker] | None
    """Those of whom one must speak in a dialog; None asks for nobody."""
    unwanted: AbstractSet[Speaker]
    """Those whose messages are left out."""


def chosen_rows(
    store: CorpusStore, selection: Selection, decisions: Decisions, made_earlier: bool = False
) -> ChosenRows:
    """The rows that are learned from. In a selection that was `made_earlier`, a name of what has
    since gone from the corpus means nothing and is no error."""
    documents: list[str] = []
    conversations: list[str] = []
    with store.reading() as db:
        ids = dict(db.execute("SELECT source, id FROM source"))
        if not selection.groups and has_column(db, "conversation", "is_group"):
            conversations.append("NOT is_group")
        if decisions.dropped_documents:
            for listed, table in ((documents, "document"), (conversations, "conversation")):
                dropped = _from_paths(db, table, decisions.dropped_documents)
                listed.append(f"id NOT IN ({_listed(dropped)})")
    for names, negated in ((selection.only_sources, ""), (selection.without_sources, "NOT ")):
        if names:
            found = {
                ids[source]
                for name in names
                for source in _meant(lambda: sources_called(store, name), made_earlier)  # noqa: B023
            }
            for listed in (documents, conversations):
                listed.append(f"source_id {negated}IN ({_listed(found)})")
    if selection.kind == "dialogs":
        documents.append("0")
    elif selection.kind == "writing":
        conversations.append("0")
    # Only what `Selection` has checked to be a date stands in quotes here.
    if selection.since is not None:
        documents.append(f"timestamp >= '{selection.since}'")
    if selection.before is not None:
        documents.append(f"timestamp < '{selection.before}'")
    if selection.min_length:
        documents.append(f"length(text) >= {selection.min_length}")
    return ChosenRows(
        " AND ".join(documents) or EVERY_ROW,
        " AND ".join(conversations) or EVERY_ROW,
        _speakers(store, selection.people, made_earlier) if selection.people else None,
        _dropped(store, decisions.dropped_people),
    )


def written_characters(store: CorpusStore, chosen: str) -> int:
    """Characters of the documents that a condition chooses."""
    with store.reading() as db:
        count: int = db.execute(
            f"SELECT coalesce(sum(length(text)), 0) FROM document WHERE {live(db)} AND {chosen}"
        ).fetchone()[0]
    return count


def spoken_characters(store: CorpusStore, chosen: str) -> int:
    """Characters of the messages of the conversations that a condition chooses."""
    with store.reading() as db:
        count: int = db.execute(
            "SELECT coalesce(sum(length(text)), 0) FROM message WHERE "
            + ("1" if chosen == EVERY_ROW else _in_conversations(chosen))
        ).fetchone()[0]
    return count


def count_rows(store: CorpusStore, table: str, chosen: str) -> int:
    """How many documents (live ones) or conversations a condition chooses."""
    with store.reading() as db:
        current = live(db) if table == "document" else EVERY_ROW
        count: int = db.execute(
            f"SELECT count(*) FROM {table} WHERE {current} AND {chosen}"
        ).fetchone()[0]
    return count


def _in_conversations(chosen: str) -> str:
    return f"conversation IN (SELECT id FROM conversation WHERE {chosen})"


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


def _from_paths(db: sqlite3.Connection, table: str, paths: AbstractSet[str]) -> set[int]:
    """Ids of what was read from these files, by the sources that they are in today."""
    return {
        identifier
        for identifier, source, raw_ref in db.execute(
            f"SELECT t.id, s.source, t.raw_ref FROM {table} t JOIN source s ON s.id = t.source_id"
        )
        if path_in(source, raw_ref) in paths
    }


def _speakers(store: CorpusStore, names: Iterable[str], made_earlier: bool) -> frozenset[Speaker]:
    people = store.people()
    return frozenset(
        (person.source, person.author_id)
        for name in names
        for person in _meant(lambda: people_called(people, name), made_earlier)  # noqa: B023
    )


def _meant(find: Callable[[], list[Named]], made_earlier: bool) -> list[Named]:
    try:
        return find()
    except (CorpusError, UsageError):
        if made_earlier:
            return []
        raise


def _dropped(store: CorpusStore, names: AbstractSet[str]) -> frozenset[Speaker]:
    """Everyone who goes by one of these names; somebody who is gone by now means nobody."""
    if not names:
        return frozenset()
    return frozenset(
        (person.source, person.author_id)
        for person in store.people()
        if same_name(person.name) in names or same_name(person.author_id) in names
    )
