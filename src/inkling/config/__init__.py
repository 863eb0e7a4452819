"""Every setting of Inkling: frozen, validated, described once.

Knows: names, defaults, limits and help texts of settings, and the recipes. Does not know
torch, files' places, or how anything is computed.
Data: TOML / command line -> settings -> `RunConfig` -> the run's config.json.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from inkling.config.base import PositiveShare, Settings
from inkling.config.selection import Selection
from inkling.config.training import (
    BatchSettings,
    DataSettings,
    EvaluationSettings,
    OptimizerSettings,
    ScheduleSettings,
    TrainingSettings,
)

Recipe = Literal[
    "modern", "classic-fast", "classic-full",
    "bigram", "head", "multihead", "feedforward", "blocks", "classic",
]  # fmt: skip
Phase = Literal["train", "finetune"]
Rung = Literal["bigram", "head", "multihead", "feedforward", "blocks", "classic"]

DEFAULT_SEED = 1337

__all__ = [
    "DEFAULT_SEED", "REPLY", "TEXT", "BatchSettings", "DataFacts", "DataSettings",
    "EvaluationSettings", "LadderSettings", "ModelSettings", "OptimizerSettings", "Phase",
    "Recipe", "Replan", "RunConfig", "Rung", "SamplingSettings", "ScheduleSettings", "Selection",
    "Settings", "TrainRequest", "TrainingPlan", "TrainingSettings",
]  # fmt: skip


_Layers = Annotated[int, Field(ge=1, le=256, description="Blocks, one after the other.")]
_Heads = Annotated[int, Field(ge=1, le=256, description="Attention heads in a block.")]
_Width = Annotated[int, Field(ge=8, le=16_384, description="Width: channels of a position.")]
_ContextLength = Annotated[
    int, Field(ge=8, le=65_536, description="Tokens that the model sees at once.")
]
_VocabularySize = Annotated[
    int, Field(ge=1, le=2**24, description="Tokens; the tokenizer decides.")
]


class ModelSettings(Settings):
    """The shape of a `modern` model (Qwen3 in miniature)."""

    n_layer: _Layers = 4
    n_head: _Heads = 2
    n_embd: _Width = 128
    head_dim: Annotated[
        int, Field(ge=2, le=1_024, multiple_of=2, description="Channels of a head.")
    ] = 64
    n_hidden: Annotated[int, Field(ge=8, le=65_536, description="Hidden channels of the MLP.")] = (
        320
    )
    context_length: _ContextLength = 256
    vocab_size: _VocabularySize = 1
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

    def parameter_count(self) -> int:
        """Weights of a model of this shape."""
        C, F, V, D = self.n_embd, self.n_hidden, self.vocab_size, self.head_dim
        block = 4 * C * self.n_head * D + 3 * C * F + 2 * C + 2 * D
        return self.n_layer * block + (1 if self.tie_embeddings else 2) * V * C + C


class LadderSettings(Settings):
    """The shape of a rung of the ladder; what a rung does not have it does not read."""

    rung: Annotated[Rung, Field(description="Which model of the lesson.")] = "classic"
    n_layer: _Layers = 4
    n_head: _Heads = 4
    n_embd: _Width = 256
    context_length: _ContextLength = 256
    vocab_size: _VocabularySize = 1
    dropout: Annotated[float, Field(ge=0, lt=1, description="Share dropped while training.")] = 0.0

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> LadderSettings:
        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd {self.n_embd} is not a multiple of n_head {self.n_head}")
        return self


MEMORY = 0.6
"""λ where nothing else is said, for every way to ask for a reply (docs/decisions.md)."""


class SamplingSettings(Settings):
    """How the next token is drawn. Applied in this order: repetition, presence and frequency
    penalty, temperature, top-k, top-p, min-p, softmax, one draw."""

    temperature: Annotated[
        float,
        Field(
            ge=0, le=5, description="Low: predictable; high: varied; 0: always the likeliest token."
        ),
    ] = 0.5
    top_k: Annotated[
        int, Field(ge=0, description="Draw from the k likeliest tokens only; 0 is off.")
    ] = 25
    top_p: Annotated[
        PositiveShare,
        Field(
            gt=0, le=1, description="Draw from the likeliest tokens that add up to this; 1 is off."
        ),
    ] = 1.0
    min_p: Annotated[
        float,
        Field(
            ge=0, le=1, description="Leave out tokens below this share of the likeliest; 0 is off."
        ),
    ] = 0.0
    repetition_penalty: Annotated[
        float, Field(ge=1, le=3, description="Above 1, tokens already used become less likely.")
    ] = 1.1
    presence_penalty: Annotated[
        float,
        Field(ge=-2, le=2, description="Subtracted from the logit of each token already used."),
    ] = 0.0
    frequency_penalty: Annotated[
        float,
        Field(
            ge=-2, le=2, description="Subtracted from a token's logit for each time it was used."
        ),
    ] = 0.0
    max_tokens: Annotated[
        int, Field(ge=1, le=100_000, description="The most tokens to generate.")
    ] = 180
    memory: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="How much a reply leans on what was said before; 0 is the bare model.",
        ),
    ] = MEMORY
    best_of: Annotated[
        int,
        Field(ge=1, le=32, description="Drafts to write; the one the model is surest of is used."),
    ] = 1
    seed: Annotated[
        int | None,
        Field(ge=0, lt=2**63, description="Same seed, same text; by default a new one each time."),
    ] = None
    stop: Annotated[
        tuple[str, ...], Field(description="End the reply before this text; may be repeated.")
    ] = ()


TEXT = SamplingSettings()
"""How a text is drawn unless told otherwise: in one draft, to be read while it is written."""
REPLY = SamplingSettings(best_of=32)
"""How a reply to a person is drawn. It is short, and better for being thought over."""


class TrainingPlan(Settings):
    """Model and phases of a run to be."""

    model: ModelSettings | LadderSettings
    train: TrainingSettings
    finetune: TrainingSettings | None

    @model_validator(mode="after")
    def _rows_fit_the_context(self) -> TrainingPlan:
        for phase in (self.train, self.finetune):
            if phase is not None and phase.batch.sequence_length > self.model.context_length:
                raise ValueError(
                    f"sequence_length {phase.batch.sequence_length} is longer than the model's "
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
    selection: Selection | None = None
    """Which of the text is learned; None where nobody said it."""
    overrides: tuple[tuple[str, str], ...] = ()
    """Settings to replace after the rest was derived, as (name, value)."""


class Replan(Settings):
    """A recorded change of the number of steps, so that a resume replays it.

    From `step` on, the rest of the phase is planned to end at `steps`, with an evaluation every
    `eval_every` steps where that changes too.
    """

    phase: Phase
    step: int
    steps: int
    eval_every: int | None = None


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
    prose: bool = True
    """Whether it is sentences, so that a loss can be put into words."""
    corpus_hash: str = ""
    masked: dict[str, int] = Field(default_factory=dict)
    """How many places of the text were masked, by kind."""
    masked_hash: str = ""
    """Over all that was masked; empty where that was nothing."""
    character_limit: int = 0
    """Characters of the corpus that were to be read, about; 0: all of it was."""
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
    selection: Selection = Selection()
    """Which of the workspace's text it learned."""
    starters: tuple[str, ...] = ()
    """Questions from the training dialogs that the page offers to begin with."""
    replans: tuple[Replan, ...] = ()
    imported: bool = False
    """Whether its weights came from an exported folder: the text that they learned is not here."""
    complete: bool = False
    """True once every phase has ended, by its last step or by early stop."""
