"""What a person should know before a model of their words leaves the machine.

Knows: which of a run's findings speak against giving it away. Does not know: who is warned, or
asked. Data: run + its report -> sentences.
"""

from __future__ import annotations

from inkling.config import RunConfig
from inkling.evaluation.copying import COPIED_FROM
from inkling.evaluation.schema import Copied, EvaluationReport, Missing

COPIED_SHARE = 0.1
"""Share of the characters of its replies in copied spans from which a warning is due."""
LONG_SPAN = 80
"""Characters of a copied span from which a warning is due: a sentence, no longer a phrase."""


def warnings(config: RunConfig, report: EvaluationReport | None) -> list[str]:
    """Reasons to think twice, each a sentence; empty where there are none."""
    found = []
    if not config.complete:
        found.append(
            f"The run {config.name!r} is not finished: its best checkpoint so far is exported. "
            f"Finish it first with inkling train --resume --run {config.name}."
        )
    copied = None if report is None else report.copied
    if report is None:
        found.append(
            "How much of its training text it repeats was not measured. Measure it first: "
            f"inkling eval --run {config.name}."
        )
    elif isinstance(copied, Missing):
        found.append(f"How much of its training text it repeats is not known: {copied.why}")
    elif isinstance(copied, Copied) and (
        copied.share >= COPIED_SHARE or copied.longest >= LONG_SPAN
    ):
        found.append(
            f"It repeats its training text: {copied.share:.0%} of what it wrote in "
            f"{copied.replies:,} replies stands there word for word in spans of "
            f"{copied.min_characters} characters or more, the longest of {copied.longest:,}."
        )
    if report is not None and report.verdict.warning:
        found.append(report.verdict.with_reasons())
    return found


def copying_sentence(report: EvaluationReport | None) -> str:
    """How much it copies, for its card; never what."""
    if report is None or isinstance(report.copied, Missing):
        return "How much of its training text it repeats was not measured."
    copied = report.copied
    return (
        f"In {copied.replies:,} replies, {copied.share:.1%} of the characters stood word for word "
        f"in the training text in spans of {COPIED_FROM} characters or more; the longest span had "
        f"{copied.longest:,}."
    )
