"""What a training came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.config import Phase

if TYPE_CHECKING:
    from inkling.runs import Run


@dataclass(frozen=True)
class TrainingResult:
    """A run after it was trained, or trained further."""

    run: Run
    step: int
    interrupted: bool = False
    """Whether it was stopped before its end; everything is saved, and `resume` continues it."""
    signal: int | None = None
    """The signal that stopped it, where one did."""
    stopped_early: bool = False
    """Whether it ended before its last step because it was no longer getting better."""
    already_complete: bool = False
    """Whether there was nothing left to train."""
    warnings: tuple[str, ...] = ()
    """A sentence for each phase that diverged."""
    figures: Path | None = None
    """The folder of the figures, where they were drawn."""

    @property
    def nats_per_char(self) -> dict[Phase, float]:
        """Of each phase that was measured: nats a character of its held-out text."""
        return {
            phase: best["val_nats_per_char"]
            for phase, best in self.run.checkpoints.best().items()
            if "val_nats_per_char" in best  # unknown of a base that was imported
        }
