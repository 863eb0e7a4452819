"""One worker thread that generates all replies, so that no event loop waits.

Knows: which requests wait, and which model takes each. Does not know HTTP.
Data: `submit(builder, choice)` -> `GenerationRequest`, in order of arrival -> slots of the
`ModelBatch` of the chosen model, by default the newest -> chunks put into the request, then a
`Finished` or an error.

A reply ends with the model it began with; once a newer checkpoint is there, replies that begin
use that one, and all models that reply take steps in turn until their last reply is complete.
Models are loaded and prompts encoded in the threads of those who ask, so the worker only ever
steps. Imports torch with the first model, not before.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from inkling.config import REPLY
from inkling.errors import InklingError
from inkling.inference.model_provider import ModelProvider
from inkling.inference.requests import NEWEST, GenerationRequest, ModelChoice, RequestBuilder
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel
    from inkling.inference.model_batch import ModelBatch

SLOTS = 2 * REPLY.best_of
"""Drafts generated at once, all replies together: a reply to a person never waits for a long text
that somebody else has generated in one draft."""

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
        provider: ModelProvider | None = None,
    ) -> None:
        self._provider = provider or ModelProvider(workspace, run_name)
        self._slots, self._max_waiting = slots, max_waiting
        self._waiting: deque[GenerationRequest] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._batches: dict[int, ModelBatch] = {}  # by the identity of their models
        self._seconds = 1.0  # that a reply takes, a running mean
        self._thread = threading.Thread(target=self._work, name="inkling-replies", daemon=True)
        self.tokens_written = 0
        """Tokens generated since the start; stands still while nobody is answered."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the worker finish its step and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    @property
    def run_name(self) -> str | None:
        """The run that replies where none is chosen, if the server was told one."""
        return self._provider.run_name

    def model(self, choice: ModelChoice = NEWEST) -> ChatModel:
        """The chosen model, loaded. Raises NoModelError where there is none yet, RunError where
        what was chosen is not there."""
        return self._provider.model(choice)

    def current(self, choice: ModelChoice = NEWEST) -> ChatModel | None:
        """The chosen model with the memory of today; None where it does not answer now."""
        try:
            return self._provider.model(choice)
        except InklingError:  # a trace of a kept reply needs no model that answers
            return None

    def submit(
        self,
        builder: RequestBuilder,
        notify: Callable[[], None] = lambda: None,
        choice: ModelChoice = NEWEST,
    ) -> GenerationRequest:
        """Ask for a reply. May load a model and encodes the prompt: not for an event loop.

        Raises QueueFullError, NoModelError, RunError, or what `builder` raises.
        """
        self._refuse_when_full()
        request = GenerationRequest(builder, self.model(choice), notify, self._withdraw, choice)
        with self._changed:
            self._refuse_when_full()
            self._waiting.append(request)
            self._changed.notify()
        return request

    def position(self, request: GenerationRequest) -> int:
        """How many wait up to this one, itself included; 0 once it is being generated."""
        with self._changed:
            return self._waiting.index(request) + 1 if request in self._waiting else 0

    def _refuse_when_full(self) -> None:
        waiting = len(self._waiting)
        if waiting >= self._max_waiting:
            raise QueueFullError(waiting, math.ceil(self._seconds * waiting / self._slots))

    def _withdraw(self, request: GenerationRequest) -> None:
        with self._changed:
            if request in self._waiting:
                self._waiting.remove(request)

    # -- the worker -----------------------------------------------------------------------------

    def _work(self) -> None:
        while self._wait():
            self._admit()
            for key, batch in list(self._batches.items()):
                took = batch.step()
                self.tokens_written += batch.tokens
                for seconds in took:
                    self._seconds += 0.1 * (seconds - self._seconds)
                # The slots of a model that may be asked again keep what they have read.
                if not batch.active and not self._provider.holds(batch.model):
                    del self._batches[key]

    def _wait(self) -> bool:
        """Sleep until there is something to do; False when it is time to end."""
        with self._changed:
            while not (self._stopping or self._waiting or self._active()):
                self._changed.wait()
            return not self._stopping

    def _active(self) -> int:
        return sum(batch.active for batch in self._batches.values())

    def _admit(self) -> None:
        """Give free slots to those who wait, in order; each takes one for each of its drafts."""
        while True:
            with self._changed:
                if not self._waiting:
                    return
                request = self._waiting[0]
            try:
                batch = self._batch_of(self._provider.latest(request.choice) or request.model)
                if not batch.has_room(request, self._slots - self._active()):
                    return
                batch.add(request)
            except Exception as error:  # the worker outlives it; the client gets the error
                request.put(error)
            self._withdraw(request)

    def _batch_of(self, model: ChatModel) -> ModelBatch:
        if id(model) not in self._batches:
            import torch

            from inkling.inference.model_batch import ModelBatch

            # torch counts threads for each thread that computes, and this is the one.
            torch.set_num_threads(self._provider.threads(model))
            self._batches[id(model)] = ModelBatch(model, self._slots)
        return self._batches[id(model)]
