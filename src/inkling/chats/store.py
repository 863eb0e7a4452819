"""chats.db: every conversation with a model, its variants and its corrections.

Knows: the SQLite schema of chats and its rules (each write is a transaction; a reply keeps all
its variants; a correction and its training pair come and go together). Does not know:
terminals, HTTP, how replies are generated.
Data: `append`, `add_variant` -> rows -> `open`, `list`, `search`, `export`; `edit` -> a
`Conversation` of the source `edits` in corpus.db, which the next training learns.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from inkling.chats.corrections import live_edits, take_back, training_pair
from inkling.chats.records import (
    ChatMessage,
    Provenance,
    SearchHit,
    Source,
    Summary,
    as_jsonl,
    messages_of,
    storable,
    summary_of,
    title_of,
)
from inkling.chats.schema import MIGRATIONS, READABLE_FROM
from inkling.corpus.document import EDITS_SOURCE, Role
from inkling.corpus.store import CorpusStore
from inkling.database import Database, now
from inkling.errors import ChatNotFoundError, ChatsError

MAX_SEARCH_WORDS = 32
"""SQLite refuses an expression of many more."""


class ChatStore(Database):
    """The workspace's chats.db, or with ":memory:" one that keeps nothing."""

    what = "The file of chats"
    migrations = MIGRATIONS
    readable_from = READABLE_FROM
    error = ChatsError
    when_damaged = "Move that file away; new chats then begin a new one."

    def create(self, source: Source, run: str | None = None, title: str = "") -> int:
        """A new, empty conversation; its id. The first message gives it a title if it has none."""
        with self._explained(), self._transaction():
            return self._create(source, run, title)

    def begin(self, source: Source, text: str, run: str | None = None) -> int:
        """A new conversation with its first message, both or neither; its id."""
        with self._explained(), self._transaction():
            conversation = self._create(source, run, "")
            self._append(conversation, "them", text, None)
            return conversation

    def copy(self, conversation: int, before: int) -> int:
        """A new conversation with the messages before a position, all their variants included; its
        id. Training pairs that came of corrections stay those of the first one."""
        with self._explained(), self._transaction():
            _, title, _, _, run, source, *_ = self._conversation(conversation)
            copied = self._create(source, run, title)
            self._db.execute(
                "INSERT INTO message(conversation, position, variant, chosen, role, text, seed, "
                "settings, run, step, created) SELECT ?, position, variant, chosen, role, text, "
                "seed, settings, run, step, created FROM message WHERE conversation = ? AND "
                "position < ?",
                (copied, conversation, before),
            )
            return copied

    def append(
        self, conversation: int, role: Role, text: str, origin: Provenance | None = None
    ) -> int:
        """Add a message at the end; its position."""
        with self._explained(), self._transaction():
            return self._append(conversation, role, text, origin)

    def add_variant(
        self, conversation: int, position: int, text: str, origin: Provenance | None = None
    ) -> int:
        """Another text for a reply, which is now the chosen one; its number. None is lost."""
        with self._explained(), self._transaction():
            self._reply(conversation, position)
            self._touch(conversation)
            (number,) = self._one(
                "SELECT max(variant) + 1 FROM message WHERE conversation = ? AND position = ?",
                (conversation, position),
            )
            self._unchoose(conversation, position)
            self._add_message(conversation, position, number, "me", text, origin)
            return int(number)

    def choose(self, conversation: int, position: int, variant: int) -> None:
        """Make an earlier variant of a reply the one that counts."""
        with self._explained(), self._transaction():
            self._touch(conversation)
            self._unchoose(conversation, position)
            chosen = self._db.execute(
                "UPDATE message SET chosen = 1 "
                "WHERE conversation = ? AND position = ? AND variant = ?",
                (conversation, position, variant),
            )
            if not chosen.rowcount:
                raise ChatNotFoundError(
                    f"Message {position + 1} of chat {conversation} has no variant {variant + 1}."
                )

    def list(self, limit: int = -1, offset: int = 0) -> builtins.list[Summary]:
        """Conversations, the newest first."""
        with self._explained():
            rows = self._db.execute(
                f"{_SUMMARY} ORDER BY c.updated DESC, c.id DESC LIMIT ? OFFSET ?", (limit, offset)
            ).fetchall()
        with self._rows():
            return [summary_of(row) for row in rows]

    def summary(self, conversation: int) -> Summary:
        """One conversation as `list` has it."""
        with self._explained(), self._rows():
            return summary_of(self._conversation(conversation))

    def open(self, conversation: int) -> builtins.list[ChatMessage]:
        """The messages of a conversation, in order."""
        with self._explained():
            self._conversation(conversation)
            rows = self._db.execute(
                "SELECT position, role, chosen, text, settings, run, step, created, "
                "EXISTS (SELECT 1 FROM edit WHERE message = message.id AND undone IS NULL) "
                "FROM message WHERE conversation = ? ORDER BY position, variant",
                (conversation,),
            ).fetchall()
        with self._rows():
            return messages_of(rows)

    def rename(self, conversation: int, title: str) -> None:
        """Give a conversation another title."""
        title = title_of(title)
        if not title:
            raise ChatsError("A chat needs a title with at least one character.")
        with self._explained(), self._transaction():
            self._conversation(conversation)
            self._db.execute(
                "UPDATE conversation SET title = ? WHERE id = ?", (title, conversation)
            )

    def delete(self, conversation: int, corpus: CorpusStore) -> None:
        """Delete a conversation and all that came of it, the training pairs of its corrections
        included. Nothing of its text stays in the file."""
        with self._explained():
            with self._transaction():
                self._conversation(conversation)
                for edit, content_hash in live_edits(self._db, conversation):
                    take_back(self._db, edit, content_hash, corpus)
                self._db.execute("DELETE FROM conversation WHERE id = ?", (conversation,))
                # Deleted words stay in a full-text index until its parts are merged.
                self._db.execute("INSERT INTO message_text(message_text) VALUES ('optimize')")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def search(self, query: str, limit: int = 50) -> builtins.list[SearchHit]:
        """Chosen messages with all words of the query (the beginnings of words count), in the
        newest conversation first; else those with the query as it stands anywhere inside."""
        query = storable(query).replace("\0", " ").strip()
        words = [f'"{word}"*' for word in query.replace('"', " ").split()][:MAX_SEARCH_WORDS]
        found = (
            "SELECT c.id, c.title, m.position, m.role, {excerpt} FROM message m "
            "JOIN conversation c ON c.id = m.conversation {join} WHERE m.chosen AND {where} "
            "ORDER BY c.updated DESC, c.id DESC, m.position LIMIT ?"
        )
        if not query:
            return []
        with self._explained():
            rows = (
                words
                and self._db.execute(
                    found.format(
                        excerpt="snippet(message_text, 0, '', '', '…', 16)",
                        join="JOIN message_text ON message_text.rowid = m.id",
                        where="message_text MATCH ?",
                    ),
                    (" ".join(words), limit),
                ).fetchall()
            )
            # Scripts without spaces between words, and emoji, are no words to the index.
            rows = (
                rows
                or self._db.execute(
                    found.format(
                        excerpt="m.text", join="", where="instr(lower(m.text), lower(?)) > 0"
                    ),
                    (query, limit),
                ).fetchall()
            )
        return [SearchHit(*row) for row in rows]

    def export(self, conversations: Iterable[int] | None = None) -> Iterator[str]:
        """Conversations (all of them, oldest first) as JSON Lines that `inkling add` reads."""
        wanted = conversations
        if wanted is None:
            wanted = reversed([summary.id for summary in self.list()])
        for conversation in wanted:
            yield as_jsonl(self.summary(conversation), self.open(conversation))

    def edit(self, conversation: int, position: int, text: str, corpus: CorpusStore) -> bool:
        """Correct the chosen variant of a reply, and teach it: what was said right before, and
        the corrected reply, become a conversation of the corpus. It replaces an earlier
        correction of the same reply.

        False where the corpus refuses it, as it was forgotten there. Raises ChatsError for a
        message that is no reply, and for a text that says nothing or nothing new.
        """
        text = storable(text).strip()
        if not text:
            raise ChatsError("A corrected reply needs some text.")
        with self._explained(), self._transaction():
            _, current = self._reply(conversation, position)
            if text == current:
                raise ChatsError("That is what the reply says already.")
            for edit, content_hash in live_edits(self._db, conversation, position):
                take_back(self._db, edit, content_hash, corpus)
            message, before = self._reply(conversation, position)
            pair = training_pair(self._db, conversation, position, text)
            self._db.execute(
                "INSERT INTO edit(message, before, after, created, corpus_hash) "
                "VALUES (?, ?, ?, ?, ?)",
                (message, before, text, now(), pair.content_hash),
            )
            self._db.execute("UPDATE message SET text = ? WHERE id = ?", (text, message))
            self._touch(conversation)
            # Last, so that a corpus that cannot be written to undoes the rest as well.
            result = corpus.add(EDITS_SOURCE, "edit", [pair])
            return not result.dropped

    def undo(self, conversation: int, position: int, corpus: CorpusStore) -> str:
        """Take the correction of a reply back: its text is again what the model wrote, and the
        training pair is gone. Returns that text."""
        with self._explained(), self._transaction():
            self._reply(conversation, position)
            edits = live_edits(self._db, conversation, position)
            if not edits:
                raise ChatsError("That reply was not corrected, so there is nothing to undo.")
            for edit, content_hash in edits:
                take_back(self._db, edit, content_hash, corpus)
            self._touch(conversation)
            return self._reply(conversation, position)[1]

    @contextlib.contextmanager
    def _rows(self) -> Iterator[None]:
        """Turns rows that hold something else than they should into a sentence."""
        try:
            yield
        except ValueError as error:
            raise ChatsError(
                f"{self.what} {self._path} is damaged ({error}). {self.when_damaged}"
            ) from None

    # -- inside a transaction -----------------------------------------------------------------

    def _create(self, source: Source, run: str | None, title: str) -> int:
        return self._insert(
            "INSERT INTO conversation(title, created, updated, run, source) VALUES (?, ?, ?, ?, ?)",
            (storable(title), now(), now(), run, source),
        )

    def _append(self, conversation: int, role: Role, text: str, origin: Provenance | None) -> int:
        self._touch(conversation)
        (position,) = self._one(
            "SELECT coalesce(max(position) + 1, 0) FROM message WHERE conversation = ?",
            (conversation,),
        )
        self._add_message(conversation, position, 0, role, text, origin)
        if role == "them":
            self._db.execute(
                "UPDATE conversation SET title = ? WHERE id = ? AND title = ''",
                (title_of(text), conversation),
            )
        return int(position)

    def _one(self, statement: str, values: Sequence[object]) -> tuple[int, ...]:
        row: tuple[int, ...] = self._db.execute(statement, values).fetchone()
        return row

    def _insert(self, statement: str, values: Sequence[object]) -> int:
        identifier = self._db.execute(statement, values).lastrowid
        assert identifier is not None
        return identifier

    def _conversation(self, conversation: int) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self._db.execute(
            f"{_SUMMARY} WHERE c.id = ?", (conversation,)
        ).fetchone()
        if row is None:
            raise ChatNotFoundError(f"There is no chat {conversation}; it may have been deleted.")
        return row

    def _touch(self, conversation: int) -> None:
        self._conversation(conversation)
        self._db.execute("UPDATE conversation SET updated = ? WHERE id = ?", (now(), conversation))

    def _reply(self, conversation: int, position: int) -> tuple[int, str]:
        """Row and text of the chosen variant of a reply."""
        self._conversation(conversation)
        row: tuple[int, str] | None = self._db.execute(
            "SELECT id, text FROM message "
            "WHERE conversation = ? AND position = ? AND role = 'me' AND chosen",
            (conversation, position),
        ).fetchone()
        if row is None:
            raise ChatNotFoundError(
                f"Message {position + 1} of chat {conversation} is not a reply."
            )
        return row

    def _unchoose(self, conversation: int, position: int) -> None:
        self._db.execute(
            "UPDATE message SET chosen = 0 WHERE conversation = ? AND position = ?",
            (conversation, position),
        )

    def _add_message(
        self,
        conversation: int,
        position: int,
        variant: int,
        role: Role,
        text: str,
        origin: Provenance | None,
    ) -> None:
        made: tuple[object, ...] = (None, None, None, None)
        if origin is not None:
            settings = origin.settings
            made = (settings.seed, settings.model_dump_json(), origin.run, origin.step)
        self._db.execute(
            "INSERT INTO message(conversation, position, variant, chosen, role, text, seed, "
            "settings, run, step, created) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
            (conversation, position, variant, role, storable(text), *made, now()),
        )


_SUMMARY = """SELECT c.id, c.title, c.created, c.updated, c.run, c.source,
(SELECT count(*) FROM message m WHERE m.conversation = c.id AND m.chosen),
(SELECT count(*) FROM message m JOIN edit e ON e.message = m.id
 WHERE m.conversation = c.id AND e.undone IS NULL)
FROM conversation c"""
