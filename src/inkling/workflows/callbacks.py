"""What a training reports to its caller while it runs.

Knows: the moments at which something is reported. Does not know who listens: a terminal, a
notebook, nobody. Derive from `TrainingCallbacks` and override the methods that matter to you.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inkling.config import Phase

if TYPE_CHECKING:
    from inkling.runs import Run
    from inkling.training.callbacks import EvalReport
    from inkling.training.progress import StepProgress


@dataclass(frozen=True)
class TrainingSample:
    """A text that the model wrote at an evaluation, for one of the run's fixed prompts."""

    step: int
    phase: Phase
    prompt: str
    asked: bool
    """Whether the prompt is a question that was answered, not an opening that was continued."""
    seed: int
    text: str


class TrainingCallbacks:
    """Each method is called at its moment and does nothing unless overridden."""

    def on_preparing(self, name: str) -> None:
        """The text is about to be read and packed for a new run of that name: seconds, or, of much
        text, minutes."""

    def on_run(self, run: Run, machine: str) -> None:
        """Everything is decided, nothing is trained yet. `machine` is where it trains, in words."""

    def on_phase(self, phase: Phase) -> None:
        """A phase begins, or continues."""

    def on_step(self, progress: StepProgress) -> None:
        """A step was made. Called often: be quick."""

    def on_evaluation(self, report: EvalReport) -> None:
        """The model was measured on held-out text."""

    def on_sample(self, sample: TrainingSample) -> None:
        """After an evaluation, once for each fixed prompt."""

    def on_note(self, text: str) -> None:
        """Something happened that a person should know, such as a roll-back."""

    def stop_requested(self) -> bool:
        """Asked after each step; True saves and ends the training there."""
        return False
