"""One worker thread that writes all replies, so that no event loop waits.

Knows: who waits, who writes, with which model. Does not know HTTP.
Data: `submit(job)` -> Ticket, in order of arrival -> a slot of the newest model's batch -> pieces
on the ticket, then its end or an error.

A reply ends with the model it began with; once a newer checkpoint is there, replies that begin
use that one, and both models take steps in turn until the old one's last reply is done. Models
are loaded and prompts encoded in the threads of those who ask, so the worker only ever steps.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.errors import InklingError
from inkling.inference.newest import NewestModel
from inkling.inference.tickets import End, Job, Ticket
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.batch import Batch
    from inkling.inference.chat import ChatModel
    from inkling.inference.drafts import Drafts
    from inkling.inference.writing import Writing

SLOTS = 32
"""Replies written at once."""

MAX_WAITING = 256
"""Replies that may wait for a slot."""


class QueueFullError(InklingError):
    """Too many wait already; `retry_after` is a guess in seconds at when to come back."""

    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(f"{waiting} replies are waiting already. Try again in a moment.")
        self.retry_after = retry_after


class Scheduler:
    """Owns the queue, the batches and the thread that steps them."""

    def __init__(
        self,
        workspace: Workspace,
        run_name: str | None = None,
        slots: int = SLOTS,
        max_waiting: int = MAX_WAITING,
        newest: NewestModel | None = None,
    ) -> None:
        self._newest = newest or NewestModel(workspace, run_name)
        self._slots, self._max_waiting = slots, max_waiting
        self._waiting: deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._groups: dict[int, _Group] = {}
        self._seconds = 1.0
        self._thread = threading.Thread(target=self._work, name="inkling-replies", daemon=True)
        self.tokens_written = 0
        """Tokens written since the start; stands still while nobody is answered."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the worker finish its step and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def model(self) -> ChatModel:
        """The newest model, loaded. Raises NoModelError where there is none yet."""
        return self._newest.model()

    def submit(self, job: Job, notify: Callable[[], None] = lambda: None) -> Ticket:
        """Ask for a reply. May load a model and encodes the prompt: not for an event loop.

        Raises QueueFullError, NoModelError, CheckpointError, or what `job` raises.
        """
        self._refuse_when_full()
        ticket = Ticket(job, self.model(), notify, self._withdraw)
        with self._changed:
            self._refuse_when_full()
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def position(self, ticket: Ticket) -> int:
        """How many wait before this one, itself included; 0 once it is being written."""
        with self._changed:
            return self._waiting.index(ticket) + 1 if ticket in self._waiting else 0

    def _refuse_when_full(self) -> None:
        waiting = len(self._waiting)
        if waiting >= self._max_waiting:
            raise QueueFullError(waiting, math.ceil(self._seconds * waiting / self._slots))

    def _withdraw(self, ticket: Ticket) -> None:
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    # -- the worker -----------------------------------------------------------------------------

    def _work(self) -> None:
        while self._wait():
            self._admit()
            for key, group in list(self._groups.items()):
                took = group.step()
                self.tokens_written += group.tokens
                for seconds in took:
                    self._seconds += 0.1 * (seconds - self._seconds)
                # The newest model's slots keep what they read for the next turns.
                if not group.replies and group.model is not self._newest.current:
                    del self._groups[key]

    def _wait(self) -> bool:
        """Sleep until there is something to do; False when it is time to end."""
        with self._changed:
            while not (self._stopping or self._waiting or self._under_way()):
                self._changed.wait()
            return not self._stopping

    def _under_way(self) -> int:
        return sum(len(group.replies) for group in self._groups.values())

    def _admit(self) -> None:
        """Give free slots to those who wait, in order; each takes one for each of its drafts."""
        while True:
            with self._changed:
                if not self._waiting:
                    return
                ticket = self._waiting[0]
            model = self._newest.current or ticket.model
            try:
                group = self._groups.get(id(model)) or _Group(
                    model, self._slots, self._newest.threads
                )
                self._groups[id(model)] = group
                if not group.has_room(ticket, self._slots - self._under_way()):
                    return
                group.add(ticket)
            except Exception as error:  # the worker outlives any one reply; the client is told
                ticket.put(error)
            self._withdraw(ticket)


@dataclass(frozen=True)
class _Underway:
    """A reply that has a slot."""

    ticket: Ticket
    drafts: Drafts
    prompt_tokens: int
    begun: float


class _Group:
    """The replies that one model writes now."""

    def __init__(self, model: ChatModel, slots: int, threads: int) -> None:
        import torch

        from inkling.inference.batch import Batch

        # torch counts threads for each thread that computes.
        torch.set_num_threads(threads)
        self.model = model
        self.batch: Batch = Batch(model.engine, slots)
        self.replies: dict[Writing, _Underway] = {}
        self.tokens = 0
        """Tokens of the last step."""

    def has_room(self, ticket: Ticket, free: int) -> bool:
        """Whether a reply's drafts fit in now that so many slots are free in all groups."""
        wanted = self.model.drafts_of(ticket.draft_for(self.model).settings)
        free = min(free, self.batch.slots - self.batch.writings)
        return free >= min(wanted, self.batch.slots)

    def add(self, ticket: Ticket) -> None:
        drafts = self.model.begin(ticket.draft_for(self.model), most=self.batch.slots)
        reply = _Underway(ticket, drafts, len(drafts.writings[0].context), time.monotonic())
        for writing in drafts.writings:
            self.batch.add(writing)
            self.replies[writing] = reply

    def step(self) -> list[float]:
        """One token for each draft; how many seconds each took that is now complete."""
        for writing, reply in list(self.replies.items()):
            if reply.ticket.cancelled():
                self._remove(writing)
        self.tokens = 0
        try:
            return self._step() if self.replies else []
        except Exception as error:  # as above; what the slots hold cannot be trusted any more
            for ticket in {reply.ticket for reply in self.replies.values()}:
                ticket.put(error)
            for writing in list(self.replies):
                self._remove(writing)
            self.batch.forget()
            return []

    def _step(self) -> list[float]:
        took = []
        for writing, picked in self.batch.step():
            reply = self.replies[writing]
            ticket, drafts = reply.ticket, reply.drafts
            self.tokens += writing.finish != "stop"
            for piece in drafts.take(writing, picked):
                ticket.put(piece)
            if writing not in drafts.writings:
                self._remove(writing)
            if drafts.finish is not None:
                ticket.put(End(drafts.finish, reply.prompt_tokens, drafts.tokens))
                took.append(time.monotonic() - reply.begun)
        return took

    def _remove(self, writing: Writing) -> None:
        self.batch.remove(writing)
        del self.replies[writing]
