"""A report as one self-contained page: `runs/NAME/report.html`.

Knows: which values the page shows, and the geometry of its figures. Does not know: how anything was
measured, HTML (page.html.jinja), colours (page.css). Data: `EvaluationReport` -> HTML.

No script and nothing from outside: the page can be mailed, printed and read in ten years. The
template's autoescape is on, so that no text of a person, a corpus or a model becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from inkling.atomic_files import atomic_write
from inkling.evaluation.calibration import Calibration
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
from inkling.evaluation.stylometry import Voice
from inkling.evaluation.units import bits
from inkling.runs import Run

_SIDE = 240  # of a reliability diagram, in SVG units
_LEFT, _WIDTH = 140, 360  # of the figure of distances


def write_page(run: Run, report: EvaluationReport) -> None:
    """Write the page beside report.json."""
    atomic_write(run.report_page_path, page(report))


def page(report: EvaluationReport) -> str:
    """The whole document."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    package = files("inkling.evaluation")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.filters["show"] = format
    environment.tests["missing"] = lambda part: isinstance(part, Missing)
    template = environment.from_string((package / "page.html.jinja").read_text(encoding="utf-8"))
    texts = [("writing", report.writing), ("replies", report.replies)]
    measured = [(name, text) for name, text in texts if isinstance(text, HeldOut)]
    return template.render(
        report=report,
        # The only text that is not escaped: it is a file of this package.
        style=Markup((package / "page.css").read_text(encoding="utf-8")),
        texts=texts,
        measured=measured,
        charts=[Chart(name, tuple(_bars(text))) for name, text in measured],
        notes=dict.fromkeys(note for _, text in measured for note in text.notes),
        side=_SIDE,
        diagrams=[
            Diagram(name, text.calibration, tuple(_dots(text.calibration)))
            for name, text in measured
            if isinstance(text.calibration, Calibration)
        ],
        calibration_sentences=_calibration_sentences(measured),
        ranges=[] if isinstance(report.voice, Missing) else list(_ranges(report.voice)),
        without_memory=WITHOUT_MEMORY,
        checkpoint_name=checkpoint_name,
        leak_sentences=leak_sentences,
        sampling_words=sampling_words,
        copied_sentences=copied_sentences,
        position_sentence=position_sentence,
        guess_sentence=guess_sentence,
    )


@dataclass(frozen=True)
class Bar:
    """What one method needs, in bits a character; `width` is a percentage of the widest."""

    name: str
    how: str
    bits: float
    width: float
    is_model: bool


@dataclass(frozen=True)
class Chart:
    """The bars of one held-out text."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Dot:
    """One bin of a reliability diagram, in SVG units."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True)
class Diagram:
    """The reliability diagram of one held-out text, with its numbers."""

    name: str
    calibration: Calibration
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class DistanceRange:
    """A spread of distances as a line, in SVG units, and its mean as a number."""

    name: str
    kind: str
    y: int
    low: float
    middle: float
    high: float
    mean: float


def _bars(text: HeldOut) -> Iterator[Bar]:
    mine = text.losses[0].nats_per_char
    widest = max([*(baseline.nats_per_char for baseline in text.baselines), mine])
    for baseline in text.baselines:
        nats = baseline.nats_per_char
        yield Bar(baseline.name, baseline.how, bits(nats), 100 * nats / widest, False)
    yield Bar("this model", "", bits(mine), 100 * mine / widest, True)


def _dots(found: Calibration) -> Iterator[Dot]:
    most = max(b.tokens for b in found.bins)
    for b in found.bins:
        if b.tokens:
            yield Dot(
                x=_SIDE * b.confidence,
                y=_SIDE * (1 - b.accuracy),
                radius=2 + 7 * (b.tokens / most) ** 0.5,
                title=f"{b.tokens:,} tokens: {b.confidence:.0%} sure, {b.accuracy:.0%} right",
            )


def _calibration_sentences(measured: list[tuple[str, HeldOut]]) -> list[str]:
    return [
        text.calibration.why
        if isinstance(text.calibration, Missing)
        else calibration_sentence(name, text.calibration)
        for name, text in measured
    ] or ["Nothing was held out."]


def _ranges(voice: Voice) -> Iterator[DistanceRange]:
    scale = _WIDTH / max(0.001, voice.generic.high, voice.model.high, voice.you.high)
    rows = (
        ("you, against yourself", "plain", voice.you),
        ("the model", "model", voice.model),
        ("generic text", "plain", voice.generic),
    )
    for index, (name, kind, spread) in enumerate(rows):
        low, middle, high = (_LEFT + scale * v for v in (spread.low, spread.mean, spread.high))
        yield DistanceRange(name, kind, 14 + 28 * index, low, middle, high, spread.mean)
