"""One text that was asked for: what is to be generated, by which model, and what there is of it.

Knows: how chunks travel from the thread that generates to the one that reads. Does not know HTTP,
or how anything is generated.
Data: the generating side puts chunks, then a `Finished` or an error -> `items` -> the reader.

What waits in a request is bounded by its `max_tokens`: a reader that is slow, or reads nothing,
holds up neither the generating thread nor other readers, and costs some kilobytes. Imports no
torch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel, GenerationSpec
    from inkling.inference.sequence import Finish
    from inkling.inference.text import TextChunk

RequestBuilder = Callable[["ChatModel"], "GenerationSpec"]
"""What to generate, given the model that will."""


@dataclass(frozen=True)
class ModelChoice:
    """Which model is to answer: a run, without one the newest of the workspace; a step, without one
    the checkpoint that is used of the run."""

    run: str | None = None
    step: int | None = None


NEWEST = ModelChoice()


@dataclass(frozen=True)
class Finished:
    """The text is complete: why, and how many tokens were read and generated."""

    finish: Finish
    prompt_tokens: int
    written_tokens: int


class GenerationRequest:
    """A text that waits or is being generated. `items` yields chunks, then a `Finished` or an
    exception."""

    def __init__(
        self,
        builder: RequestBuilder,
        model: ChatModel,
        notify: Callable[[], None] = lambda: None,
        withdraw: Callable[[GenerationRequest], None] = lambda request: None,
        choice: ModelChoice = NEWEST,
    ) -> None:
        """`notify` is called after each item, from the generating thread; `withdraw` when the
        request is cancelled."""
        self.builder = builder
        self.choice = choice
        self.model = model
        """What generates it; while it waits, a newer one may take over."""
        self.spec = builder(model)
        self.items: queue.SimpleQueue[TextChunk | Finished | Exception] = queue.SimpleQueue()
        self._notify, self._withdraw = notify, withdraw
        self._cancelled = threading.Event()

    def spec_for(self, model: ChatModel) -> GenerationSpec:
        """What to generate if `model` does."""
        if model is not self.model:
            self.model, self.spec = model, self.builder(model)
        return self.spec

    def cancel(self) -> None:
        """Give up: it leaves the queue now, or its slot before the next token."""
        self._cancelled.set()
        self._withdraw(self)

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def put(self, item: TextChunk | Finished | Exception) -> None:
        self.items.put(item)
        self._notify()
