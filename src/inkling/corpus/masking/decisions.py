"""What a person decided about single things: what stays as it is, and what is not learned.

Knows: the table `training_decision`. Does not know: how a name is understood (corpus.review), who
asked. Nothing here deletes text: taking a decision back brings everything back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal

from inkling.corpus.masking.kinds import MaskedKind
from inkling.database import has_column, now

DecisionSubject = Literal["kind", "value", "text", "document", "person"]
"""`kind`, `value`: kept as they are. `text`: masked wherever it stands. `document` (the path of its
file), `person`: left out of training."""


@dataclass(frozen=True)
class Decisions:
    """All decisions of a corpus. Without any, everything that is found is masked."""

    kept_kinds: AbstractSet[str] = field(default_factory=frozenset)
    kept_values: AbstractSet[str] = field(default_factory=frozenset)
    """As `comparable` makes them."""
    masked_texts: tuple[str, ...] = ()
    dropped_documents: AbstractSet[str] = field(default_factory=frozenset)
    dropped_people: AbstractSet[str] = field(default_factory=frozenset)

    @classmethod
    def load(cls, db: sqlite3.Connection) -> Decisions:
        """Read them; a file of an older version holds none."""
        if not has_column(db, "training_decision", "subject"):
            return cls()
        rows = db.execute("SELECT subject, name FROM training_decision ORDER BY subject, name")
        names: dict[str, list[str]] = {}
        for subject, name in rows:
            names.setdefault(subject, []).append(name)
        return cls(
            frozenset(names.get("kind", ())),
            frozenset(names.get("value", ())),
            tuple(names.get("text", ())),
            frozenset(names.get("document", ())),
            frozenset(names.get("person", ())),
        )

    @staticmethod
    def add(db: sqlite3.Connection, subject: DecisionSubject, name: str) -> None:
        """Note a decision; the caller holds the transaction."""
        db.execute(
            "INSERT OR IGNORE INTO training_decision(subject, name, decided_at) VALUES (?, ?, ?)",
            (subject, name, now()),
        )

    @staticmethod
    def take_back(db: sqlite3.Connection, subject: DecisionSubject, name: str) -> bool:
        """Forget a decision; whether there was one. The caller holds the transaction."""
        asked = "DELETE FROM training_decision WHERE subject = ? AND name = ?"
        return bool(db.execute(asked, (subject, name)).rowcount)


def comparable(kind: MaskedKind, value: str) -> str:
    """The form in which values are compared: of numbers their digits and letters alone."""
    if kind in ("phone", "card", "iban", "code"):
        return "".join(filter(str.isalnum, value)).casefold()
    return value.casefold()
