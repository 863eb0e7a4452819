"""A report as a page for a terminal of 80 columns.

Knows: words and columns. Does not know: how anything was measured.
Data: `EvaluationReport` -> text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from inkling.evaluation.calibration import Calibration
from inkling.evaluation.loops import Loops
from inkling.evaluation.schema import EvaluationReport, HeldOut, Missing
from inkling.evaluation.sentences import (
    WITHOUT_MEMORY,
    calibration_sentence,
    checkpoint_name,
    copied_sentences,
    guess_sentence,
    leak_sentences,
    position_sentence,
    sampling_words,
)
from inkling.evaluation.stylometry import Spread, Voice
from inkling.evaluation.units import bits

WIDTH = 80


def page(report: EvaluationReport) -> str:
    """The whole report. Every line fits into 80 columns."""
    return "\n".join(_lines(report))


def _lines(report: EvaluationReport) -> Iterator[str]:
    yield from _wrapped(
        f"{report.run}: {report.recipe}, {report.parameters:,} weights, trained on "
        f"{report.train_characters:,} characters"
    )
    yield from _wrapped(WITHOUT_MEMORY)
    yield ""
    yield from _wrapped(("WARNING: " if report.verdict.warning else "") + report.verdict.text)
    for reason in report.verdict.reasons:
        yield from _wrapped(f"- {reason}", hanging=2)
    yield from _losses(report)
    yield from _baselines(report)
    yield from _section("leaks", leak_sentences(report.leak))
    yield from _section("calibration", _calibration(report))
    yield from _section(*_loops(report))
    yield from _voice(report.voice)
    if report.guess:
        yield from _section("me or the model?", [guess_sentence(game) for game in report.guess])
    yield ""


def _losses(report: EvaluationReport) -> Iterator[str]:
    yield ""
    yield f"{'HELD-OUT LOSS':<40}{'nats/char':>12}{'bits/char':>12}{'perplexity':>12}"
    for name, text in (("writing", report.writing), ("replies", report.replies)):
        if isinstance(text, Missing):
            yield from _wrapped(f"{name}: {text.why}", indent=2)
            continue
        yield f"  {name}, {text.characters:,} characters"
        for loss in text.losses:
            yield (
                f"    {checkpoint_name(loss, report):<36}{loss.nats_per_char:>12.3f}"
                f"{loss.bits_per_char:>12.2f}{loss.perplexity_per_char:>12.2f}"
            )


def _baselines(report: EvaluationReport) -> Iterator[str]:
    texts = [text for text in (report.writing, report.replies) if isinstance(text, HeldOut)]
    if not texts:
        return
    yield ""
    names = [
        name
        for name, text in (("writing", report.writing), ("replies", report.replies))
        if isinstance(text, HeldOut)
    ]
    yield f"{'WITHOUT A NETWORK, bits a character':<56}" + "".join(f"{n:>12}" for n in names)
    rows = {baseline.name: baseline.how for text in texts for baseline in text.baselines}
    for name in rows:
        values = [
            next((f"{bits(b.nats_per_char):.2f}" for b in text.baselines if b.name == name), "–")
            for text in texts
        ]
        yield f"  {name:<54}" + "".join(f"{value:>12}" for value in values)
    mine = [f"{text.losses[0].bits_per_char:.2f}" for text in texts]
    yield f"  {'this model':<54}" + "".join(f"{value:>12}" for value in mine)
    for note in dict.fromkeys(note for text in texts for note in text.notes):
        yield from _wrapped(note, indent=2)


def _calibration(report: EvaluationReport) -> list[str]:
    return [
        calibration_sentence(name, text.calibration)
        if isinstance(text.calibration, Calibration)
        else text.calibration.why
        for name, text in (("writing", report.writing), ("replies", report.replies))
        if isinstance(text, HeldOut)
    ] or ["Nothing was held out."]


def _loops(report: EvaluationReport) -> tuple[str, list[str]]:
    if not isinstance(report.loops, Loops):
        return "replies", [report.loops.why]
    found = report.loops
    copied = [] if isinstance(report.copied, Missing) else copied_sentences(report.copied)
    return "replies", [
        f"{found.replies:,} written ({sampling_words(report)}): {found.looping} go in circles, "
        f"{found.empty} are empty, {found.cut_off} were cut off.",
        *copied,
    ]


def _voice(voice: Voice | Missing) -> Iterator[str]:
    if not isinstance(voice, Voice):
        yield from _section("sounds like you", [voice.why])
        return
    yield ""
    yield f"{'SOUNDS LIKE YOU':<50}{'you':>10}{'model':>10}{'generic':>10}"
    columns = (voice.you, voice.model, voice.generic)
    yield f"  {'distance from your replies':<48}" + "".join(f"{s.mean:>10.3f}" for s in columns)
    yield f"  {'  middle 90 % of 200 random halvings':<44}" + _ranges(columns)
    for row in voice.habits:
        yield f"    {row.habit:<46}{row.you:>10.3f}{row.model:>10.3f}{row.generic:>10.3f}"
    yield from _wrapped(position_sentence(voice), indent=2)
    yield ""
    yield f"  {'in plain numbers':<48}{'you':>10}{'model':>10}{'generic':>10}"
    for trait in voice.traits:
        yield f"    {trait.trait:<46}{trait.you:>10.1f}{trait.model:>10.1f}{trait.generic:>10.1f}"


def _ranges(columns: tuple[Spread, ...]) -> str:
    return "".join(
        f"{f'{s.low:.2f}–{s.high:.2f}':>{14 if i == 0 else 10}}" for i, s in enumerate(columns)
    )


def _section(title: str, sentences: list[str]) -> Iterator[str]:
    yield ""
    yield title.upper()
    for sentence in sentences:
        yield from _wrapped(sentence, indent=2)


def _wrapped(text: str, indent: int = 0, hanging: int = 0) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + hanging)
    )
