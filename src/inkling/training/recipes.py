"""Recipes other than `modern`: complete, fixed sets of settings.

Knows: the numbers of the classic recipes and of the ladder's rungs. Does not know: machines,
minutes. Data: recipe name + vocabulary -> `TrainingPlan` with its steps.

`classic-fast` and `classic-full` are the settings of the system that Inkling grew from:
AdamW at 3e-4 (betas 0.9 and 0.999, weight decay 0.01 on every weight) falling to zero, no
warm-up, no clipping, dropout 0.1 everywhere, characters as tokens; then a second phase at
8e-5 falling to a tenth, which takes the optimizer's state over.
"""

from __future__ import annotations

from typing import get_args

from inkling.config import (
    BatchSettings,
    EvaluationSettings,
    LadderSettings,
    OptimizerSettings,
    Recipe,
    Rung,
    ScheduleSettings,
    TrainingPlan,
    TrainingSettings,
)

RUNGS: tuple[Rung, ...] = get_args(Rung)
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
LADDER: tuple[Recipe, ...] = (*RUNGS, "modern")
"""What `inkling ladder` climbs, in order."""

CLASSIC_FINETUNE_SHARE = 0.25
"""8,000 of 33,000 steps, 2,000 of 8,000."""

_CLASSIC_LEARNING_RATE, _CLASSIC_FINETUNE_RATE = 3e-4, 8e-5


def is_rung(recipe: Recipe) -> bool:
    """Whether a recipe is a rung of the ladder: a lesson, not something to chat with."""
    return recipe in RUNGS


def uses_characters(recipe: Recipe) -> bool:
    """Whether a recipe's tokens are single characters."""
    return recipe in ("classic-fast", "classic-full")


def fixed_plan(recipe: Recipe, vocab_size: int, dialogs: bool) -> TrainingPlan:
    """The plan of any recipe but `modern`, with the steps it was made for."""
    if recipe == "classic-fast":
        return _classic(vocab_size, dialogs, 4, 4, 256, 256, 8, 6_000, 2_000)
    if recipe == "classic-full":
        return _classic(vocab_size, dialogs, 6, 6, 384, 384, 12, 25_000, 8_000)
    assert recipe in RUNGS
    return _rung(recipe, vocab_size)


def _classic(
    vocab_size: int, dialogs: bool, n_layer: int, n_head: int, n_embd: int,
    context_length: int, rows: int, steps: int, finetune_steps: int,
) -> TrainingPlan:  # fmt: skip
    model = LadderSettings(
        rung="classic",
        n_layer=n_layer,
        n_head=n_head,
        n_embd=n_embd,
        context_length=context_length,
        vocab_size=vocab_size,
        dropout=0.1,
    )
    train = TrainingSettings(
        optimizer=OptimizerSettings(
            algorithm="adamw",
            learning_rate=_CLASSIC_LEARNING_RATE,
            weight_decay=0.01,
            beta1=0.9,
            beta2=0.999,
            adam_eps=1e-8,
        ),
        schedule=ScheduleSettings(steps=steps, warmup_steps=0, decay_ratio=1.0, min_lr_ratio=0.0),
        batch=BatchSettings(
            total_batch_size=rows * context_length,
            device_batch_size=rows,
            sequence_length=context_length,
        ),
        evaluation=EvaluationSettings(eval_every=500, save_every=500),
    )
    finetune = train.replace(
        learning_rate=_CLASSIC_FINETUNE_RATE,
        min_lr_ratio=0.1,
        steps=finetune_steps,
        inherit_optimizer=True,
    )
    return TrainingPlan(model=model, train=train, finetune=finetune if dialogs else None)


def _rung(rung: Rung, vocab_size: int) -> TrainingPlan:
    model = LadderSettings(
        rung=rung, n_layer=3, n_head=4, n_embd=128, context_length=128, vocab_size=vocab_size
    )
    train = TrainingSettings(
        optimizer=OptimizerSettings(
            algorithm="adamw",
            # A table has no depth to upset: it takes a rate that would wreck a deeper model.
            learning_rate=0.03 if rung == "bigram" else 0.002,
            weight_decay=0.01,
            beta1=0.9,
            beta2=0.99,
            adam_eps=1e-8,
        ),
        schedule=ScheduleSettings(steps=1_000, warmup_steps=20),
        batch=BatchSettings(total_batch_size=1024, device_batch_size=8, sequence_length=128),
    )
    return TrainingPlan(model=model, train=train, finetune=None)
