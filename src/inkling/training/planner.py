"""From a time or a number of steps to sizes: the model and the rates that pay.

Knows: which size of model pays in how much time (measured, docs/benchmarks.md), how fast this
machine is, what loss to expect. Does not know: how time is shared out, the clock, files.
Data: seconds and speed, or steps -> `TrainingPlan` without steps.

One dial: the time. Everything else is derived from it and from the amount of text, and the
caller prints what was derived.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from inkling.config import (
    BatchSettings,
    ModelSettings,
    OptimizerSettings,
    ScheduleSettings,
    TrainingPlan,
    TrainingSettings,
)
from inkling.runtime import Runtime

REFERENCE_GFLOPS = 110.0
"""Matrix-product speed of the machine that the table below was measured on."""

FINETUNE_SHARE = 0.5
"""Share of the steps that the second phase gets at least, where there are dialogs and passes
over them still pay."""

QUESTION_DROPOUT, QUESTION_NOISE = 0.15, 0.5
"""How much questions are reworded (tokens.rewording)."""

DEFAULT_MINUTES = 3.0

BIGRAM_ITERATIONS, BIGRAM_SHARE = 15, 0.1
"""Iterations on the table of pairs before the first step (training.bigram_start), and the share of
a training's arithmetic that they may take. With fifteen the loss is lower at every moment; with
forty it is lower in the first minute's first half and higher at its end: the table is learned by
heart, rare pairs and all."""
_FEWEST_BIGRAM_ITERATIONS = 4


@dataclass(frozen=True)
class Size:
    """A model that pays from `seconds` of training on the reference machine, for a text of at
    least so many characters: of less, a larger model only learns more by heart."""

    seconds: float
    characters: int
    n_layer: int
    n_embd: int
    context_length: int
    batch: int
    matrix_lr: float
    learning_rate: float
    weight_decay: float
    momentum: float = 0.95


# Best held-out loss on a slice of the training part of tiny Shakespeare, see
# docs/benchmarks.md ("Which size for which time").
SIZES = (
    Size(0, 0, 1, 128, 64, 512, 0.04, 0.008, 0.0, 0.9),
    Size(12, 30_000, 2, 128, 64, 1024, 0.03, 0.01, 0.3, 0.9),
    Size(30, 60_000, 2, 128, 128, 1024, 0.02, 0.01, 0.5, 0.9),
    Size(75, 150_000, 3, 128, 256, 2048, 0.025, 0.01, 0.5, 0.9),
    Size(240, 400_000, 4, 192, 256, 2048, 0.02, 0.008, 0.5),
    Size(600, 800_000, 6, 256, 256, 4096, 0.02, 0.006, 0.5),
    Size(3600, 4_000_000, 6, 384, 256, 8192, 0.02, 0.004, 0.5),
)

HEAD_DIM = 64

REACHED_SHARE = 0.6
"""Of the speed of a plain matrix product, what a training reaches: 0.56 to 0.67 over the sizes
above, measured on one core."""

FEWEST_MERGES = 64
UNLEARNED_ENTRIES = 330
"""Of a vocabulary, beside the merges: bytes, special tokens and an alphabet, about."""


def merges_for(characters: int) -> int:
    """Learned merges that pay for a corpus: 1.3 times the root of its characters.

    1,000 to 1,500 were best at a million characters; fewer leave sequences long, more leave
    tokens too rare to learn.
    """
    return max(FEWEST_MERGES, min(8_192, round(1.3 * math.sqrt(characters))))


def measure_gflops(runtime: Runtime) -> float:
    """Matrix-product speed of this machine now, in GFLOP/s, in about 0.1 s."""
    import torch  # not above: the rest of the plan needs none, and torch takes a second

    n = 512
    a = torch.ones(n, n, device=runtime.device)
    best = math.inf
    for _ in range(12):
        begun = time.perf_counter()
        a @ a
        if runtime.device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begun)
    return 2 * n**3 / best / 1e9


def estimated_step_seconds(model: ModelSettings, train: TrainingSettings, gflops: float) -> float:
    """Seconds of a step on a machine of that speed."""
    flops = 6 * model.parameter_count() * train.batch.total_batch_size
    return flops / (REACHED_SHARE * 1e9 * gflops)


def make_plan(
    vocab_size: int, seconds: float, gflops: float, dialogs: bool, characters: float = math.inf
) -> TrainingPlan:
    """Sizes for `seconds` of training (both phases) on a machine of that speed, for a text of so
    many characters."""
    share = 1 - FINETUNE_SHARE if dialogs else 1.0
    reference = seconds * share * gflops / REFERENCE_GFLOPS
    flops = REACHED_SHARE * 1e9 * gflops * seconds * share
    size = next(
        size
        for size in reversed(SIZES)
        if reference >= size.seconds and characters >= size.characters
    )
    return _plan(size, vocab_size, dialogs, flops)


def plan_for_steps(vocab_size: int, steps: int, dialogs: bool) -> TrainingPlan:
    """Sizes for a number of base steps: a pure function, whatever the machine.

    The largest size whose steps, on the reference machine, take at least its own time.
    """
    for size in reversed(SIZES):
        plan = _plan(size, vocab_size, dialogs)
        assert isinstance(plan.model, ModelSettings)
        step_seconds = estimated_step_seconds(plan.model, plan.train, REFERENCE_GFLOPS)
        if steps * step_seconds >= size.seconds:
            flops = 6 * plan.model.parameter_count() * plan.train.batch.total_batch_size * steps
            return _plan(size, vocab_size, dialogs, flops)
    raise AssertionError("the first size pays from zero seconds")


def bigram_iterations(model: ModelSettings, flops: float) -> int:
    """Iterations on the table of pairs that pay before a training of so much arithmetic; none
    where there is time for a few only."""
    iteration = 6 * model.vocab_size**2 * model.n_embd
    affordable = min(BIGRAM_ITERATIONS, int(BIGRAM_SHARE * flops / iteration))
    return affordable if affordable >= _FEWEST_BIGRAM_ITERATIONS else 0


def _plan(size: Size, vocab_size: int, dialogs: bool, flops: float = 0.0) -> TrainingPlan:
    """The settings of a size, for a base phase of so many floating-point operations."""
    # A chat needs room for a question and an answer, however short the training.
    context = max(size.context_length, 192) if dialogs else size.context_length
    model = ModelSettings(
        n_layer=size.n_layer,
        n_head=size.n_embd // HEAD_DIM,
        n_embd=size.n_embd,
        head_dim=HEAD_DIM,
        n_hidden=size.n_embd * 8 // 3 // 64 * 64,
        context_length=context,
        vocab_size=vocab_size,
    )
    batch = max(size.batch, context)
    train = TrainingSettings(
        optimizer=OptimizerSettings(
            learning_rate=size.learning_rate,
            matrix_lr=size.matrix_lr,
            weight_decay=size.weight_decay,
            momentum=size.momentum,
        ),
        batch=BatchSettings(
            total_batch_size=batch,
            sequence_length=context,
            device_batch_size=max(1, batch // context),
        ),
        schedule=ScheduleSettings(bigram_iterations=bigram_iterations(model, flops)),
    )
    return TrainingPlan(
        model=model, train=train, finetune=finetune_settings(train) if dialogs else None
    )


def finetune_settings(train: TrainingSettings) -> TrainingSettings:
    """Settings of the second phase: gentler rates that fall to a tenth and never to zero,
    and some base text replayed."""
    return train.replace(
        learning_rate=train.optimizer.learning_rate * 0.5,
        matrix_lr=train.optimizer.matrix_lr * 0.5,
        bigram_iterations=0,
        min_lr_ratio=0.1,
        replay_ratio=0.1,
        question_dropout=QUESTION_DROPOUT,
        question_noise=QUESTION_NOISE,
        keep="last",
    )


def smallest_weights(vocab_size: int) -> int:
    """Weights of the smallest model of the table."""
    model = _plan(SIZES[0], vocab_size, dialogs=False).model
    assert isinstance(model, ModelSettings)
    return model.parameter_count()


def expected_nats(bzip2_nats: float, tokens_seen: int, weights: int) -> float:
    """Held-out nats per character that a run of that size will reach, roughly.

    A power law in the arithmetic spent, fitted to runs of 3 to 150 s on tiny Shakespeare, above
    0.8 of what bzip2 leaves of the text. Within 10 % of what came out on tiny Shakespeare and
    the demo corpus (docs/benchmarks.md).
    """
    flops = 6 * weights * max(1, tokens_seen)
    return min(4.0, 0.8 * bzip2_nats + 0.37 * (flops / 3.3e11) ** -0.53)
