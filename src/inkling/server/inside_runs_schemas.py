"""Which runs and ladders there are to look into, and the request that climbs another ladder."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inkling.config import Phase, Recipe
from inkling.server.bodies import RequestBody, ResponseBody


class CheckpointRow(ResponseBody):
    """A saved checkpoint."""

    step: int
    phase: Phase | None


class InsideRun(ResponseBody):
    """A run that can be looked into."""

    name: str
    recipe: Recipe
    group: str | None
    checkpoints: list[CheckpointRow]
    best: int | None
    answers: bool
    """Whether it was fine-tuned on dialogs."""
    n_layer: int
    n_head: int
    head_dim: int
    n_embd: int
    context: int
    vocabulary: int
    live: int
    merges: int


class InsideRuns(ResponseBody):
    """Body of `GET /api/inside/runs`, newest first; only runs with a checkpoint."""

    runs: list[InsideRun]
    newest: str | None
    """The one that is meant where none is named."""


class RungRow(ResponseBody):
    """A rung of a ladder; losses are nats a character, one a seed."""

    rung: str
    runs: list[str]
    parameters: int
    nats: list[float]
    sample: str


class LadderRow(ResponseBody):
    """A ladder that was climbed to the end."""

    group: str
    rungs: list[RungRow]
    baselines: dict[str, float]
    surprises: list[str] = Field(default_factory=list)
    """A sentence for each rung that is no better than the one below it."""


class Ladders(ResponseBody):
    """Body of `GET /api/inside/ladders`, the newest first."""

    ladders: list[LadderRow]


class ClimbRequest(RequestBody):
    """Body of `POST /api/inside/ladders`."""

    minutes: Annotated[float, Field(ge=0.35, lt=1_000_000)] = 7.0


class Climbed(ResponseBody):
    """The ladder that was begun."""

    group: str
