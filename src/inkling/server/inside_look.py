"""A checkpoint and a text that it reads, looked at once for all that a panel asks of it.

Knows: the fields that every answer has, and which layers, heads and places there are to ask about.
Does not know what a panel shows (inside_answers.py, inside_tensors.py) or where models come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from inkling.errors import UsageError
from inkling.inspection.forward import AttentionStates, ForwardStates, LayerStates
from inkling.inspection.inspected_model import InspectedModel, ReadText
from inkling.inspection.pieces import describe
from inkling.inspection.surprise import surprises
from inkling.server.inside_schemas import PieceRow
from inkling.server.inspected_models import InspectedModels


@dataclass
class Look:
    """A checkpoint and a text that it reads."""

    models: InspectedModels
    model: InspectedModel
    text: ReadText

    @cached_property
    def states(self) -> ForwardStates:
        return self.models.states(self.model, self.text)

    def about(self, ids: Iterable[int]) -> dict[str, Any]:
        """The fields that every answer has; `ids` are those that it names."""
        trained = self.models.training_text(self.model.run)
        counts = None if trained is None else trained.counts
        pieces = describe(self.model.tokenizer, dict.fromkeys(ids), self.model.live, counts)
        return {
            "run": self.model.run.name,
            "step": self.model.step,
            "start": self.text.start,
            "stop": self.text.stop,
            "total": len(self.text.ids),
            "context": self.model.context_length,
            "vocabulary": [PieceRow(**asdict(piece)) for piece in pieces],
        }

    def layer(self, number: int) -> LayerStates:
        layers = self.states.layers
        if not layers:
            raise UsageError(
                f"The run {self.model.run.name} is a bigram: a table of pairs, without attention "
                "or neurons. Choose another run."
            )
        if number >= len(layers):
            raise UsageError(
                f"The run {self.model.run.name} has {len(layers)} layers, 0 to {len(layers) - 1}; "
                f"there is no layer {number}."
            )
        return layers[number]

    def attention(self, layer: int) -> AttentionStates:
        found = self.layer(layer).attention
        assert found is not None, "every layer attends"
        return found

    def position(self, wanted: int | None) -> int:
        last = len(self.text.window) - 1
        if wanted is not None and wanted > last:
            raise UsageError(f"The text has {last + 1} pieces here; there is no piece {wanted}.")
        return last if wanted is None else wanted

    def bits(self, model: InspectedModel | None = None) -> float:
        """What the window costs this model, or another one that reads the same."""
        states = self.states if model is None else self.models.states(model, self.text)
        logits_TV = states.logits_TV.float().cpu().numpy()
        return sum(one.bits for one in surprises(logits_TV, self.text.window, top=0))

    @property
    def characters(self) -> int:
        """Characters that the scored pieces of the window begin."""
        started = self.model.tokenizer.characters_started
        return int(started[list(self.text.window[1:])].sum())
