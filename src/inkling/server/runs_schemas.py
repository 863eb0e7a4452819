"""What the runs API takes and answers.

A loss is nats a token; what a page compares is per character. Numbers that are not finite are
null: JSON has no other word for them.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inkling.config import Phase, Recipe
from inkling.server.schemas import BadRequestError, sentence_of
from inkling.training.planner import DEFAULT_MINUTES

MAX_MINUTES = 1_000_000
MAX_STEPS = 10_000_000

RunState = Literal["training", "done", "stopped", "failed"]
TrainingState = Literal["idle", "preparing", "training", "stopping", "finishing"]


class TrainingRequest(BaseModel):
    """Body of `POST /api/runs`. Unknown fields are refused: a misspelt one would be ignored."""

    model_config = ConfigDict(allow_inf_nan=False, extra="forbid")

    minutes: Annotated[float | None, Field(gt=0, lt=MAX_MINUTES)] = None
    steps: Annotated[int | None, Field(ge=1, le=MAX_STEPS)] = None
    recipe: Recipe = "modern"
    finetune: bool = True


class ProgressNow(BaseModel):
    """How far the training is."""

    run: str
    phase: Phase | None
    step: int
    steps: int
    loss: float | None
    lr: float | None
    characters_per_second: float | None
    seconds_left: float | None
    elapsed_min: float
    updated: float


class TrainingNow(BaseModel):
    """What is being trained in this workspace, whoever began it."""

    state: TrainingState
    run: str | None
    error: str | None
    progress: ProgressNow | None
    watchers: int
    """Open event streams."""


class Best(BaseModel):
    """The checkpoint that speaks for a phase."""

    step: int
    val_nats_per_char: float


class RunRow(BaseModel):
    """One run."""

    name: str
    recipe: Recipe
    created: str
    state: RunState
    complete: bool
    sentence: str | None
    """Why it failed and what to do."""
    phases: list[Phase]
    step: int
    best: dict[Phase, Best]
    parameters: int | None
    minutes: float | None
    group: str | None
    parent: str | None
    ln_v: float
    """Nats a token of guessing among all tokens alike."""
    characters_per_token: float
    stale: str | None
    """Said where text that it was trained on has since been forgotten."""


class RunList(BaseModel):
    """Body of `GET /api/runs`, newest run first."""

    name: str
    """The workspace's."""
    runs: list[RunRow]
    training: TrainingNow
    default_minutes: float = DEFAULT_MINUTES


class Started(BaseModel):
    """Answer to a start or a resume."""

    run: str


class Evaluations(BaseModel):
    """Columns of equal length, a row an evaluation."""

    step: list[int]
    phase: list[Phase]
    train_loss: list[float | None]
    val_loss: list[float | None]
    val_nats_per_char: list[float | None]
    val_bits_per_char: list[float | None]
    perplexity: list[float | None]
    lr: list[float | None]
    elapsed_min: list[float | None]


class Live(BaseModel):
    """Columns of the training loss between evaluations."""

    step: list[int]
    phase: list[Phase]
    loss: list[float | None]
    elapsed_min: list[float | None]


class Sample(BaseModel):
    """What the model wrote at a checkpoint, always for the same prompts and seed."""

    step: int
    phase: Phase
    prompt: str
    text: str
    asked: bool
    """The prompt is a question that was answered, not an opening that was gone on from."""


class Metrics(BaseModel):
    """Body of `GET /api/runs/{name}/metrics`: everything from step `since` on."""

    run: str
    since: int
    evaluations: Evaluations
    live: Live
    samples: list[Sample]


def parse_training(body: bytes) -> TrainingRequest:
    """A validated request; an empty body asks for the defaults. Raises BadRequestError."""
    try:
        data: Any = json.loads(body) if body.strip() else {}
        request = TrainingRequest.model_validate(data)
    except ValidationError as error:
        raise BadRequestError(sentence_of(error)) from None
    except (ValueError, RecursionError):
        raise BadRequestError(
            'The body is not JSON. Send an object such as {"minutes": 3}.'
        ) from None
    if request.minutes is not None and request.steps is not None:
        raise BadRequestError("Give minutes or steps, not both.")
    return request


def parse_since(text: str | None) -> int:
    """The step to begin at, 0 where none is named. Raises BadRequestError."""
    if text is None or not text.strip():
        return 0
    if not text.strip().isdecimal() or len(text) > 15:
        raise BadRequestError(f"since: {text[:40]!r} is not a step. Give a whole number.")
    return int(text)
