"""chats.db: every conversation with a model, its variants and its corrections.

Knows: the rules of chats (each write is a transaction; a reply keeps all its variants; a
correction and its training pair come and go together). Does not know: terminals, HTTP, how replies
are generated, how a row is read and written (rows.py) or a word found (search.py).
Data: `append`, `add_variant` -> rows -> `open`, `list`, `search`, `export`; `edit` -> a
`Conversation` of the source `edits` in corpus.db, which the next training learns.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Iterable, Iterator

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
from inkling.chats.rows import (
    SUMMARY,
    add_variant,
    append_message,
    conversation_row,
    create_conversation,
    reply_row,
    touch,
    unchoose,
)
from inkling.chats.schema import MIGRATIONS, READABLE_FROM
from inkling.chats.search import search_messages
from inkling.corpus.document import EDITS_SOURCE, Role
from inkling.corpus.store import CorpusStore
from inkling.database import Database, now
from inkling.errors import ChatNotFoundError, ChatsError


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
            return create_conversation(self._db, source, run, title)

    def begin(self, source: Source, text: str, run: str | None = None) -> int:
        """A new conversation with its first message, both or neither; its id."""
        with self._explained(), self._transaction():
            conversation = create_conversation(self._db, source, run, "")
            append_message(self._db, conversation, "them", text, None)
            return conversation

    def copy(self, conversation: int, before: int) -> int:
        """A new conversation with the messages before a position, all their variants included; its
        id. Training pairs that came of corrections stay those of the first one."""
        with self._explained(), self._transaction():
            _, title, _, _, run, source, *_ = conversation_row(self._db, conversation)
            copied = create_conversation(self._db, source, run, title)
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
            return append_message(self._db, conversation, role, text, origin)

    def add_variant(
        self, conversation: int, position: int, text: str, origin: Provenance | None = None
    ) -> int:
        """Another text for a reply, which is now the chosen one; its number. None is lost."""
        with self._explained(), self._transaction():
            reply_row(self._db, conversation, position)
            touch(self._db, conversation)
            (number,) = self._db.execute(
                "SELECT max(variant) + 1 FROM message WHERE conversation = ? AND position = ?",
                (conversation, position),
            ).fetchone()
            unchoose(self._db, conversation, position)
            add_variant(self._db, conversation, position, number, "me", text, origin)
            return int(number)

    def choose(self, conversation: int, position: int, variant: int) -> None:
        """Make an earlier variant of a reply the one that counts."""
        with self._explained(), self._transaction():
            touch(self._db, conversation)
            unchoose(self._db, conversation, position)
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
                f"{SUMMARY} ORDER BY c.updated DESC, c.id DESC LIMIT ? OFFSET ?",
                (limit, offset),
            ).fetchall()
        with self._rows():
            return [summary_of(row) for row in rows]

    def summary(self, conversation: int) -> Summary:
        """One conversation as `list` has it."""
        with self._explained(), self._rows():
            return summary_of(conversation_row(self._db, conversation))

    def open(self, conversation: int) -> builtins.list[ChatMessage]:
        """The messages of a conversation, in order."""
        with self._explained():
            conversation_row(self._db, conversation)
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
            conversation_row(self._db, conversation)
            self._db.execute(
                "UPDATE conversation SET title = ? WHERE id = ?", (title, conversation)
            )

    def delete(self, conversation: int, corpus: CorpusStore) -> None:
        """Delete a conversation and all that came of it, the training pairs of its corrections
        included. Nothing of its text stays in the file."""
        with self._explained():
            with self._transaction():
                conversation_row(self._db, conversation)
                for edit, content_hash in live_edits(self._db, conversation):
                    take_back(self._db, edit, content_hash, corpus)
                self._db.execute("DELETE FROM conversation WHERE id = ?", (conversation,))
                # Deleted words stay in a full-text index until its parts are merged.
                self._db.execute("INSERT INTO message_text(message_text) VALUES ('optimize')")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def search(self, query: str, limit: int = 50) -> builtins.list[SearchHit]:
        """Chosen messages with all words of the query (the beginnings of words count), in the
        newest conversation first; else those with the query as it stands anywhere inside."""
        with self._explained():
            return search_messages(self._db, query, limit)

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
            _, current = reply_row(self._db, conversation, position)
            if text == current:
                raise ChatsError("That is what the reply says already.")
            for edit, content_hash in live_edits(self._db, conversation, position):
                take_back(self._db, edit, content_hash, corpus)
            message, before = reply_row(self._db, conversation, position)
            pair = training_pair(self._db, conversation, position, text)
            self._db.execute(
                "INSERT INTO edit(message, before, after, created, corpus_hash) "
                "VALUES (?, ?, ?, ?, ?)",
                (message, before, text, now(), pair.content_hash),
            )
            self._db.execute("UPDATE message SET text = ? WHERE id = ?", (text, message))
            touch(self._db, conversation)
            # Last, so that a corpus that cannot be written to undoes the rest as well.
            result = corpus.add(EDITS_SOURCE, "edit", [pair])
            return not result.dropped

    def undo(self, conversation: int, position: int, corpus: CorpusStore) -> str:
        """Take the correction of a reply back: its text is again what the model wrote, and the
        training pair is gone. Returns that text."""
        with self._explained(), self._transaction():
            reply_row(self._db, conversation, position)
            edits = live_edits(self._db, conversation, position)
            if not edits:
                raise ChatsError("That reply was not corrected, so there is nothing to undo.")
            for edit, content_hash in edits:
                take_back(self._db, edit, content_hash, corpus)
            touch(self._db, conversation)
            return reply_row(self._db, conversation, position)[1]

    @contextlib.contextmanager
    def _rows(self) -> Iterator[None]:
        """Turns rows that hold something else than they should into a sentence."""
        try:
            yield
        except ValueError as error:
            raise ChatsError(
                f"{self.what} {self._path} is damaged ({error}). {self.when_damaged}"
            ) from None
