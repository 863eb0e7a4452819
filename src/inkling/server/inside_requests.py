"""What the Inside API takes.

A position counts pieces from the beginning of the window that the model reads. Texts stand in
bodies, never in addresses.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inkling.config import SamplingSettings
from inkling.server.bodies import RequestBody
from inkling.server.schemas import Text

MAX_CONTINUED = 120

_OWN = SamplingSettings()

Count = Annotated[int, Field(ge=0, le=2**31)]


class Checkpointed(RequestBody):
    """Which checkpoint: of the newest run and its best step where they are left out."""

    run: str | None = None
    step: Count | None = None


class InsideRequest(Checkpointed):
    """A text that a checkpoint reads."""

    text: Text = ""
    reply: Text | None = None
    """Where given, the text is a message and this what was replied to it ("": nothing yet)."""
    start: Count | None = None
    """The first piece of the window where not all fits the context; by default the end is read."""


class PositionRequest(InsideRequest):
    """A piece of the text."""

    position: Count | None = None
    """By default the last."""


class LayerRequest(InsideRequest):
    """A layer of the model."""

    layer: Count = 0


class HeadRequest(LayerRequest):
    """A head of a layer."""

    head: Count = 0


class NeuronRequest(Checkpointed):
    """A neuron of a layer."""

    layer: Count = 0
    neuron: Count = 0


class PairRequest(Checkpointed):
    """Two pieces that stand side by side, by their ids."""

    first: Count
    second: Count


class Drawn(RequestBody):
    """How the next piece is drawn: the sliders of the chat."""

    temperature: Annotated[float, Field(ge=0, le=5)] = _OWN.temperature
    top_k: Annotated[int, Field(ge=0)] = _OWN.top_k
    top_p: Annotated[float, Field(gt=0, le=1)] = _OWN.top_p
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None

    def settings(self, count: int = 1) -> SamplingSettings:
        """Without penalties and memory."""
        return SamplingSettings(
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            seed=self.seed,
            max_tokens=count,
            repetition_penalty=1.0,
            memory=0.0,
        )


class NextRequest(PositionRequest, Drawn):
    """The next piece after a position."""


class ContinueRequest(InsideRequest, Drawn):
    """A text to continue."""

    pieces: Annotated[int, Field(ge=1, le=MAX_CONTINUED)] = 40
