"""From minutes and a corpus to sizes, steps and a promise.

Knows: what size of model pays in how much time (measured, docs/benchmarks.md), how fast this
machine is, how to keep a deadline. Does not know: files, the terminal.
Data: characters + minutes (or steps) -> `Plan` (model and phase settings); during training,
clock -> `TimeBudget.replan` -> a recorded change of steps.

One dial: the time. Everything else is derived from it and from the amount of text, and the
caller prints what was derived.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from inkling.config import DataFacts, ModelSettings, Plan, TrainingSettings
from inkling.runtime import Runtime

REFERENCE_GFLOPS = 110.0
"""Matrix-product speed of the machine that the table below was measured on."""

FINETUNE_SHARE = 0.5
"""Share of the steps that the second phase gets at least, where there are dialogs and passes
over them still pay."""

WRITING_EPOCHS = 7
"""Passes over the writing from which a base phase only learns it by heart: with dialogs to learn,
the rest of the time goes to them."""

FINETUNE_EPOCHS = 40
BASE_DIALOG_EPOCHS = 15
"""Passes over the dialogs in either phase, at most. The more, the more of what is asked is
answered with the right fact, though held-out loss rises (docs/decisions.md)."""

MAX_DIALOG_RATIO = 0.5
"""Share of base rows that are dialogs, at most."""

QUESTION_DROPOUT, QUESTION_NOISE = 0.15, 0.5
"""How much questions are reworded (tokens.rewording)."""

DEFAULT_MINUTES = 3.0

MAX_EVALUATIONS = 12
"""Evaluations of a phase, at most: enough for a curve, and each costs some five steps."""

EVALUATED_TOKENS = 262_144
"""Held-out tokens that an evaluation reads at most: about a million characters."""

_TOKEN_COST = 2 * 0.3
"""Time of measuring a token, in that of learning one: every held-out token is read twice
(stride half), forward only, 0.3 of a step's time each, measured."""


@dataclass(frozen=True)
class Size:
    """A model that pays from `seconds` of training on the reference machine."""

    seconds: float
    n_layer: int
    n_embd: int
    context_length: int
    batch: int
    matrix_lr: float
    learning_rate: float
    weight_decay: float


# Best held-out loss on a slice of the training part of tiny Shakespeare, see
# docs/benchmarks.md ("Which size for which time").
SIZES = (
    Size(0, 1, 128, 64, 512, 0.06, 0.015, 0.0),
    Size(12, 2, 128, 64, 1024, 0.03, 0.01, 0.3),
    Size(30, 2, 128, 128, 1024, 0.02, 0.01, 0.5),
    Size(75, 3, 128, 256, 2048, 0.02, 0.01, 0.5),
    Size(240, 4, 192, 256, 2048, 0.02, 0.008, 0.5),
    Size(600, 6, 256, 256, 4096, 0.02, 0.006, 0.5),
    Size(3600, 6, 384, 256, 8192, 0.02, 0.004, 0.5),
)

HEAD_DIM = 64


def merges_for(characters: int) -> int:
    """Learned merges that pay for a corpus: 1.3 times the root of its characters.

    1,000 to 1,500 were best at a million characters; fewer leave sequences long, more leave
    tokens too rare to learn.
    """
    return max(64, min(8_192, round(1.3 * math.sqrt(characters))))


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
    """Seconds of a step on a machine of that speed. A training reaches about 0.6 of the speed of
    a plain matrix product: 0.56 to 0.67 over the sizes above, measured on one core."""
    return 6 * parameter_estimate(model) * train.total_batch_size / (0.6e9 * gflops)


def make_plan(vocab_size: int, seconds: float, gflops: float, dialogs: bool) -> Plan:
    """Sizes for `seconds` of training (both phases) on a machine of that speed."""
    share = 1 - FINETUNE_SHARE if dialogs else 1.0
    reference = seconds * share * gflops / REFERENCE_GFLOPS
    size = next(size for size in reversed(SIZES) if reference >= size.seconds)
    return _plan(size, vocab_size, dialogs)


def plan_for_steps(vocab_size: int, steps: int, dialogs: bool) -> Plan:
    """Sizes for a number of base steps: a pure function, whatever the machine.

    The largest size whose steps, on the reference machine, take at least its own time.
    """
    for size in reversed(SIZES):
        plan = _plan(size, vocab_size, dialogs)
        assert isinstance(plan.model, ModelSettings)
        step_seconds = estimated_step_seconds(plan.model, plan.train, REFERENCE_GFLOPS)
        if steps * step_seconds >= size.seconds:
            return plan
    raise AssertionError("the first size pays from zero seconds")


def _plan(size: Size, vocab_size: int, dialogs: bool) -> Plan:
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
    train = TrainingSettings(
        learning_rate=size.learning_rate,
        matrix_lr=size.matrix_lr,
        weight_decay=size.weight_decay,
        total_batch_size=max(size.batch, context),
        sequence_length=context,
        device_batch_size=max(1, max(size.batch, context) // context),
    )
    return Plan(model=model, train=train, finetune=finetune_settings(train) if dialogs else None)


def finetune_settings(train: TrainingSettings) -> TrainingSettings:
    """Settings of the second phase: gentler rates that fall to a tenth and never to zero,
    and some base text replayed."""
    return train.model_copy(
        update={
            "learning_rate": train.learning_rate * 0.5,
            "matrix_lr": train.matrix_lr * 0.5,
            "min_lr_ratio": 0.1,
            "replay_ratio": 0.1,
            "question_dropout": QUESTION_DROPOUT,
            "question_noise": QUESTION_NOISE,
            "keep": "last",
        }
    )


def finetune_steps(total: int, plan: Plan, facts: DataFacts) -> int:
    """How many of `total` steps the second phase gets: half, and more where so many base steps
    would read the writing too often; no more than its passes over the dialogs pay for."""
    assert plan.finetune is not None
    reading = WRITING_EPOCHS * facts.writing_tokens / (1 - MAX_DIALOG_RATIO)
    base = min((1 - FINETUNE_SHARE) * total, reading / plan.train.total_batch_size)
    return max(1, min(round(total - base), most_finetune_steps(plan.finetune, facts)))


def most_finetune_steps(finetune: TrainingSettings, facts: DataFacts) -> int:
    """Steps that make the passes over the dialogs that pay."""
    tokens = FINETUNE_EPOCHS * facts.dialog_tokens / (1 - finetune.replay_ratio)
    return max(1, round(tokens / finetune.total_batch_size))


def with_dialogs(plan: Plan, facts: DataFacts) -> Plan:
    """The plan with the share of dialogs among base rows, now that the steps are known: at
    least as many as their share of the text, at most `BASE_DIALOG_EPOCHS` passes."""
    if plan.finetune is None or not isinstance(plan.model, ModelSettings):
        return plan
    seen = plan.train.steps * plan.train.total_batch_size
    least = facts.dialog_tokens / max(1, facts.dialog_tokens + facts.writing_tokens)
    passes = BASE_DIALOG_EPOCHS * facts.dialog_tokens / max(1, seen)
    ratio = round(min(MAX_DIALOG_RATIO, max(least, passes)), 3)
    train = plan.train.model_copy(
        update={
            "dialog_ratio": ratio,
            "question_dropout": plan.finetune.question_dropout,
            "question_noise": plan.finetune.question_noise,
        }
    )
    return Plan(model=plan.model, train=train, finetune=plan.finetune)


def parameter_estimate(model: ModelSettings) -> int:
    """Weights of a `modern` model, exactly."""
    C, F, V, D = model.n_embd, model.n_hidden, model.vocab_size, model.head_dim
    width = model.n_head * D
    block = 4 * C * width + 3 * C * F + 2 * C + 2 * D
    return model.n_layer * block + (1 if model.tie_embeddings else 2) * V * C + C


def expected_nats(bzip2_nats: float, tokens_seen: int, weights: int) -> float:
    """Held-out nats per character that a run of that size will reach, roughly.

    A power law in the arithmetic spent, fitted to runs of 3 to 150 s on tiny Shakespeare, above
    0.8 of what bzip2 leaves of the text. Within 10 % of what came out on tiny Shakespeare and
    the demo corpus (docs/benchmarks.md).
    """
    flops = 6 * weights * max(1, tokens_seen)
    return min(4.0, 0.8 * bzip2_nats + 0.37 * (flops / 3.3e11) ** -0.53)


def evaluation_steps(held_out_tokens: int, batch: int) -> float:
    """Cost of one whole evaluation in training steps of `batch` tokens.

    Two steps' worth is added for the samples drawn afterwards.
    """
    return held_out_tokens * _TOKEN_COST / batch + 2


def with_sample(settings: TrainingSettings, held_out_tokens: int, worth: float) -> TrainingSettings:
    """Settings that measure an even sample where there is more held-out text than can be read
    again and again: a fixed number of tokens at every evaluation, and at the end once, with the
    best weights, what a twelfth of `worth` steps can pay for, or all."""
    if held_out_tokens <= EVALUATED_TOKENS:
        return settings
    final = max(EVALUATED_TOKENS, int(worth / 12 * settings.total_batch_size / _TOKEN_COST))
    final = 0 if final >= held_out_tokens else final
    return settings.model_copy(update={"eval_tokens": EVALUATED_TOKENS, "final_tokens": final})


def evaluation_cost(settings: TrainingSettings, held_out_tokens: int) -> tuple[float, float]:
    """Steps' worth of one evaluation, and of the last measurement where that is another."""
    batch = settings.total_batch_size
    each = evaluation_steps(settings.eval_tokens or held_out_tokens, batch)
    if settings.final_tokens == settings.eval_tokens:
        return each, 0.0
    return each, evaluation_steps(settings.final_tokens or held_out_tokens, batch)


def with_steps(
    settings: TrainingSettings, seconds: float, step_seconds: float, held_out_tokens: int
) -> TrainingSettings:
    """Settings with as many steps as fit into `seconds`; evaluations take about a twelfth of
    the time."""
    worth = seconds / step_seconds
    settings = with_sample(settings, held_out_tokens, worth)
    evaluation, final = evaluation_cost(settings, held_out_tokens)
    evaluations = max(1, min(MAX_EVALUATIONS, int(worth / 12 / evaluation)))
    steps = max(1, int(worth - evaluations * evaluation - final))
    return with_cadence(settings, steps, evaluations)


def with_cadence(settings: TrainingSettings, steps: int, evaluations: int) -> TrainingSettings:
    """Settings for exactly `steps` steps with about that many evaluations, the last at the end."""
    every = max(1, math.ceil(steps / evaluations))
    return settings.model_copy(
        update={
            "steps": steps,
            "eval_every": every,
            "save_every": every,
            "warmup_steps": min(settings.warmup_steps, max(1, steps // 10)),
        }
    )


class TimeBudget:
    """Keeps a deadline: looks at the clock now and then and says how many steps still fit."""

    def __init__(
        self,
        deadline: float,
        eval_every: int,
        evaluation: float,
        final: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`deadline` is a `time.time()`; an evaluation, every `eval_every` steps and at the
        end, is worth `evaluation` steps, and what is measured after that `final` steps."""
        self._deadline, self._final = deadline, final
        self._eval_every, self._evaluation = eval_every, evaluation
        self._clock = clock
        self._begun: float | None = None
        self._looked = 0.0

    def replan(self, step: int, steps: int, first: int) -> int | None:
        """New number of steps of the phase, or None while the plan holds within 1 %.

        Called before every step; `first` is the step that this process began at.
        """
        now = self._clock()
        if self._begun is None:
            self._begun = self._looked = now
            return None
        # Looks grow rarer as the estimate settles, and denser again towards the end. Where steps
        # take far longer than was thought, the clock itself asks for one.
        interval = max(2, min(steps // 16, (steps - step) // 3))
        due = (step - first) % interval == 0
        late = now - self._looked > (self._deadline - self._begun) / 16
        if step <= first or step >= steps or not (due or late):
            return None
        self._looked = now
        evaluations = (step - 1) // self._eval_every - first // self._eval_every
        done = step - first + evaluations * self._evaluation
        pace = (now - self._begun) / done
        worth = (self._deadline - now) / pace - self._evaluation - self._final
        fit = step + max(1, int(worth / (1 + self._evaluation / self._eval_every)))
        if fit < step + self._eval_every:  # no evaluation left before the last one
            fit = step + max(1, int(worth))
        return fit if abs(fit - steps) > max(1, 0.01 * steps) else None
