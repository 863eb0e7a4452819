"""One chat in the terminal: what was said, with which settings, and where it is kept.

Knows: when a message is stored, how a reply is written, stopped and written again. Does not
know: commands (`chat_commands`), keys (`console`).
Data: message -> chats.db -> `ChatModel.reply` -> console and chats.db.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inkling.chats import ChatMessage, ChatStore, Origin
from inkling.chats.records import storable
from inkling.cli.console import Console
from inkling.config import SamplingSettings
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

MAX_SEED = 2**63 - 1

Turn = tuple[str, str]


@dataclass
class ChatSession:
    """The chat under way. The store is what is true; nothing said is kept besides it."""

    workspace: Workspace
    voice: ChatModel
    store: ChatStore
    console: Console
    settings: SamplingSettings
    private: bool
    """The store is in memory, and nothing may be written elsewhere."""
    conversation: int | None = None
    """None until the first message."""
    leaving: bool = False
    _told_forgotten: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.workspace.name

    def messages(self) -> list[ChatMessage]:
        return [] if self.conversation is None else self.store.open(self.conversation)

    def reset(self) -> None:
        """The next message begins a new conversation."""
        self.conversation = None

    def send(self, message: str) -> None:
        """Say something and have it answered. The message is stored before its reply begins."""
        message = storable(message)
        history = [(m.role, m.text) for m in self.messages()]
        if self.conversation is None:
            self.conversation = self.store.create("terminal", self.voice.config.name)
        self.store.append(self.conversation, "them", message)
        self._say_what_is_forgotten(message, history)
        settings = self._with_a_seed(self.settings)
        if reply := self._write(message, history, settings):
            self.store.append(self.conversation, "me", reply, self._origin(settings))

    def regenerate(self) -> None:
        """Another reply to the last message; the earlier ones are kept as variants.

        A fixed seed would write the same again, so the next one not yet used is taken.
        """
        messages = self.messages()
        asked = [m for m in messages if m.role == "them"]
        if not asked or self.conversation is None:
            raise UsageError("There is no reply yet to write again. Say something first.")
        last = asked[-1]
        history = [(m.role, m.text) for m in messages if m.position < last.position]
        replies = [m for m in messages if m.position > last.position]
        settings = self.settings
        if settings.seed is not None:
            used = {v.origin.settings.seed for m in replies for v in m.variants if v.origin}
            seed = settings.seed
            while seed in used:
                seed = 0 if seed == MAX_SEED else seed + 1
            settings = settings.model_copy(update={"seed": seed})
            self.console.note(f"With seed {seed}:")
        settings = self._with_a_seed(settings)
        if not (reply := self._write(last.text, history, settings)):
            return
        origin = self._origin(settings)
        if replies:
            self.store.add_variant(self.conversation, replies[-1].position, reply, origin)
        else:
            self.store.append(self.conversation, "me", reply, origin)

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

    def _write(self, message: str, history: Sequence[Turn], settings: SamplingSettings) -> str:
        """Write a reply as it comes; what was written, also when it was stopped."""
        if self.console.interactive:
            self.console.write(f"{self.name}: ")
        reply = ""
        for piece in self.voice.reply(message, history, settings, self.console.interrupted):
            reply += piece
            self.console.write(piece)
        if self.console.interrupted():
            self.console.write(" (stopped)" if reply else "(stopped before the first word)")
        self.console.write("\n")
        return reply

    def _say_what_is_forgotten(self, message: str, history: Sequence[Turn]) -> None:
        assert self.conversation is not None
        if self.conversation in self._told_forgotten:
            return
        if self.voice.prompt(message, history).forgotten:
            self._told_forgotten.add(self.conversation)
            self.console.note("The first turns no longer fit; the model has forgotten them.")

    def _with_a_seed(self, settings: SamplingSettings) -> SamplingSettings:
        """Settings that write the same reply again: a seed is drawn where none is fixed."""
        if settings.seed is not None:
            return settings
        return settings.model_copy(update={"seed": secrets.randbits(63)})

    def _origin(self, settings: SamplingSettings) -> Origin:
        return Origin(self.voice.config.name, self.voice.step, settings)
