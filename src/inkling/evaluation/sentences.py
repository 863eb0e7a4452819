"""The sentences of a report, written once for the terminal and for the page.

Knows: how to say a number. Does not know: layout. Data: sections -> sentences.
"""

from __future__ import annotations

from inkling.evaluation.calibration import Calibration
from inkling.evaluation.schema import Copied, EvaluationReport, Guess, Leak, Loss, Missing
from inkling.evaluation.stylometry import Voice
from inkling.evaluation.verdict import XZ_RATIO_WARNING

WITHOUT_MEMORY = (
    "Measured without memory: every number and every reply here is the work of the weights alone."
)
"""What a report is about, in one sentence."""


def checkpoint_name(loss: Loss, report: EvaluationReport) -> str:
    """Which weights a loss is of."""
    if loss.phase == "finetune":
        return f"after fine-tuning, step {loss.step:,}"
    tuned = any(
        other.phase == "finetune"
        for text in (report.writing, report.replies)
        if not isinstance(text, Missing)
        for other in text.losses
    )
    return f"{'before fine-tuning, ' if tuned else ''}step {loss.step:,}"


def leak_sentences(leak: Leak) -> list[str]:
    """What of the held-out text stands in the training text, and what the split found."""
    found = [
        f"{_share(leak.writing)} of the held-out writing lies in runs of 50 characters that also "
        "stand in the training text."
    ]
    if leak.replies is not None:
        found.append(
            f"{_share(leak.replies)} of the held-out replies of 20 characters or more stand word "
            "for word in the training dialogs."
        )
    if leak.xz_ratio is not None:
        found.append(
            f"Once it has read the training text, xz needs {leak.xz_ratio:.0%} of its bits for the "
            f"held-out text; under {XZ_RATIO_WARNING:.0%} would mean that much of it stands there, "
            "a little changed."
        )
    return [*found, *leak.findings]


def calibration_sentence(name: str, found: Calibration) -> str:
    """Confidence against accuracy on one text."""
    gap = found.confidence - found.accuracy
    judged = "about as sure as it may be"
    if abs(gap) > 0.02:
        judged = "too sure of itself" if gap > 0 else "not sure enough"
    return (
        f"On {name} its first choice is right {found.accuracy:.1%} of the time, and it gives it "
        f"{found.confidence:.1%}: {judged}. Expected calibration error {found.error:.1%}."
    )


def copied_sentences(copied: Copied) -> list[str]:
    """How much was copied, and the longest of it."""
    found = [
        f"{_share(copied.share)} of their characters lie in spans of {copied.min_characters} or "
        "more that stand word for word in the training text."
    ]
    if copied.longest:
        shown = copied.text if len(copied.text) <= 200 else f"{copied.text[:200]}…"
        found.append(
            f"The longest has {copied.longest} characters, from {copied.source}: "
            f"“{' '.join(shown.split())}”"
        )
    return found


def sampling_words(report: EvaluationReport) -> str:
    """How the replies were drawn."""
    s = report.sampling
    parts = [f"temperature {s.temperature:g}", f"top-k {s.top_k}" if s.top_k else "no top-k"]
    if s.top_p < 1:
        parts.append(f"top-p {s.top_p:g}")
    if s.min_p > 0:
        parts.append(f"min-p {s.min_p:g}")
    if s.repetition_penalty > 1:
        parts.append(f"repetition penalty {s.repetition_penalty:g}")
    return ", ".join([*parts, f"at most {s.max_tokens} tokens, seeds from {report.seed}"])


def position_sentence(voice: Voice) -> str:
    """Where the model stands between you and no one in particular."""
    measured = (
        f"Measured on {voice.exchanges} held-out questions, {voice.characters:,} characters a side."
    )
    if voice.position is None:
        return (
            "Your replies differ among themselves as much as from generic text, so nothing can be "
            f"said about the model. {measured}"
        )
    if voice.position.low <= 0:
        said = (
            "On these replies and in these habits the model could not be told from you "
            f"({voice.position.mean:.0%} of the way to generic text, {voice.position.low:.0%} to "
            f"{voice.position.high:.0%})."
        )
    else:
        said = (
            f"The model stands {voice.position.mean:.0%} of the way from you (0%) to generic text "
            f"(100%), {voice.position.low:.0%} to {voice.position.high:.0%}."
        )
    return (
        f"{said} It counts habits, not sense: nonsense in your rhythm counts as you. The generic "
        f"text is English. {measured}"
    )


def guess_sentence(game: Guess) -> str:
    """The score of one game, chance beside it."""
    share = game.right / game.answers
    if game.low > 0.5:
        judged = "better than chance: the two can be told apart"
    elif game.high < 0.5:
        judged = "worse than chance: the model passed for the person"
    else:
        judged = "which pure guessing (50%) could also give"
    return (
        f"{game.date[:10]}: {game.right} of {game.answers} right ({share:.0%}, 95% interval "
        f"{game.low:.0%} to {game.high:.0%}), {judged}."
    )


def _share(value: float) -> str:
    return f"{value:.1%}" if value else "0%"
