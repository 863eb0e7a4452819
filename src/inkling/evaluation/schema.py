"""What a report holds: the shape of `runs/NAME/report.json`, version 1.

Knows: names and types. Does not know: how anything is measured or shown. Data: measures ->
`EvaluationReport` -> JSON -> `EvaluationReport`.

A section that could not be filled is a `Missing` that says why in one sentence. Losses and
distances are plain numbers in the units that their names say; shares lie in 0…1.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inkling.atomic_files import atomic_write
from inkling.config import Phase, SamplingSettings
from inkling.errors import RunError
from inkling.evaluation.baselines import Baseline
from inkling.evaluation.calibration import Calibration
from inkling.evaluation.loops import Loops
from inkling.evaluation.stylometry import Voice
from inkling.evaluation.units import bits, perplexity
from inkling.regular_files import read_json
from inkling.runs import Run

VERSION: Literal[1] = 1


class ReportSection(BaseModel):
    """Base of all parts: immutable; a later version's extra fields are ignored."""

    model_config = ConfigDict(frozen=True)


class Missing(ReportSection):
    """Why a section is empty."""

    why: str


class Loss(ReportSection):
    """One checkpoint on one held-out text."""

    phase: Phase
    step: int
    nats_per_char: float
    nats_per_token: float

    @property
    def bits_per_char(self) -> float:
        return bits(self.nats_per_char)

    @property
    def perplexity_per_char(self) -> float:
        return perplexity(self.nats_per_char)


class HeldOut(ReportSection):
    """All that was measured on one held-out text. losses[0] is the number that counts."""

    characters: int
    losses: Annotated[tuple[Loss, ...], Field(min_length=1)]
    baselines: tuple[Baseline, ...]
    notes: tuple[str, ...] = ()
    calibration: Calibration | Missing

    @property
    def best_baseline(self) -> Baseline:
        return min(self.baselines, key=lambda baseline: baseline.nats_per_char)


class Leak(ReportSection):
    """How much of the held-out text stands in the training text."""

    writing: float
    replies: float | None
    xz_ratio: float | None
    """Bits of the held-out text for xz behind the training text, of its bits alone."""
    findings: tuple[str, ...] = ()


class Verdict(ReportSection):
    """The headline. A warning says that the loss does not mean what it seems."""

    warning: bool
    text: str
    reasons: tuple[str, ...] = ()

    def with_reasons(self) -> str:
        """The headline and what it rests on, in one paragraph."""
        return " ".join((self.text, *self.reasons))


class Copied(ReportSection):
    """How much of the replies stands verbatim in the training text, in long spans."""

    replies: int
    min_characters: int
    share: float
    longest: int
    text: str
    """What the longest span says; "" where nothing is copied."""
    source: str
    """Where it stands, in words."""


class Example(ReportSection):
    """A held-out question, what was really answered, what the model wrote."""

    question: str
    you: str
    model: str


class Guess(ReportSection):
    """A game of "me or the model?": `right` of `answers`, over `prompts` questions."""

    date: str
    seed: int
    answers: int
    right: int
    prompts: int
    low: float
    high: float


class EvaluationReport(ReportSection):
    """Everything `inkling eval` says."""

    version: Literal[1] = VERSION
    run: str
    recipe: str
    made: str
    inkling_version: str
    seed: int
    parameters: int
    train_characters: int
    verdict: Verdict
    leak: Leak
    writing: HeldOut | Missing
    replies: HeldOut | Missing
    loops: Loops | Missing
    copied: Copied | Missing
    voice: Voice | Missing
    sampling: SamplingSettings
    examples: tuple[Example, ...] = ()
    guess: tuple[Guess, ...] = ()


def read_guesses(run: Run) -> tuple[Guess, ...]:
    """The games kept in a run's report.json, oldest first.

    Raises RunError where the file is damaged: writing a new one would lose them.
    """
    return tuple(_read(run)[1])


def read_report(run: Run) -> EvaluationReport | None:
    """A run's report; None where `inkling eval` has not written one yet."""
    found, _ = _read(run)
    if found is None or "verdict" not in found:
        return None
    try:
        return EvaluationReport.model_validate(found)
    except ValidationError as error:
        raise _damaged(run, error) from None


def write_report(run: Run, report: EvaluationReport) -> None:
    atomic_write(run.report_path, report.model_dump_json(indent=1) + "\n")


def add_guess(run: Run, guess: Guess) -> None:
    """Keep a game, whether or not there is a report yet."""
    found, guesses = _read(run)
    kept = [entry.model_dump() for entry in (*guesses, guess)]
    content = {**(found or {"version": VERSION, "run": run.name}), "guess": kept}
    atomic_write(run.report_path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _read(run: Run) -> tuple[dict[str, object] | None, list[Guess]]:
    try:
        found = read_json(run.report_path)
        return found, [Guess.model_validate(entry) for entry in found.get("guess", [])]
    except FileNotFoundError:
        return None, []
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise _damaged(run, error) from None


def _damaged(run: Run, error: Exception) -> RunError:
    reason = str(error).splitlines()[0]
    return RunError(
        f"{run.report_path} is damaged ({reason}). It holds the games of inkling guess; delete it "
        "to begin a new one."
    )
