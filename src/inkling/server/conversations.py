"""The kept chats of a workspace as the chats API uses them: open, do one thing, close.

Knows: chats.db, the corpus that corrections go to, the index that replies are traced in. Does
not know HTTP or how replies are written. Every method works on files and is called off the
event loop; each opens the database for itself, so any thread may.
"""

from __future__ import annotations

from typing import Any

from inkling.chats import ChatStore, Exchange, Origin
from inkling.chats.records import storable
from inkling.corpus.store import CorpusStore
from inkling.errors import ChatNotFoundError, ChatsError
from inkling.runs import Run
from inkling.server.chats_schemas import Chat, ChatList, ChatRow, Corrected, MessageRow
from inkling.workspace import Workspace

MAX_HITS = 1_000


class Conversations:
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

    def open(self, chat: int) -> Chat:
        with self._store() as store:
            return Chat(
                chat=ChatRow.of(store.summary(chat)),
                messages=[MessageRow.of(message) for message in store.open(chat)],
            )

    def create(self, title: str, run: str | None) -> ChatRow:
        with self._store() as store:
            return ChatRow.of(store.summary(store.create("page", run, title)))

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

    def ask(self, chat: int, message: str) -> Exchange:
        """Store what was said, before anything is answered; what is to be answered now."""
        with self._store() as store:
            store.append(chat, "them", storable(message))
        return self.again(chat)

    def again(self, chat: int) -> Exchange:
        """The exchange that another reply is wanted for."""
        with self._store() as store:
            exchange = Exchange.last(store.open(chat))
        if exchange is None:
            raise ChatsError("Nothing was said in this chat yet, so there is nothing to answer.")
        return exchange

    def keep(self, chat: int, exchange: Exchange, text: str, origin: Origin) -> tuple[int, int]:
        """Store a reply, or another variant of it; its position and variant."""
        with self._store() as store:
            if exchange.reply is None:
                return store.append(chat, "me", text, origin), 0
            return exchange.reply, store.add_variant(chat, exchange.reply, text, origin)

    def choose(self, chat: int, position: int, variant: int) -> Chat:
        with self._store() as store:
            store.choose(chat, position, variant)
        return self.open(chat)

    def correct(self, chat: int, position: int, text: str) -> Corrected:
        """Correct a reply for good: with what was said before it, it becomes a training pair."""
        with self._store() as store, self._corpus() as corpus:
            learned = store.edit(chat, position, text, corpus)
        return Corrected(**vars(self.open(chat)), learned=learned)

    def undo(self, chat: int, position: int) -> Chat:
        with self._store() as store, self._corpus() as corpus:
            store.undo(chat, position, corpus)
        return self.open(chat)

    def why(self, chat: int, position: int) -> dict[str, Any]:
        """What of a reply stands word for word in what the run that wrote it was trained on."""
        from inkling.insight.trace import trace

        with self._store() as store:
            message = next((m for m in store.open(chat) if m.position == position), None)
        if message is None:
            raise ChatNotFoundError(f"There is no message {position + 1} in chat {chat}.")
        origin = message.variants[message.chosen].origin
        if origin is None:
            raise ChatsError("This was not written by a model, so it copied nothing.")
        return trace(Run.open(self.workspace, origin.run), message.text, self.workspace).to_dict()

    def _store(self) -> ChatStore:
        return ChatStore(self.workspace.chats_path)

    def _corpus(self) -> CorpusStore:
        return CorpusStore(self.workspace.corpus_path)


def _short(excerpt: str, query: str) -> str:
    """One line around the place; whole messages come where the index knows no words."""
    line = " ".join(excerpt.split())
    at = max(0, line.casefold().find(query.strip().casefold()) - 30)
    return ("…" if at else "") + line[at : at + 120] + ("…" if at + 120 < len(line) else "")
