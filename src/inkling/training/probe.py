"""What training costs on this machine, tried before it begins.

Knows: the memory that a model needs, the seconds of a step and of a measured token, on a
throw-away model. Does not know: what is planned with them. Data: settings -> `Costs`.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from inkling.config import (
    LadderSettings,
    ModelSettings,
    TrainingSettings,
)
from inkling.errors import TrainingError
from inkling.machine import memory
from inkling.model.build import build_model, count_parameters
from inkling.tokens.loader import WindowLoader
from inkling.training.cadence import FEWEST_EVALUATED_TOKENS, Costs
from inkling.training.divided import divides
from inkling.training.forecast import STATE_BYTES
from inkling.training.session import Session
from inkling.training.step import time_step

PROBE_SHARE = 0.02
"""Of the time that is left, for timing a step."""


def check_memory(model_settings: ModelSettings | LadderSettings) -> None:
    """Raise TrainingError where weights, gradients and moments cannot fit this machine."""
    weights = count_parameters(model_settings)
    needed = STATE_BYTES * weights
    available = memory().total
    if needed > available:
        raise TrainingError(
            f"A model of {weights:,} weights needs {needed / 1e9:,.0f} GB to train; this machine "
            f"has {available / 1e9:,.0f}. Choose a smaller n_embd or n_layer."
        )


def timed_costs(
    session: Session,
    seconds: float,
    model_settings: ModelSettings | LadderSettings,
    settings: TrainingSettings,
) -> Costs:
    """What a phase is made of, timed on a throw-away model in a small part of `seconds`.

    Raises TrainingError where the model does not fit the machine's memory.
    """
    check_memory(model_settings)
    torch.manual_seed(0)
    if divides(session.runtime.ranks, [settings.batch]):
        raise TrainingError(
            "A model that several processes share cannot be timed by one of them. Say how many "
            "steps it makes: --steps 2000."
        )
    model = build_model(model_settings).to(session.runtime.device)
    # Any rows will do: what a step costs does not depend on what it reads.
    loader = WindowLoader(session.part("train"), settings.batch.sequence_length, 0)
    patience = min(0.5, PROBE_SHARE * seconds)
    step = time_step(model, loader, settings, session.runtime, patience)
    costs = Costs.of_step(step, settings.batch.total_batch_size)
    return replace(costs, token=time_token(session, model, model_settings.context_length))


def time_token(session: Session, model: torch.nn.Module, context_length: int) -> float:
    """Seconds of measuring a held-out token."""
    wanted = min(FEWEST_EVALUATED_TOKENS, max(1, len(session.held_out("train"))))
    evaluate = session.evaluator("train", context_length, wanted)
    begun = time.perf_counter()
    evaluate(model)
    return (time.perf_counter() - begun) / wanted
