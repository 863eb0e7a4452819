"""A chat with a workspace's model, from a program.

Knows: which run replies, what was said so far, and the workspace's own sampling settings. Keeps
nothing on disk: kept chats are `inkling.chats`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inkling.config import SamplingSettings
from inkling.settings import reply_settings
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel
    from inkling.tokens.chat_format import Turn


def load_model(workspace: Workspace, run: str | None = None) -> ChatModel:
    """The model of the named run, else of the newest, with the memory of what was said before.

    Raises RunError where there is none.
    """
    from inkling.runs import Run

    chosen = Run.choose(workspace, run)
    from inkling.inference.chat import ChatModel
    from inkling.memory.corpus_index import run_memory
    from inkling.runtime import Runtime

    model = ChatModel.load(chosen, Runtime.detect())
    return model.with_memory(run_memory(workspace, chosen)) if model.tuned else model


def refresh_memory(
    workspace: Workspace, model: ChatModel, stamp: tuple[tuple[int, int], ...]
) -> tuple[ChatModel, tuple[tuple[int, int], ...]]:
    """The model with the memory of today, and the state of the corpus that it was made from.

    `stamp` is that state as it was last time: what is forgotten or added while a chat continues
    counts from the next message on. Raises CorpusError where the corpus cannot be read.
    """
    from inkling.memory.corpus_index import corpus_stamp, run_memory
    from inkling.runs import Run

    now = corpus_stamp(workspace)
    if now == stamp or not model.tuned:
        return model, now
    return model.with_memory(run_memory(workspace, Run.open(workspace, model.config.name))), now


@dataclass
class Chat:
    """A conversation with a model. `history` holds (speaker, text) turns, oldest first, with the
    speakers "them" and "me"; a reply looks back on the last ones that fit."""

    model: ChatModel
    settings: SamplingSettings
    history: list[Turn] = field(default_factory=list)
    workspace: Workspace | None = None
    """Whose corpus the memory follows: what is forgotten or added counts from the next message
    on. None: the memory stays as it is."""
    _stamp: tuple[tuple[int, int], ...] = field(default=(), repr=False)

    def reply(self, message: str) -> str:
        """The reply to a message, which then belongs to the history."""
        return "".join(self.stream(message))

    def stream(self, message: str) -> Iterator[str]:
        """The same as chunks of text, as they are written (with `best_of` above 1 only when the
        best draft is known)."""
        if self.workspace is not None:
            self.model, self._stamp = refresh_memory(self.workspace, self.model, self._stamp)
        text = ""
        for chunk in self.model.reply(message, self.history, self.settings):
            text += chunk
            yield chunk
        self.history += [("them", message), ("me", text)]


def chat(workspace: Workspace, run: str | None = None, **sampling: Any) -> Chat:
    """Begin a chat with the named run, else the newest.

    `sampling` are fields of `SamplingSettings`; what is not given is as the table `[sampling]` of
    inkling.toml says, else as Inkling's own defaults for replies. Raises RunError where there is
    no trained model, UsageError for a setting that is out of range.
    """
    from inkling.memory.corpus_index import corpus_stamp

    stamp = corpus_stamp(workspace)
    model = load_model(workspace, run)
    return Chat(model, reply_settings(workspace, sampling), workspace=workspace, _stamp=stamp)
