"""Every setting of Inkling: frozen, validated, described once.

Knows: names, defaults, limits and help texts of settings, and the recipes. Does not know
torch, files' places, or how anything is computed.
Data: TOML / command line -> settings -> `RunConfig` -> the run's config.json.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Recipe = Literal[
    "modern", "classic-fast", "classic-full",
    "bigram", "head", "multihead", "feedforward", "blocks", "classic",
]  # fmt: skip
Phase = Literal["train", "finetune"]
Rung = Literal["bigram", "head", "multihead", "feedforward", "blocks", "classic"]

DEFAULT_SEED = 1337


class Settings(BaseModel):
    """Base of all settings: immutable, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSettings(Settings):
    """The shape of a `modern` model (Qwen3 in miniature)."""

    n_layer: Annotated[int, Field(ge=1, le=256, description="Blocks, one after the other.")] = 4
    n_head: Annotated[int, Field(ge=1, le=256, description="Attention heads in a block.")] = 2
    n_embd: Annotated[int, Field(ge=8, le=16_384, description="Width: channels of a position.")] = (
        128
    )
    head_dim: Annotated[int, Field(ge=2, multiple_of=2, description="Channels of a head.")] = 64
    n_hidden: Annotated[int, Field(ge=8, le=65_536, description="Hidden channels of the MLP.")] = (
        320
    )
    context_length: Annotated[
        int, Field(ge=8, description="Tokens that the model sees at once.")
    ] = 256
    vocab_size: Annotated[int, Field(ge=1, description="Tokens; the tokenizer decides.")] = 1
    rope_theta: Annotated[float, Field(gt=0, description="Base of the rotary angles.")] = 10_000.0
    norm_eps: Annotated[float, Field(gt=0, description="Added inside RMSNorm's root.")] = 1e-6
    tie_embeddings: Annotated[
        bool, Field(description="Use one matrix for reading and predicting tokens.")
    ] = False
    embedding_std: Annotated[
        float, Field(gt=0, description="Standard deviation of the initial embedding.")
    ] = 0.02
    dropout: Annotated[
        float, Field(ge=0, lt=1, description="Share of MLP channels dropped while training.")
    ] = 0.0


class LadderSettings(Settings):
    """The shape of a rung of the ladder; what a rung does not have it does not read."""

    rung: Annotated[Rung, Field(description="Which model of the lesson.")] = "classic"
    n_layer: Annotated[int, Field(ge=1, le=256, description="Blocks, one after the other.")] = 4
    n_head: Annotated[int, Field(ge=1, le=256, description="Attention heads in a block.")] = 4
    n_embd: Annotated[int, Field(ge=8, le=16_384, description="Width: channels of a position.")] = (
        256
    )
    context_length: Annotated[
        int, Field(ge=8, description="Tokens that the model sees at once.")
    ] = 256
    vocab_size: Annotated[int, Field(ge=1, description="Tokens; the tokenizer decides.")] = 1
    dropout: Annotated[float, Field(ge=0, lt=1, description="Share dropped while training.")] = 0.0

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> LadderSettings:
        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}")
        return self


class TrainingSettings(Settings):
    """One phase of training. The same loop runs both phases."""

    optimizer: Annotated[
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
    warmup_steps: Annotated[int, Field(ge=0, description="Steps of rising learning rate.")] = 10
    decay_ratio: Annotated[
        float, Field(gt=0, le=1, description="Last share of training in which the rate falls.")
    ] = 1.0
    min_lr_ratio: Annotated[
        float, Field(ge=0, le=1, description="Where the rate ends, as a share of its peak.")
    ] = 0.0
    total_batch_size: Annotated[int, Field(ge=1, description="Tokens of one step.")] = 1024
    device_batch_size: Annotated[
        int, Field(ge=1, description="Rows computed at once; halved when memory is short.")
    ] = 8
    sequence_length: Annotated[int, Field(ge=8, description="Tokens of one row.")] = 128
    inherit_optimizer: Annotated[
        bool, Field(description="Begin fine-tuning with the base phase's optimizer state.")
    ] = False
    steps: Annotated[int, Field(ge=0, description="Steps of this phase.")] = 0
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
    keep: Annotated[
        Literal["best", "last"],
        Field(description="Which checkpoint speaks: the lowest held-out loss, or the last."),
    ] = "best"
    replay_ratio: Annotated[
        float, Field(ge=0, lt=1, description="Share of fine-tuning rows drawn from base text.")
    ] = 0.0


class SamplingSettings(Settings):
    """How the next token is drawn. Applied in this order: repetition, presence and frequency
    penalty, temperature, top-k, top-p, min-p, softmax, one draw."""

    temperature: Annotated[
        float,
        Field(ge=0, le=5, description="Below 1 safer, above 1 wilder; 0 takes the likeliest."),
    ] = 0.5
    top_k: Annotated[
        int, Field(ge=0, description="Draw only among the k likeliest tokens; 0 is off.")
    ] = 25
    top_p: Annotated[
        float, Field(gt=0, le=1, description="Keep the likeliest tokens up to this mass; 1 is off.")
    ] = 1.0
    min_p: Annotated[
        float,
        Field(ge=0, le=1, description="Drop tokens below this share of the likeliest; 0 is off."),
    ] = 0.0
    repetition_penalty: Annotated[
        float, Field(ge=1, le=3, description="Above 1, tokens already written become less likely.")
    ] = 1.1
    presence_penalty: Annotated[
        float, Field(ge=-2, le=2, description="Taken off the logit of every token written so far.")
    ] = 0.0
    frequency_penalty: Annotated[
        float, Field(ge=-2, le=2, description="Taken off a token's logit each time it was written.")
    ] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=100_000, description="Tokens to write at most.")] = (
        180
    )
    best_of: Annotated[
        int, Field(ge=1, le=32, description="Write this many and say the one it is surest of.")
    ] = 1
    seed: Annotated[
        int | None, Field(ge=0, lt=2**63, description="Same seed, same text. None draws a new one.")
    ] = None
    stop: Annotated[
        tuple[str, ...], Field(description="Texts that end the reply where they appear.")
    ] = ()


TEXT = SamplingSettings()
"""How a text is drawn unless told otherwise: in one draft, to be read while it is written."""
REPLY = SamplingSettings(best_of=16)
"""How a reply to a person is drawn. It is short, and better for being thought over."""


class Plan(Settings):
    """Model and phases of a run to be."""

    model: ModelSettings | LadderSettings
    train: TrainingSettings
    finetune: TrainingSettings | None

    @model_validator(mode="after")
    def _rows_fit_the_context(self) -> Plan:
        for phase in (self.train, self.finetune):
            if phase is not None and phase.sequence_length > self.model.context_length:
                raise ValueError(
                    f"sequence_length {phase.sequence_length} is longer than the model's "
                    f"context_length {self.model.context_length}"
                )
        return self


class TrainRequest(Settings):
    """What the person asked of a training; the rest is derived."""

    minutes: float | None = None
    steps: int | None = None
    seed: int = DEFAULT_SEED
    recipe: Recipe = "modern"
    name: str | None = None
    eval_every: int | None = None
    save_every: int | None = None
    finetune: bool = True
    figures: bool = True
    group: str | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    """Settings to replace after the rest was derived, as (name, value)."""


class Replan(Settings):
    """A recorded change of the number of steps, so that a resume replays it.

    From `step` on, the rest of the phase is planned to end at `steps`.
    """

    phase: Phase
    step: int
    steps: int


class DataFacts(Settings):
    """What the run was trained on, counted when its data was packed."""

    train_characters: int = 0
    val_characters: int = 0
    train_tokens: int = 0
    val_tokens: int = 0
    writing_tokens: int = 0
    """Of the training tokens, those before the dialogs."""
    dialog_tokens: int = 0
    held_out_dialog_tokens: int = 0
    dialogs: int = 0
    held_out_dialogs: int = 0
    reply_characters: int = 0
    leak: float = 0.0
    """Share of held-out characters in 50-character runs that stand in train."""
    findings: tuple[str, ...] = ()
    """What the split found out about the corpus, in plain sentences."""
    bzip2_nats: float = 1.65
    """Nats a character that bzip2 leaves of the training text: how predictable it is."""
    corpus_hash: str = ""
    live_ranges: tuple[tuple[int, int], ...] = ()
    """Half-open ranges of the ids seen in training; only these are ever sampled."""


class RunConfig(Settings):
    """Everything a run was made with; enough to make it again."""

    inkling_version: str
    torch_version: str
    name: str
    recipe: Recipe = "modern"
    seed: int = DEFAULT_SEED
    merges: int = 0
    minutes: float | None = None
    created: str = ""
    """When the run was begun, UTC, to the microsecond: orders the runs."""
    figures: bool = True
    """Whether figures are drawn at the end; their time belongs to the minutes."""
    parent: str | None = None
    group: str | None = None
    """The ladder that this run is a rung of."""
    model: ModelSettings | LadderSettings
    train: TrainingSettings
    finetune: TrainingSettings | None = None
    data: DataFacts = DataFacts()
    starters: tuple[str, ...] = ()
    """Questions from the training dialogs that the page offers to begin with."""
    replans: tuple[Replan, ...] = ()
    complete: bool = False
    """True once every phase has ended, by its last step or by early stop."""
