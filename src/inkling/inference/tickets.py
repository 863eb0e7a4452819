"""One reply that was asked for: what is to be written, how far it is, what it has to say.

Knows: how pieces travel from the thread that writes to the one that reads. Does not know HTTP,
or how anything is written.
Data: the writer puts pieces, then an `End` or an error -> `items` -> the reader.

What waits on a ticket is bounded by its `max_tokens`: a reader that is slow, or reads nothing,
holds up neither the writer nor other readers, and costs some kilobytes. Imports no torch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel, Draft
    from inkling.inference.text import Piece
    from inkling.inference.writing import Finish

Job = Callable[["ChatModel"], "Draft"]
"""What to write, given the model that will."""


@dataclass(frozen=True)
class End:
    """The text is complete: why, and how many tokens were read and written."""

    finish: Finish
    prompt_tokens: int
    written_tokens: int


class Ticket:
    """A reply that waits or is under way. `items` yields pieces, then an End or an exception."""

    def __init__(
        self,
        job: Job,
        model: ChatModel,
        notify: Callable[[], None],
        withdraw: Callable[[Ticket], None],
    ) -> None:
        """`notify` is called after each item, from the writing thread; `withdraw` when the
        ticket is cancelled."""
        self.job = job
        self.model = model
        """What writes it; while it waits, a newer one may take over."""
        self.draft = job(model)
        self.items: queue.SimpleQueue[Piece | End | Exception] = queue.SimpleQueue()
        self._notify, self._withdraw = notify, withdraw
        self._cancelled = threading.Event()

    def draft_for(self, model: ChatModel) -> Draft:
        """What to write if `model` does."""
        if model is not self.model:
            self.model, self.draft = model, self.job(model)
        return self.draft

    def cancel(self) -> None:
        """Give up: it leaves the queue now, or its slot before the next token."""
        self._cancelled.set()
        self._withdraw(self)

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def put(self, item: Piece | End | Exception) -> None:
        self.items.put(item)
        self._notify()
