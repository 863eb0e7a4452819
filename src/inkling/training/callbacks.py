"""What a training calls while it runs, and what it reports to them.

Knows: the shape of the reports. Does not know who listens: a terminal, files, a page.
Data: the loop -> `StepReport`, `EvalReport` -> the functions of `Callbacks`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.config import Phase

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class StepReport:
    """What the live line shows after a step. `tokens` counts targets of this step."""

    phase: Phase
    step: int
    steps: int
    loss: float
    lr: float
    tokens: int
    elapsed_min: float


@dataclass(frozen=True)
class EvalReport:
    """One evaluation. Losses in nats per token; `per_char` in nats per character."""

    phase: Phase
    step: int
    train_loss: float | None
    val_loss: float
    per_char: float
    best: bool


@dataclass
class Callbacks:
    """What the loop tells the outside; each may do nothing."""

    on_step: Callable[[StepReport], None] = lambda report: None
    on_eval: Callable[[EvalReport, nn.Module], None] = lambda report, model: None
    on_note: Callable[[str], None] = lambda text: None
    stop_requested: Callable[[], bool] = lambda: False
