"""The texts that one model generates now: the one way in which text is generated.

Knows: which drafts belong to which request, and what a request receives. Does not know: queues,
threads, which model is the newest.
Data: request -> its drafts' sequences in a `Batch` -> tokens -> `BestOf` -> chunks put into the
request, then a `Finished` or an error.

The scheduler steps one of these for each model that answers; `ChatModel` makes one for a single
text.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.inference.batch import Batch
from inkling.inference.requests import Finished, GenerationRequest

if TYPE_CHECKING:
    from inkling.inference.best_of import BestOf
    from inkling.inference.chat import ChatModel
    from inkling.inference.sequence import TokenSequence


@dataclass(frozen=True)
class ActiveRequest:
    """A request whose drafts have slots."""

    request: GenerationRequest
    best_of: BestOf
    prompt_tokens: int
    started: float
    """On the monotonic clock, in seconds."""


class ModelBatch:
    """A model, and the requests that it works on."""

    def __init__(self, model: ChatModel, slots: int) -> None:
        """`slots`: drafts at once, all requests together; fewer where the model is large."""
        self.model = model
        self._batch = Batch(model.engine.new_decoder(slots))
        self._requests: dict[TokenSequence, ActiveRequest] = {}
        self.tokens = 0
        """Tokens of the last step."""

    @property
    def requests(self) -> list[GenerationRequest]:
        """Those that have slots, in the order in which they came."""
        return list(dict.fromkeys(active.request for active in self._requests.values()))

    @property
    def active(self) -> int:
        """Slots that are taken."""
        return self._batch.active

    def has_room(self, request: GenerationRequest, free: int) -> bool:
        """Whether all drafts of a request fit in now, `free` slots at most."""
        wanted = self.model.draft_count(request.spec_for(self.model).settings)
        free = min(free, self._batch.slots - self._batch.active)
        return free >= min(wanted, self._batch.slots)

    def add(self, request: GenerationRequest) -> None:
        """Give each of its drafts a slot; fewer drafts where there are fewer slots in all."""
        best_of = self.model.start(request.spec_for(self.model), most=self._batch.slots)
        sequences = best_of.sequences
        active = ActiveRequest(request, best_of, len(sequences[0].context), time.monotonic())
        for sequence in sequences:
            self._batch.add(sequence)
            self._requests[sequence] = active

    def step(self) -> list[float]:
        """One token for each draft; how many seconds each request took that is now complete.

        An error is put into the requests that it ends, all that are here.
        """
        for sequence, active in list(self._requests.items()):
            if active.request.cancelled():
                self._remove(sequence)
        self.tokens = 0
        try:
            return self._step() if self._requests else []
        except Exception as error:  # whoever steps this outlives it; its reader gets the error
            for request in self.requests:
                request.put(error)
            for sequence in list(self._requests):
                self._remove(sequence)
            # What the slots hold cannot be trusted any more.
            self._batch.clear_free_slots()
            return []

    def _step(self) -> list[float]:
        took = []
        for sequence, sampled in self._batch.step():
            active = self._requests[sequence]
            request, best_of = active.request, active.best_of
            self.tokens += sequence.finish != "stop"
            for chunk in best_of.append_token(sequence, sampled):
                request.put(chunk)
            if sequence not in best_of.sequences:
                self._remove(sequence)
            if best_of.finish is not None:
                request.put(Finished(best_of.finish, active.prompt_tokens, best_of.tokens))
                took.append(time.monotonic() - active.started)
        return took

    def _remove(self, sequence: TokenSequence) -> None:
        self._batch.remove(sequence)
        del self._requests[sequence]
