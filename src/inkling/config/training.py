"""The settings of one phase of training, in five groups.

Knows: names, defaults, limits and help texts, and both forms in which they are written. Does not
know what they do.
Data: nested in the code (`settings.batch.sequence_length`), flat in config.json and in
`--set train.sequence_length=64`: a setting's name is its own in the whole phase, so the group
need not be typed. Either form is read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_serializer, model_validator

from inkling.config.base import Settings


class OptimizerSettings(Settings):
    """How weights change after a batch."""

    algorithm: Annotated[
        Literal["muon", "adamw"],
        Field(description="Muon for matrices in blocks and AdamW for the rest, or AdamW for all."),
    ] = "muon"
    learning_rate: Annotated[
        float, Field(gt=0, description="AdamW's rate (embedding, head, norms).")
    ] = 0.006
    matrix_lr: Annotated[float, Field(gt=0, description="Muon's rate (matrices in blocks).")] = 0.02
    weight_decay: Annotated[
        float, Field(ge=0, description="Share of a matrix forgotten a step, times its rate.")
    ] = 0.0
    momentum: Annotated[float, Field(ge=0, lt=1, description="Muon's momentum.")] = 0.95
    beta1: Annotated[float, Field(ge=0, lt=1, description="AdamW's first-moment decay.")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="AdamW's second-moment decay.")] = 0.95
    adam_eps: Annotated[float, Field(gt=0, description="Added to AdamW's divisor.")] = 1e-10
    muon_iterations: Annotated[
        int, Field(ge=1, le=5, description="Polynomial steps of Muon's orthogonalisation.")
    ] = 3
    inherit_optimizer: Annotated[
        bool, Field(description="Begin fine-tuning with the base phase's optimizer state.")
    ] = False


class ScheduleSettings(Settings):
    """How long a phase is, and how the learning rate goes over it."""

    steps: Annotated[int, Field(ge=0, description="Steps of this phase.")] = 0
    bigram_iterations: Annotated[
        int,
        Field(ge=0, description="Iterations on the table of token pairs before the first step."),
    ] = 0
    warmup_steps: Annotated[int, Field(ge=0, description="Steps of rising learning rate.")] = 10
    decay_ratio: Annotated[
        float, Field(gt=0, le=1, description="Last share of training in which the rate falls.")
    ] = 1.0
    min_lr_ratio: Annotated[
        float, Field(ge=0, le=1, description="Where the rate ends, as a share of its peak.")
    ] = 0.0


class BatchSettings(Settings):
    """How much a step reads, and in which pieces."""

    total_batch_size: Annotated[int, Field(ge=1, description="Tokens of one step.")] = 1024
    device_batch_size: Annotated[
        int, Field(ge=1, description="Rows computed at once; halved when memory is short.")
    ] = 8
    sequence_length: Annotated[int, Field(ge=8, description="Tokens of one row.")] = 128
    divide_weights: Annotated[
        bool,
        Field(description="Of several processes each holds a part of the weights, not all."),
    ] = False


class DataSettings(Settings):
    """What the rows are made of."""

    dialog_ratio: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Share of base rows that are dialogs; 0 leaves them among the writing.",
        ),
    ] = 0.0
    question_dropout: Annotated[
        float,
        Field(ge=0, le=0.4, description="Share of the words of others left out at random."),
    ] = 0.0
    question_noise: Annotated[
        float,
        Field(ge=0, le=1, description="Share of dialogs that get words of another question."),
    ] = 0.0
    replay_ratio: Annotated[
        float, Field(ge=0, lt=1, description="Share of fine-tuning rows drawn from base text.")
    ] = 0.0


class EvaluationSettings(Settings):
    """When the held-out loss is measured, on how much text, and what is kept of the weights."""

    eval_every: Annotated[int, Field(ge=1, description="Steps between two evaluations.")] = 200
    eval_tokens: Annotated[
        int,
        Field(ge=0, description="Held-out tokens an evaluation reads, evenly spread; 0: all."),
    ] = 0
    final_tokens: Annotated[
        int,
        Field(ge=0, description="Held-out tokens the last number is measured on; 0: all."),
    ] = 0
    save_every: Annotated[int, Field(ge=1, description="Steps between two checkpoints.")] = 200
    patience: Annotated[
        int, Field(ge=0, description="Evaluations without a new best before stopping; 0 is off.")
    ] = 0
    keep: Annotated[
        Literal["best", "last"],
        Field(description="Which checkpoint speaks: the lowest held-out loss, or the last."),
    ] = "best"


_GROUPS: dict[str, type[Settings]] = {
    "optimizer": OptimizerSettings,
    "schedule": ScheduleSettings,
    "batch": BatchSettings,
    "data": DataSettings,
    "evaluation": EvaluationSettings,
}

FLAT_NAMES: dict[str, tuple[str, str]] = {
    "optimizer" if name == "algorithm" else name: (group, name)
    for group, settings in _GROUPS.items()
    for name in settings.model_fields
}
"""Flat name -> (group, name in it). The optimizer's algorithm is called `optimizer` there."""


class TrainingSettings(Settings):
    """One phase of training. The same loop runs both phases.

    Validates flat values, nested ones and mixtures; dumps flat ones, as config.json always had
    them.
    """

    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    batch: BatchSettings = BatchSettings()
    data: DataSettings = DataSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="before")
    @classmethod
    def _nested(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        nested: dict[str, Any] = {}
        for name, value in values.items():
            if name in _GROUPS and isinstance(value, dict | Settings):
                nested[name] = {**nested.get(name, {}), **dict(value)}
            elif name in FLAT_NAMES:
                group, inner = FLAT_NAMES[name]
                nested[group] = {**nested.get(group, {}), inner: value}
            else:
                nested[name] = value
        return nested

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        return {
            flat: getattr(getattr(self, group), name) for flat, (group, name) in FLAT_NAMES.items()
        }

    def replace(self, **values: Any) -> Self:
        """These settings with some replaced, by their flat names. Raises ValidationError."""
        return self.model_validate({**self.model_dump(), **values})
