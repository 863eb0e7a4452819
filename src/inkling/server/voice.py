"""How the page introduces a model: facts, an opening line in its voice, questions to ask it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from inkling.config import REPLY
from inkling.errors import InklingError
from inkling.server.schemas import Health, ModelFacts

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel

GREETING = "hello"
STARTERS = 4


class Introductions:
    """Computes each model's introduction once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Health] = {}
        self._lock = threading.Lock()

    def health(self, model: ChatModel, name: str) -> Health:
        """What `GET /api/health` says of a loaded model."""
        key = (model.config.name, model.step)
        with self._lock:
            if key not in self._known:
                self._known = {key: self._introduce(model, name)}
            return self._known[key]

    def _introduce(self, model: ChatModel, name: str) -> Health:
        settings = model.config.model
        opening = None
        if model.tuned:
            sampling = REPLY.model_copy(update={"seed": 0, "max_tokens": 60})
            try:
                opening = "".join(model.reply(GREETING, [], sampling)) or None
            except InklingError:
                opening = None  # the page then opens without a first bubble
        return Health(
            ok=True,
            name=name,
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
                corpus_characters=model.config.data.train_characters,
            ),
        )
