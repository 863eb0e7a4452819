"""One chat in the terminal: what was said, with which settings, and where it is kept.

Knows: when a message is stored, how a reply is generated, stopped and generated again. Does not
know: commands (`chat_commands`), keys (`console`).
Data: message -> chats.db -> `ChatModel.reply` -> console and chats.db.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inkling.chats import ChatMessage, ChatStore, PendingReply, Provenance
from inkling.chats.records import storable
from inkling.cli.console import Console
from inkling.config import SamplingSettings
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError
from inkling.workflows.chat import refresh_memory
from inkling.workflows.speaker import speaker_name
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel


@dataclass
class ChatSession:
    """The chat under way. The store is what is true; nothing that was said is kept elsewhere."""

    workspace: Workspace
    model: ChatModel
    store: ChatStore
    console: Console
    settings: SamplingSettings
    private: bool
    """The store is in memory, and nothing may be written elsewhere."""
    conversation: int | None = None
    """None until the first message."""
    leaving: bool = False
    _told_forgotten: set[int] = field(default_factory=set)
    _corpus_stamp: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        from inkling.memory.corpus_index import corpus_stamp

        self._corpus_stamp = corpus_stamp(self.workspace)

    @property
    def name(self) -> str:
        return speaker_name(self.workspace)

    def messages(self) -> list[ChatMessage]:
        return [] if self.conversation is None else self.store.open(self.conversation)

    def reset(self) -> None:
        """The next message begins a new conversation."""
        self.conversation = None

    def send(self, message: str) -> None:
        """Say something and have it answered. The message is stored before its reply begins."""
        message = storable(message)
        if self.conversation is None:
            self.conversation = self.store.create("terminal", self.model.config.name)
        self.store.append(self.conversation, "them", message)
        exchange = self._exchange()
        self._say_what_is_forgotten(exchange)
        settings = exchange.seeded(self.settings)
        if reply := self._write(exchange, settings):
            self.store.append(self.conversation, "me", reply, self._origin(settings))

    def regenerate(self) -> None:
        """Another reply to the last message; the earlier ones are kept as variants.

        A fixed seed would write the same again, so the next one not yet used is taken.
        """
        exchange = self._exchange()
        assert self.conversation is not None
        settings = exchange.seeded(self.settings)
        if self.settings.seed is not None:
            self.console.note(f"With seed {settings.seed}:")
        if not (reply := self._write(exchange, settings)):
            return
        origin = self._origin(settings)
        if exchange.reply is not None:
            self.store.add_variant(self.conversation, exchange.reply, reply, origin)
        else:
            self.store.append(self.conversation, "me", reply, origin)

    def refresh_memory(self) -> None:
        """What was forgotten or added meanwhile counts from now on."""
        self.model, self._corpus_stamp = refresh_memory(
            self.workspace, self.model, self._corpus_stamp
        )

    def _exchange(self) -> PendingReply:
        """Raises UsageError where nothing was said yet."""
        exchange = PendingReply.last(self.messages())
        if exchange is None:
            raise UsageError("There is no reply yet to write again. Say something first.")
        return exchange

    def last_reply(self) -> ChatMessage:
        """Raises UsageError where there is none."""
        replies = [m for m in self.messages() if m.role == "me"]
        if not replies:
            raise UsageError("There is no reply yet. Say something first.")
        return replies[-1]

    def correct(self, text: str) -> bool:
        """Correct the last reply, for good: it becomes a training pair.

        False where the corpus refuses the pair, as it was forgotten there.
        """
        reply = self._correctable()
        with CorpusStore(self.workspace.corpus_path) as corpus:
            assert self.conversation is not None
            return self.store.edit(self.conversation, reply.position, text, corpus)

    def undo_correction(self) -> str:
        """Take back the latest correction of this conversation; what the model had written."""
        self._correctable()
        corrected = [m for m in self.messages() if any(v.corrected for v in m.variants)]
        if not corrected:
            raise UsageError("No reply of this chat was corrected, so there is nothing to undo.")
        with CorpusStore(self.workspace.corpus_path) as corpus:
            assert self.conversation is not None
            return self.store.undo(self.conversation, corrected[-1].position, corpus)

    def _correctable(self) -> ChatMessage:
        if self.private:
            raise UsageError(
                "A correction is kept so that the next training learns it, and a private chat "
                "keeps nothing. Start inkling chat without --private to correct replies."
            )
        return self.last_reply()

    def _write(self, exchange: PendingReply, settings: SamplingSettings) -> str:
        """Write a reply as it comes; what was written, also when it was stopped."""
        self.refresh_memory()
        if self.console.interactive:
            self.console.write(f"{self.name}: ")
        reply = ""
        chunks = self.model.reply(
            exchange.question, exchange.history, settings, self.console.interrupted
        )
        for chunk in chunks:
            reply += chunk
            self.console.write(chunk)
        if self.console.interrupted():
            self.console.write(" (stopped)" if reply else "(stopped before the first word)")
        self.console.write("\n")
        return reply

    def _say_what_is_forgotten(self, exchange: PendingReply) -> None:
        assert self.conversation is not None
        if self.conversation in self._told_forgotten:
            return
        if self.model.prompt(exchange.question, exchange.history).left_out:
            self._told_forgotten.add(self.conversation)
            self.console.note("The first turns no longer fit; the model has forgotten them.")

    def _origin(self, settings: SamplingSettings) -> Provenance:
        return Provenance(self.model.config.name, self.model.step, settings)
