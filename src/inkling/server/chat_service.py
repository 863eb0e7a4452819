"""The kept chats of a workspace as the chats API uses them: open, do one thing, close.

Knows: chats.db, the corpus that corrections go to, the index that replies are traced in. Does
not know HTTP or how replies are generated. Every method works on files and is called off the
event loop; each opens the database for itself, so any thread may.
Data: chats.db <-> the rows of chats_schemas.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inkling.chats import ChatStore, PendingReply, Provenance
from inkling.chats.records import storable
from inkling.corpus.store import CorpusStore
from inkling.errors import ChatNotFoundError, ChatsError
from inkling.inference.requests import ModelChoice
from inkling.server.chats_schemas import (
    ChatList,
    ChatRow,
    CorrectedChat,
    KeptChat,
    MessageRow,
    TraceAnswer,
)
from inkling.workflows.why import explain
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

MAX_HITS = 1_000


class ChatService:
    """What can be done with kept chats. Raises ChatNotFoundError where one is not there."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def list(self, query: str, limit: int, offset: int) -> ChatList:
        """Conversations, the newest first; with a query those whose title or text has it."""
        if not self.workspace.chats_path.exists():  # opening it would make an empty one
            return ChatList(chats=[], more=False)
        with self._store() as store:
            if not query.strip():
                found = [ChatRow.of(summary) for summary in store.list(limit + 1, offset)]
                return ChatList(chats=found[:limit], more=len(found) > limit)
            excerpts: dict[int, str] = {}
            for hit in store.search(query, MAX_HITS):
                excerpts.setdefault(hit.conversation, _short(hit.excerpt, query))
            wanted = query.strip().casefold()
            found = [
                ChatRow.of(summary, excerpts.get(summary.id))
                for summary in store.list()
                if summary.id in excerpts or wanted in summary.title.casefold()
            ]
            shown = found[offset : offset + limit]
            return ChatList(chats=shown, more=len(found) > offset + limit)

    def open(self, chat: int) -> KeptChat:
        with self._store() as store:
            return KeptChat(
                chat=ChatRow.of(store.summary(chat)),
                messages=[MessageRow.of(message) for message in store.open(chat)],
            )

    def create(self, title: str, run: str | None) -> ChatRow:
        with self._store() as store:
            return ChatRow.of(store.summary(store.create("page", run, title)))

    def begin(self, message: str, run: str) -> int:
        """A new conversation with its first message; its number."""
        with self._store() as store:
            return store.begin("page", storable(message), run)

    def copy(self, chat: int, before: int) -> ChatRow:
        """A new conversation with the messages of another before a position."""
        with self._store() as store:
            return ChatRow.of(store.summary(store.copy(chat, before)))

    def rename(self, chat: int, title: str) -> ChatRow:
        with self._store() as store:
            store.rename(chat, title)
            return ChatRow.of(store.summary(chat))

    def delete(self, chat: int) -> None:
        """With all that came of it, the training pairs of its corrections included."""
        with self._store() as store, self._corpus() as corpus:
            store.delete(chat, corpus)

    def export(self, chat: int | None) -> str:
        """A conversation, or all of them, as JSON Lines that `inkling add` reads."""
        with self._store() as store:
            return "".join(store.export(None if chat is None else [chat]))

    def ask(self, chat: int, message: str) -> PendingReply:
        """Store a message, before anything is answered; the reply that is pending then."""
        with self._store() as store:
            store.append(chat, "them", storable(message))
        return self.pending(chat)

    def pending(self, chat: int) -> PendingReply:
        """What the last message is, and where a reply to it stands or will."""
        with self._store() as store:
            found = PendingReply.last(store.open(chat))
        if found is None:
            raise ChatsError("This chat has no message yet, so there is nothing to reply to.")
        return found

    def keep(
        self, chat: int, pending: PendingReply, text: str, origin: Provenance
    ) -> tuple[int, int]:
        """Store a reply, or another variant of it; its position and variant."""
        with self._store() as store:
            if pending.reply is None:
                return store.append(chat, "me", text, origin), 0
            return pending.reply, store.add_variant(chat, pending.reply, text, origin)

    def choose(self, chat: int, position: int, variant: int) -> KeptChat:
        with self._store() as store:
            store.choose(chat, position, variant)
        return self.open(chat)

    def correct(self, chat: int, position: int, text: str) -> CorrectedChat:
        """Correct a reply for good: with what was said before it, it becomes a training pair."""
        with self._store() as store, self._corpus() as corpus:
            learned = store.edit(chat, position, text, corpus)
        return CorrectedChat(**vars(self.open(chat)), learned=learned)

    def undo(self, chat: int, position: int) -> KeptChat:
        with self._store() as store, self._corpus() as corpus:
            store.undo(chat, position, corpus)
        return self.open(chat)

    def why(
        self, chat: int, position: int, current: Callable[[ModelChoice], ChatModel | None]
    ) -> TraceAnswer:
        """What of a reply stands word for word in what the run that generated it was trained
        on, and how much of it came from memory. `current` gives the model that a run replies with
        now."""
        with self._store() as store:
            messages = store.open(chat)
        message = next((each for each in messages if each.position == position), None)
        if message is None:
            raise ChatNotFoundError(f"There is no message {position + 1} in chat {chat}.")
        origin = message.variants[message.chosen].origin
        loaded = None if origin is None else current(ModelChoice(origin.run))
        return TraceAnswer.of(explain(self.workspace, messages, position, loaded))

    def _store(self) -> ChatStore:
        return ChatStore(self.workspace.chats_path)

    def _corpus(self) -> CorpusStore:
        return CorpusStore(self.workspace.corpus_path)


def _short(excerpt: str, query: str) -> str:
    """One line around the place; whole messages come where the index knows no words."""
    line = " ".join(excerpt.split())
    at = max(0, line.casefold().find(query.strip().casefold()) - 30)
    return ("…" if at else "") + line[at : at + 120] + ("…" if at + 120 < len(line) else "")
