"""How the page introduces a model: facts, an opening line in its voice, questions to ask it.

Knows: what a loaded model says of itself. Does not know HTTP.
Data: `ChatModel` -> `Health`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from inkling.config import SamplingSettings
from inkling.errors import InklingError
from inkling.server.schemas import Health, ModelFacts, PageDefaults

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

GREETING = "hello"
MAX_CARDS = 8
"""Cards that are kept: of the models that a page goes back and forth between."""


class ModelCards:
    """Computes each model's card once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], Health] = {}
        self._lock = threading.Lock()

    def health(self, model: ChatModel, name: str, defaults: SamplingSettings) -> Health:
        """What `GET /api/health` says of a loaded model. `defaults` are the page's."""
        # A memory is made anew when the corpus changes; the opening and the facts with it.
        key = (model.config.name, model.step, id(model.memory))
        with self._lock:
            if key not in self._known:
                last = dict(list(self._known.items())[-(MAX_CARDS - 1) :])
                self._known = {**last, key: self._card(model, name, defaults)}
            return self._known[key]

    def _card(self, model: ChatModel, name: str, defaults: SamplingSettings) -> Health:
        settings = model.config.model
        opening = None
        if model.tuned:
            sampling = defaults.model_copy(update={"seed": 0, "max_tokens": 60})
            try:
                opening = "".join(model.reply(GREETING, [], sampling)) or None
            except InklingError:
                opening = None  # the page then opens without a first bubble
        return Health(
            ok=True,
            name=name,
            defaults=PageDefaults.of(defaults),
            opening=opening,
            starters=list(model.config.starters),
            model=ModelFacts(
                run=model.config.name,
                step=model.step,
                tuned=model.tuned,
                parameters=model.engine.model.parameter_count(),
                blocks=settings.n_layer,
                width=settings.n_embd,
                context=settings.context_length,
                vocabulary=settings.vocab_size,
                live_tokens=sum(stop - start for start, stop in model.config.data.live_ranges),
                corpus_characters=model.config.data.train_characters,
                exchanges=0 if model.memory is None else len(model.memory.index),
            ),
        )
