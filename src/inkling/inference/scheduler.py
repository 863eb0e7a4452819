"""One worker thread that writes replies, one after the other, so that no event loop waits.

Knows: which model is newest, who waits, who gave up. Does not know HTTP.
Data: `submit(job)` -> Ticket -> pieces on the ticket, in order, then its end or an error.

The newest checkpoint is looked for before each reply: a model trained while the server runs
is used from the next reply on, and a server started before any training finds one later. Torch
is imported when there is a model to load, not before.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from inkling.errors import CheckpointError, RunError
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

Job = Callable[["ChatModel", Callable[[], bool]], Iterator[str]]
"""(model, cancelled) -> text pieces"""


class NoModelError(RunError):
    """There is nothing to answer with yet."""


@dataclass
class Ticket:
    """One reply under way. `pieces` yields str, then None at the end, or an exception."""

    job: Job
    notify: Callable[[], None] = lambda: None
    pieces: queue.SimpleQueue[str | Exception | None] = field(default_factory=queue.SimpleQueue)
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Stop writing before the next token."""
        self._cancelled.set()

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def put(self, item: str | Exception | None) -> None:
        self.pieces.put(item)
        self.notify()


class Scheduler:
    """Owns the loaded model and the thread that uses it."""

    def __init__(self, workspace: Workspace, run_name: str | None = None) -> None:
        self._workspace, self._run_name = workspace, run_name
        self._runtime: Runtime | None = None
        self._waiting: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._model: ChatModel | None = None
        self._loaded: tuple[str, int] | None = None
        self._thread = threading.Thread(target=self._work, name="inkling-replies", daemon=True)
        self.tokens_written = 0
        """Pieces of text written since the start; stands still while nobody is answered."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the worker finish the piece in hand and end."""
        self._waiting.put(None)

    def submit(self, job: Job, notify: Callable[[], None] = lambda: None) -> Ticket:
        ticket = Ticket(job, notify)
        self._waiting.put(ticket)
        return ticket

    def model(self) -> ChatModel:
        """The newest model, loaded. Raises NoModelError where there is none yet."""
        with self._lock:
            run, step = self._newest()
            try:
                return self._load(run, step)
            except CheckpointError:
                # A training may have replaced the checkpoint between the look and the reading.
                if self._newest()[1] == step:
                    raise
                return self._load(*self._newest())

    def _newest(self) -> tuple[Run, int]:
        run = (
            Run.open(self._workspace, self._run_name)
            if self._run_name
            else Run.newest(self._workspace)
        )
        step = run.best_step() if run is not None else None
        if run is None or step is None:
            raise NoModelError("There is no trained model yet. Train one: inkling train.")
        return run, step

    def _load(self, run: Run, step: int) -> ChatModel:
        from inkling.inference.chat import ChatModel

        if self._model is None or self._loaded != (run.name, step):
            self._runtime = self._runtime or Runtime.detect()
            self._model = ChatModel.load(run, self._runtime, step)
            self._loaded = (run.name, step)
        return self._model

    def _work(self) -> None:
        while (ticket := self._waiting.get()) is not None:
            if ticket.cancelled():
                continue
            try:
                model = self.model()
                for piece in ticket.job(model, ticket.cancelled):
                    self.tokens_written += 1
                    ticket.put(piece)
                ticket.put(None)
            except Exception as error:  # the worker must outlive one bad reply; the client is told
                ticket.put(error)
