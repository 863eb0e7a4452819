"""What the runs API takes and answers.

A loss is nats a token; what a page compares is per character. Numbers that are not finite are
null: JSON has no other word for them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from inkling.config import Phase, Recipe, Selection
from inkling.run_notes import MAX_TITLE
from inkling.server.bodies import SENTENCE, RequestBody, ResponseBody

MAX_MINUTES = 1_000_000
MAX_STEPS = 10_000_000

RunState = Literal["training", "done", "stopped", "failed"]
ProcessState = Literal["idle", "preparing", "training", "stopping", "finishing"]


class TrainingRequest(RequestBody):
    """Body of `POST /api/runs`. Unknown fields are refused: a misspelt one would be ignored."""

    model_config = ConfigDict(extra="forbid")

    minutes: Annotated[float | None, Field(gt=0, lt=MAX_MINUTES)] = None
    steps: Annotated[int | None, Field(ge=1, le=MAX_STEPS)] = None
    recipe: Recipe = "modern"
    finetune: bool = True
    selection: Selection | None = None
    """Which of the text is learned; what it leaves out is as inkling.toml says."""

    @model_validator(mode="after")
    def _one_decides_the_other(self) -> TrainingRequest:
        if self.minutes is not None and self.steps is not None:
            raise PydanticCustomError(SENTENCE, "Give minutes or steps, not both.")
        return self


class RunTitleRequest(RequestBody):
    """Body of `PATCH /api/runs/NAME`: what the run is called; empty takes the name away."""

    title: Annotated[str, Field(max_length=MAX_TITLE)]


class ProgressNow(ResponseBody):
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


class TrainingNow(ResponseBody):
    """What is being trained in this workspace, whoever began it."""

    state: ProcessState
    run: str | None
    error: str | None
    progress: ProgressNow | None
    watchers: int
    """Open event streams."""


class Best(ResponseBody):
    """The checkpoint that is used of a phase."""

    step: int
    val_nats_per_char: float


class RunRow(ResponseBody):
    """One run."""

    name: str
    recipe: Recipe
    created: str
    state: RunState
    complete: bool
    imported: bool
    """Brought in as a model, without its text and its losses."""
    sentence: str | None
    """Why it failed and what to do."""
    phases: list[Phase]
    step: int
    best: dict[Phase, Best]
    title: str
    """What a person calls it; empty where nobody named it."""
    checkpoints: list[int]
    """Steps of those there are, ascending."""
    vocabulary: int
    parameters: int | None
    minutes: float | None
    group: str | None
    parent: str | None
    ln_v: float
    """Nats a token of guessing among all tokens alike."""
    characters_per_token: float
    stale: str | None
    """A sentence where text that it was trained on has since been forgotten."""


class DamagedRun(ResponseBody):
    """A run whose files cannot be read."""

    name: str
    sentence: str
    """What is wrong, and what to do."""


class RunList(ResponseBody):
    """Body of `GET /api/runs`, newest run first."""

    name: str
    """The workspace's."""
    runs: list[RunRow]
    damaged: list[DamagedRun]
    """Runs that are there and cannot be read, newest first."""
    training: TrainingNow
    served_run: str | None
    """What replies where no run is chosen, if the server was started with one."""
    default_minutes: float
    """Of a training that is begun without saying how long."""


class Started(ResponseBody):
    """Which run was begun, stopped or resumed."""

    run: str


class StateNow(ResponseBody):
    """What became of the run: the event `state`."""

    state: RunState
    sentence: str | None
    training: ProcessState
    best: dict[Phase, Best]


class Rewind(ResponseBody):
    """A resume took back the rows of this kind behind `step`: the event `rewind`."""

    kind: Literal["live", "metrics", "sample"]
    step: int


class Evaluations(ResponseBody):
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


class Live(ResponseBody):
    """Columns of the training loss between evaluations."""

    step: list[int]
    phase: list[Phase]
    loss: list[float | None]
    elapsed_min: list[float | None]


class Sample(ResponseBody):
    """What the model generated at a checkpoint, always for the same prompts and seed."""

    step: int
    phase: Phase
    prompt: str
    text: str
    asked: bool
    """The prompt is a question that was answered, not an opening that was continued."""


class Evaluation(ResponseBody):
    """A row of the evaluations: the event `metrics`."""

    step: int
    phase: Phase
    train_loss: float | None
    val_loss: float | None
    val_nats_per_char: float | None
    val_bits_per_char: float | None
    perplexity: float | None
    lr: float | None
    elapsed_min: float | None


class LivePoint(ResponseBody):
    """A row of the training loss: the event `live`."""

    step: int
    phase: Phase
    loss: float | None
    elapsed_min: float | None


class EventData(ResponseBody):
    """What the events of a run hold, by their names."""

    metrics: Evaluation
    live: LivePoint
    sample: Sample
    rewind: Rewind
    progress: ProgressNow
    state: StateNow


class Metrics(ResponseBody):
    """Body of `GET /api/runs/{name}/metrics`: everything from step `since` on."""

    run: str
    since: int
    evaluations: Evaluations
    live: Live
    samples: list[Sample]
