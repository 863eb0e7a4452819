"""What was forgotten, as hashes, and what an import must leave out because of it.

Knows: how a text is cut into passages, what of it is excluded, the table `exclusion`. Does not
know: what a person chose to forget (inkling.forgetting), other tables.
Data: item -> `Exclusions.screen` -> the item without what was forgotten, or nothing.

Only hashes are kept, keyed (BLAKE2b) with a random salt of this corpus, so that two corpora
that forgot the same share no hash. What is hashed is the normalised text: case and white space
do not bring a passage back. Five kinds:

    document, conversation   the whole item, as it was
    passage                  a paragraph of a document, or a message, wherever it stands; of a text
                             that was asked for also each line and sentence that holds it
    pair                     two neighbouring messages: "ok" alone is anybody's
    person                   an author's id or name, in any source

Of an item that was forgotten whole, a changed copy is known by its passages or pairs: where they
are half of it or more, it is left out whole; else they are cut out of it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from inkling.corpus.clean import fold, tidy
from inkling.corpus.document import Conversation, Document, Message

ExclusionKind = Literal["document", "conversation", "passage", "pair", "person"]

REMOVED = "removed earlier with corpus forget"
"""Why an import leaves something out, as `inkling add` counts it."""

LONG = 1_000
"""Characters above which a paragraph's lines, or a line's sentences, are passages of their own."""

MOSTLY = 0.5
"""Share of forgotten text from which a changed copy counts as what was forgotten."""

MIN_PASSAGE = 24
"""Characters from which a paragraph or message is not said by just anybody: shorter ones of a
forgotten document do not stop another from saying the same."""

MIN_PAIR = 16
"""The same for two neighbouring messages together."""

WHOLE = ("document", "source")
"""Reasons that mean that an item was forgotten whole."""

_BLOCK = re.compile(r".+?(?:\n\s*\n|\Z)", re.DOTALL)
_LINE = re.compile(r"[^\n]*\n+|[^\n]+")
# Looks back for the mark that ends a sentence: a run of marks is then gone through once.
_SENTENCE = re.compile(r".(?:.+?(?<=[.!?…])[\"'”’»)\]]*\s+|.*)", re.DOTALL)


@dataclass(frozen=True)
class Excluded:
    """One thing never to import again. `parts` is its text: hashed when stored, never kept."""

    kind: ExclusionKind
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Screened:
    """What an import may keep of an item, and how many passages or messages were cut out."""

    item: Document | Conversation | None
    cut: int = 0


def passages(text: str) -> Iterator[str]:
    """The passages of a text; joined, they are the text.

    A cut depends on nothing but the paragraph it is in, so a change elsewhere moves none.
    """
    for block in _BLOCK.findall(text):
        if len(block) <= LONG:
            yield block
            continue
        for line in _LINE.findall(block):
            yield from (line,) if len(line) <= LONG else _SENTENCE.findall(line)


def wordings(passage: str) -> set[str]:
    """A passage, its lines and its sentences, normalised: one of them is enough to know it
    again when the rest of it was rewritten."""
    parts = (passage, *_LINE.findall(passage), *_SENTENCE.findall(passage))
    return {fold(part) for part in parts} - {""}


def without(text: str, forgotten: Callable[[list[str]], set[int]]) -> tuple[str, list[str]]:
    """A text without the passages that `forgotten` names by index, and those passages.

    Looks again until nothing is found: with a line gone, a long paragraph may be short enough
    to be one passage. Empty where no words are left.
    """
    gone: list[str] = []
    while True:
        parts = list(passages(text))
        found = forgotten(parts)
        if not found:
            break
        gone += [parts[index] for index in sorted(found)]
        text = tidy("".join(p for index, p in enumerate(parts) if index not in found)).strip()
    return (text if any(character.isalnum() for character in text) else ""), gone


def one_sided(messages: Sequence[Message]) -> bool:
    """Whether only one side speaks."""
    return len({message.is_me for message in messages}) < 2


class Exclusions:
    """The exclusions of one corpus, loaded."""

    def __init__(self, salt: bytes, reasons: dict[str, str]) -> None:
        self._salt, self._reasons = salt, reasons

    @classmethod
    def load(cls, db: sqlite3.Connection) -> Exclusions:
        """Read what was excluded; the salt is made with the first exclusion."""
        reasons = dict(db.execute("SELECT content_hash, reason FROM exclusion"))
        if not reasons:
            return cls(b"", {})
        return cls(db.execute("SELECT salt FROM exclusion_salt").fetchone()[0], reasons)

    @staticmethod
    def store(db: sqlite3.Connection, excluded: set[Excluded], reason: str, now: str) -> None:
        """Add exclusions; the caller holds the transaction."""
        row = db.execute("SELECT salt FROM exclusion_salt").fetchone()
        salt = row[0] if row else secrets.token_bytes(16)
        if not row:
            db.execute("INSERT INTO exclusion_salt(salt) VALUES (?)", (salt,))
        keys = sorted(_key(salt, entry.kind, *entry.parts) for entry in excluded)
        db.executemany(
            "INSERT OR IGNORE INTO exclusion(content_hash, reason, excluded_at) VALUES (?, ?, ?)",
            ((key, reason, now) for key in keys),
        )

    def screen(self, item: Document | Conversation) -> Screened:
        """What of an item may be imported."""
        if not self._reasons:
            return Screened(item)
        if isinstance(item, Document):
            return self._document(item)
        return self._conversation(item)

    def _reason(self, kind: ExclusionKind, *parts: str) -> str | None:
        return self._reasons.get(_key(self._salt, kind, *parts))

    def _passage(self, passage: str) -> str | None:
        reasons = (self._reason("passage", wording) for wording in wordings(passage))
        return next((reason for reason in reasons if reason), None)

    def _document(self, item: Document) -> Screened:
        if self._reason("document", item.content_hash):
            return Screened(None)
        whole = 0

        def forgotten(parts: list[str]) -> set[int]:
            nonlocal whole
            found = set()
            for index, part in enumerate(parts):
                reason = self._passage(part)
                if reason is not None:
                    found.add(index)
                    whole += len(part) * (reason in WHOLE)
            return found

        if item.title and self._reason("passage", fold(item.title)):
            item = replace(item, title=None)
        text, gone = without(item.text, forgotten)
        if not gone:
            return Screened(item)
        if not text or whole >= MOSTLY * len(item.text):
            return Screened(None)
        return Screened(replace(item, text=text), len(gone))

    def _conversation(self, item: Conversation) -> Screened:
        if self._reason("conversation", item.content_hash):
            return Screened(None)
        messages = item.messages
        gone: set[int] = set()
        whole: set[int] = set()
        for index, message in enumerate(messages):
            reason = self._passage(message.text)
            if reason or (not message.is_me and self._knows(message.author_id, item.people)):
                gone.add(index)
            if reason in WHOLE:
                whole.add(index)
        for index, pair in enumerate(pairs(messages)):
            if pair and self._reason("pair", *pair):
                whole |= {index, index + 1}
        gone |= whole
        if not gone:
            return Screened(item)
        kept = tuple(message for index, message in enumerate(messages) if index not in gone)
        if len(whole) >= MOSTLY * len(messages) or (one_sided(kept) and not one_sided(messages)):
            return Screened(None)
        if not any(message.is_me for message in kept):
            return Screened(None)
        return Screened(replace(item, messages=kept), len(gone))

    def _knows(self, author: str, people: dict[str, str]) -> bool:
        names = {author.casefold(), people.get(author, author).casefold()}
        return any(self._reason("person", name) for name in names)


def pairs(messages: Sequence[Message]) -> list[tuple[str, str] | None]:
    """Each message with the next, normalised; None where both are too short to tell."""
    texts = [fold(message.text) for message in messages]
    return [(one, two) if len(one) + len(two) >= MIN_PAIR else None for one, two in pairwise(texts)]


def _key(salt: bytes, kind: ExclusionKind, *parts: str) -> str:
    digest = hashlib.blake2b(digest_size=24, key=salt, person=kind.encode())
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()
