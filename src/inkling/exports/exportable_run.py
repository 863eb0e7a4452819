"""A run that may leave the workspace: everything of it that another engine needs, checked.

Knows: what must be true before anything is written. Does not know: any engine's format.
Data: `Run` -> `load_exportable` -> weights (fp32 arrays), tokenizer, settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inkling.config import LadderSettings, ModelSettings, Phase, RunConfig, SamplingSettings
from inkling.errors import ExportError
from inkling.run_notes import STALE
from inkling.runs import Run
from inkling.tokens.tokenizer import Tokenizer

Weights = Mapping[str, np.ndarray]
"""fp32 arrays by name."""
_HEAD = "head.weight"


@dataclass(frozen=True)
class ExportableRun:
    """What speaks in a run, and what is known about it."""

    name: str
    """Whose voice it is."""
    config: RunConfig
    settings: ModelSettings
    tokenizer: Tokenizer
    weights: Weights
    """The names and shapes of `inkling.model.gpt.GPT`."""
    step: int
    tuned: bool
    """Whether it was fine-tuned on dialogs, so that it knows turns."""
    losses: Mapping[Phase, float]
    """Held-out nats a character of the best checkpoint of each phase, where measured."""
    sampling: SamplingSettings
    """How the workspace draws a reply."""

    @property
    def silent_ids(self) -> list[int]:
        """Ids that were never seen in training, ascending: Inkling never writes them."""
        from inkling.inference.chat import allowed_mask

        return np.flatnonzero(~allowed_mask(self.config)).tolist()


def load_exportable(run: Run, name: str, sampling: SamplingSettings) -> ExportableRun:
    """The run's best checkpoint, ready to be written in another form.

    Raises ExportError where its text has been forgotten, its maths has no place in other engines,
    or its parts do not fit each other; RunError where it has no checkpoint; CheckpointError and
    TokenizerError where one is damaged.
    """
    config = run.config()
    settings = _qwen3_shaped(config)
    if run.stale():
        raise ExportError(f"The run {run.name!r} is not exported: it was {STALE}")
    step = run.best_step()
    tokenizer = Tokenizer.load(run.tokenizer_path)
    if tokenizer.vocab_size != settings.vocab_size:
        raise ExportError(
            f"The tokenizer of {run.path} has {tokenizer.vocab_size:,} tokens and its model "
            f"{settings.vocab_size:,}: they are not of one run. Train a new one: inkling train."
        )
    checkpoint = run.checkpoints.load(step)
    weights = {key: value.float().numpy() for key, value in checkpoint.model.items()}
    if settings.tie_embeddings:
        weights.setdefault(_HEAD, weights.get("embedding.weight", np.zeros(0)))
    try:
        check_shapes(weights, settings)
    except ExportError as error:
        raise ExportError(f"{checkpoint.path}: {error} Train a new run: inkling train.") from None
    best = run.checkpoints.best()
    return ExportableRun(
        name=name,
        config=config,
        settings=settings,
        tokenizer=tokenizer,
        weights=weights,
        step=step,
        tuned=checkpoint.state.get("phase") == "finetune",
        losses={
            phase: entry["val_nats_per_char"]
            for phase, entry in best.items()
            if entry.get("val_nats_per_char") is not None
        },
        sampling=sampling,
    )


def check_shapes(weights: Weights, settings: ModelSettings) -> None:
    """Raises ExportError where an array is missing, too much, of another shape or not finite."""
    import torch

    from inkling.model.gpt import GPT

    with torch.device("meta"):
        wanted = {key: tuple(value.shape) for key, value in GPT(settings).state_dict().items()}
    found = {key: value.shape for key, value in weights.items()}
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            raise ExportError(
                f"the weights do not fit the settings: {key} is {_shape(found.get(key))} where "
                f"{_shape(wanted.get(key))} belongs."
            )
        if not np.isfinite(weights[key]).all():
            raise ExportError(f"{key} holds numbers that are not finite.")


def _shape(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else " × ".join(map(str, shape))


def _qwen3_shaped(config: RunConfig) -> ModelSettings:
    if not isinstance(config.model, LadderSettings):
        return config.model
    rung = config.model.rung
    why = {
        "bigram": "it is a table of pairs, which no other engine knows",
        "classic": "its head adds a number to each token's logit, for which GPT-2, the nearest "
        "shape there, has no place",
        "blocks": "its head adds a number to each token's logit, for which GPT-2, the nearest "
        "shape there, has no place",
    }.get(rung, "it is a step of the lesson, a shape that no other engine knows")
    raise ExportError(
        f"The run {config.name!r} ({config.recipe}) cannot be exported exactly: {why}. Train one "
        "that can: inkling train (the recipe modern)."
    )
