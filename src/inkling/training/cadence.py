"""From seconds to steps and evaluations: how the time of one phase is used.

Knows: how much of a phase measuring may take, and how it is divided. Does not know: which
phase it is, how fast a machine is (that comes in as `Costs`), the clock.
Data: settings of a phase + seconds + `Costs` -> the same with steps, evaluations, samples.

An evaluation reads an even sample of the held-out text, always the same, as large as half of
that pays for; the other half measures the best weights at the end on as much as fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from inkling.config import DataFacts, Phase, TrainingSettings

EVALUATION_SHARE = 0.08
"""Of a phase's time, for all its measurements together: a tenth, with what timing them missed."""

MAX_EVALUATIONS = 12
"""Evaluations of a phase, at most: enough for a curve."""

EVALUATED_TOKENS = 262_144
"""Held-out tokens that an evaluation reads at most: about a million characters."""

FEWEST_EVALUATED_TOKENS = 4_096
"""Held-out tokens from which two evaluations can be compared: of a sample this large the standard
error is about 0.01 nats a character, and it is the same sample each time."""

_TOKEN_COST = 2 * 0.3
"""Time of measuring a token, in that of learning one: every held-out token is read twice
(stride half), forward only, 0.3 of a step's time each, measured."""

_PAUSE_STEPS = 2
"""Steps' worth of what an evaluation takes beside reading: samples drawn, a checkpoint."""


@dataclass(frozen=True)
class Costs:
    """What a phase is made of, in seconds on one machine (or in any other unit of time)."""

    step: float
    token: float
    """Of measuring a held-out token."""
    pause: float
    """Of an evaluation, beside its tokens."""

    @classmethod
    def of_step(cls, step: float, batch: int) -> Costs:
        """Estimated from the time of a step of `batch` tokens."""
        return cls(step, _TOKEN_COST * step / batch, _PAUSE_STEPS * step)

    def for_batch(self, before: int, batch: int) -> Costs:
        """The same machine and model with steps of another number of tokens."""
        return Costs(self.step * batch / before, self.token, self.pause)


def held_out_tokens(facts: DataFacts, phase: Phase) -> int:
    """Tokens that a phase is measured on: dialogs, too, where no writing is held out."""
    if phase == "finetune" or facts.val_tokens < 2:
        return facts.held_out_dialog_tokens
    return facts.val_tokens


def with_steps(
    settings: TrainingSettings, seconds: float, costs: Costs, held_out_tokens: int
) -> TrainingSettings:
    """Settings with as many steps as fit into `seconds` beside their evaluations."""
    half = EVALUATION_SHARE / 2 * seconds
    fewest = min(held_out_tokens, FEWEST_EVALUATED_TOKENS)
    evaluations = int(half / (costs.pause + fewest * costs.token))
    evaluations = max(1, min(MAX_EVALUATIONS, evaluations))
    sample = int((half / evaluations - costs.pause) / costs.token)
    sample = max(fewest, min(sample, EVALUATED_TOKENS))
    final = max(sample, int(half / costs.token))
    settings = settings.replace(
        eval_tokens=0 if sample >= held_out_tokens else sample,
        final_tokens=0 if final >= held_out_tokens else final,
    )
    spent = evaluations * (costs.pause + min(sample, held_out_tokens) * costs.token)
    if settings.evaluation.final_tokens != settings.evaluation.eval_tokens:
        spent += min(final, held_out_tokens) * costs.token
    steps = max(1, int((seconds - spent) / costs.step))
    return with_cadence(settings, steps, evaluations)


def with_cadence(settings: TrainingSettings, steps: int, evaluations: int) -> TrainingSettings:
    """Settings for exactly `steps` steps with about that many evaluations, the last at the end."""
    every = max(1, math.ceil(steps / evaluations))
    warmup = min(settings.schedule.warmup_steps, max(1, steps // 10))
    return settings.replace(steps=steps, eval_every=every, save_every=every, warmup_steps=warmup)


def at_most(settings: TrainingSettings, steps: int) -> TrainingSettings:
    """Settings with no more steps than that, and as many evaluations."""
    if settings.schedule.steps <= steps:
        return settings
    evaluations = round(settings.schedule.steps / settings.evaluation.eval_every)
    return with_cadence(settings, steps, max(1, evaluations))


def with_sample(settings: TrainingSettings, held_out_tokens: int) -> TrainingSettings:
    """Settings of an exact number of steps, measured on a fixed, even sample where there is more
    held-out text than can be read again and again; at the end on what a twelfth of the time pays
    for, or all."""
    if held_out_tokens <= EVALUATED_TOKENS:
        return settings
    affordable = settings.schedule.steps / 12 * settings.batch.total_batch_size / _TOKEN_COST
    final = max(EVALUATED_TOKENS, int(affordable))
    final = 0 if final >= held_out_tokens else final
    return settings.replace(eval_tokens=EVALUATED_TOKENS, final_tokens=final)
