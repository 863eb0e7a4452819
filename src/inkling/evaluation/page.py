"""A report as one self-contained page: `runs/NAME/report.html`.

Knows: HTML, CSS, SVG. Does not know: how anything was measured. Data: `Report` -> HTML.

No script and nothing from outside: the page can be mailed, printed and read in ten years.
Every text of a person, a corpus or a model goes through `html.escape`. Where Inkling's look is
described: warm paper, hairlines, serif prose, tabular numerals, one colour for the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files

from inkling.evaluation.calibration import Calibration
from inkling.evaluation.loops import Loops
from inkling.evaluation.schema import Example, HeldOut, Missing, Report
from inkling.evaluation.stylometry import Voice
from inkling.evaluation.units import bits
from inkling.evaluation.wording import (
    calibration_sentence,
    checkpoint_name,
    copied_sentences,
    guess_sentence,
    leak_sentences,
    sampling_words,
    way_sentence,
)
from inkling.runs import Run
from inkling.workspace import atomic_write

_SIDE = 240  # of a reliability diagram, in SVG units


def write_page(run: Run, report: Report) -> None:
    """Write the page beside report.json."""
    atomic_write(run.report_page_path, page(report))


def page(report: Report) -> str:
    """The whole document."""
    style = (files("inkling.evaluation") / "page.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(report.run)}: a report</title>",
            f"<style>\n{style}</style></head>",
            "<body>",
            *_header(report),
            "<main>",
            *_losses(report),
            *_baselines(report),
            *_leaks(report),
            *_calibrations(report),
            *_replies(report),
            *_voice(report.voice),
            *_guesses(report),
            "</main>",
            "</body></html>",
            "",
        ]
    )


def _header(report: Report) -> Iterator[str]:
    verdict = report.verdict
    yield "<header>"
    yield f"<h1>{escape(report.run)}</h1>"
    yield (
        f'<p class="facts">{escape(report.recipe)}, {report.parameters:,} weights, trained on '
        f"{report.train_characters:,} characters; measured {escape(report.made[:10])} by Inkling "
        f"{escape(report.inkling_version)}, seed {report.seed}.</p>"
    )
    if verdict.warning:
        yield '<div class="verdict warning">'
        yield f"<p><strong>Careful.</strong> {escape(verdict.text)}</p>"
        if verdict.reasons:
            yield f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in verdict.reasons)}</ul>"
        yield "</div>"
    else:
        yield f'<p class="verdict">{escape(verdict.text)}</p>'
    yield "</header>"


def _section(title: str, body: Iterable[str], aside: str) -> Iterator[str]:
    """A section; `aside` is the annotation in the margin. Both are HTML."""
    yield f"<section><h2>{title}</h2>"
    yield "<div>"
    yield from body
    yield "</div>"
    yield f"<aside>{aside}</aside></section>"


def _texts(report: Report) -> list[tuple[str, HeldOut | Missing]]:
    return [("writing", report.writing), ("replies", report.replies)]


def _measured(report: Report) -> list[tuple[str, HeldOut]]:
    return [(name, text) for name, text in _texts(report) if isinstance(text, HeldOut)]


def _losses(report: Report) -> Iterator[str]:
    rows = []
    for name, text in _texts(report):
        if isinstance(text, Missing):
            rows.append(f'<tr class="group"><th colspan="4">{name}: {escape(text.why)}</th></tr>')
            continue
        rows.append(
            f'<tr class="group"><th colspan="4">{name}, {text.characters:,} characters</th></tr>'
        )
        for index, loss in enumerate(text.losses):
            rows.append(
                _row(
                    escape(checkpoint_name(loss, report)),
                    [
                        f"{loss.nats_per_char:.3f}",
                        f"{loss.bits_per_char:.2f}",
                        f"{loss.perplexity_per_char:.2f}",
                    ],
                    mine=index == 0,
                )
            )
    yield from _section(
        "Held-out loss",
        [_table(["", "nats/character", "bits/character", "perplexity"], rows)],
        "−Σ ln p over every held-out character, divided by their number. A perplexity of 3 means: "
        "as unsure as between three characters. In colour: the number that counts.",
    )


def _baselines(report: Report) -> Iterator[str]:
    body = []
    notes: dict[str, None] = {}
    for name, text in _measured(report):
        top = max([*(b.nats_per_char for b in text.baselines), text.losses[0].nats_per_char])
        entries = [(b.name, b.how, b.nats_per_char, False) for b in text.baselines]
        entries.append(("this model", "", text.losses[0].nats_per_char, True))
        rows = [
            _row(
                f'{escape(who)}<br><span class="note">{escape(how)}</span>' if how else escape(who),
                [f"{bits(nats):.2f}"],
                mine=mine,
                bar=nats / top,
            )
            for who, how, nats, mine in entries
        ]
        body.append(_table([name, "bits/character", ""], rows))
        notes.update(dict.fromkeys(text.notes))
    if body:
        yield from _section(
            "Against methods without a network",
            body,
            "<p>The same held-out text, after the same training text.</p>"
            + "".join(f"<p>{escape(note)}</p>" for note in notes),
        )


def _leaks(report: Report) -> Iterator[str]:
    yield from _section(
        "What the training text gave away",
        [f"<p>{escape(sentence)}</p>" for sentence in leak_sentences(report.leak)],
        "A loss on text that the model has read says nothing about text that it has not.",
    )


def _calibrations(report: Report) -> Iterator[str]:
    diagrams, sentences = [], []
    for name, text in _measured(report):
        if isinstance(text.calibration, Missing):
            sentences.append(text.calibration.why)
            continue
        sentences.append(calibration_sentence(name, text.calibration))
        diagrams.append(_reliability(name, text.calibration))
    yield from _section(
        "Does it know how sure it may be?",
        [f'<div class="pair">{"".join(diagrams)}</div>']
        + [f"<p>{escape(sentence)}</p>" for sentence in sentences or ["Nothing was held out."]],
        "Ten bins of the probability of the likeliest next token. On the dashed line, what the "
        "model gives 70% is right 70% of the time; below it the model is too sure. The larger a "
        "dot, the more tokens.",
    )


def _reliability(name: str, found: Calibration) -> str:
    most = max(b.tokens for b in found.bins)
    marks = []
    for b in found.bins:
        if not b.tokens:
            continue
        x, y = _SIDE * b.confidence, _SIDE * (1 - b.accuracy)
        radius = 2 + 7 * (b.tokens / most) ** 0.5
        marks.append(
            f'<line class="gap" x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{_SIDE - x:.1f}"/>'
            f'<circle class="model" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
            f"<title>{b.tokens:,} tokens: {b.confidence:.0%} sure, {b.accuracy:.0%} right</title>"
            "</circle>"
        )
    rows = [
        _row(
            f"{b.low:.0%} to {b.high:.0%}",
            [
                f"{b.tokens:,}",
                *([f"{b.confidence:.1%}", f"{b.accuracy:.1%}"] if b.tokens else "––"),
            ],
        )
        for b in found.bins
    ]
    return (
        f"<figure><figcaption>{name}: expected calibration error {found.error:.1%}</figcaption>"
        f'<svg viewBox="-34 -8 {_SIDE + 46} {_SIDE + 44}" role="img" '
        f'aria-label="Reliability on {name}; the table below has its numbers">'
        f'<path class="axis" d="M0 0V{_SIDE}H{_SIDE}"/>'
        f'<path class="ideal" d="M0 {_SIDE}L{_SIDE} 0"/>'
        + "".join(marks)
        + f'<text class="small" x="-6" y="4" text-anchor="end">100%</text>'
        f'<text class="small" x="-6" y="{_SIDE}" text-anchor="end">0%</text>'
        f'<text class="small" x="-6" y="{_SIDE / 2}" text-anchor="end">right</text>'
        f'<text class="small" x="{_SIDE / 2}" y="{_SIDE + 18}" text-anchor="middle">sure</text>'
        f'<text class="small" x="{_SIDE}" y="{_SIDE + 18}" text-anchor="middle">100%</text>'
        "</svg>" + _table(["sure", "tokens", "mean", "right"], rows) + "</figure>"
    )


def _replies(report: Report) -> Iterator[str]:
    body = []
    if isinstance(report.loops, Loops):
        found = report.loops
        rows = [
            _row(what, [f"{count:,}", f"{count / found.replies:.0%}"])
            for what, count in (
                ("go in circles", found.looping),
                ("are empty", found.empty),
                ("were cut off", found.cut_off),
            )
        ]
        body.append(_table([f"of {found.replies:,} replies", "", ""], rows))
    else:
        body.append(f"<p>{escape(report.loops.why)}</p>")
    if not isinstance(report.copied, Missing):
        body += [f"<p>{escape(sentence)}</p>" for sentence in copied_sentences(report.copied)]
    if report.examples:
        body.append(_said(report.examples))
    yield from _section(
        "Replies",
        body,
        f"Drawn with {escape(sampling_words(report))}. In circles: 20 characters that stand there "
        "three times. The examples are the first asked, not chosen.",
    )


def _said(examples: Sequence[Example]) -> str:
    rows = [
        f"<tr><td>{escape(e.question)}</td><td>{escape(e.you)}</td>"
        f'<td class="mine">{escape(e.model)}</td></tr>'
        for e in examples
    ]
    return (
        '<div class="scroll said"><table><thead><tr><th>asked</th><th>you</th><th>the model</th>'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _voice(voice: Voice | Missing) -> Iterator[str]:
    if isinstance(voice, Missing):
        yield from _section("Sounds like you", [f"<p>{escape(voice.why)}</p>"], "")
        return
    scale = 360 / max(0.001, voice.generic.high, voice.model.high, voice.you.high)
    marks = []
    for index, (name, spread) in enumerate(
        (("you, against yourself", voice.you), ("the model", voice.model),
         ("generic text", voice.generic))
    ):  # fmt: skip
        y, kind = 14 + 28 * index, "model" if spread is voice.model else "plain"
        low, middle, high = (140 + scale * v for v in (spread.low, spread.mean, spread.high))
        marks.append(
            f'<text x="0" y="{y + 4}">{name}</text>'
            f'<line class="range {kind}" x1="{low:.1f}" y1="{y}" x2="{high:.1f}" y2="{y}"/>'
            f'<circle class="{kind}" cx="{middle:.1f}" cy="{y}" r="5"/>'
            f'<text class="small" x="{high + 8:.1f}" y="{y + 4}">{spread.mean:.3f}</text>'
        )
    figure = (
        '<figure><svg viewBox="0 0 560 100" role="img" aria-label="Distances from your replies">'
        '<path class="axis" d="M140 86H500"/>' + "".join(marks) + "</svg></figure>"
    )
    habits = [
        _row(escape(row.habit), [f"{v:.3f}" for v in (row.you, row.model, row.generic)])
        for row in voice.habits
    ]
    traits = [
        _row(escape(row.trait), [f"{v:.1f}" for v in (row.you, row.model, row.generic)])
        for row in voice.traits
    ]
    yield from _section(
        "Sounds like you",
        [
            figure,
            f"<p>{escape(way_sentence(voice))}</p>",
            _table(["distance in", "you", "model", "generic"], habits),
            _table(["in plain numbers", "you", "model", "generic"], traits),
        ],
        "0 is the same habits, 1 nothing in common: the mean of six Jensen–Shannon distances. The "
        "line is the middle 90% of 200 random halvings of the replies. What counts is not how far "
        "the model is from you, but how far beyond you against yourself.",
    )


def _guesses(report: Report) -> Iterator[str]:
    games = [f"<p>{escape(guess_sentence(game))}</p>" for game in report.guess]
    yield from _section(
        "Me or the model?",
        games or [f"<p>Not played yet: inkling guess --run {escape(report.run)}.</p>"],
        "Ten real and ten generated replies to the same questions, blind. Guessing scores 50%. The "
        "interval counts each question once, since its two replies give each other away.",
    )


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    cells = "".join(
        f"<th{' class=number' if index else ''}>{name}</th>" for index, name in enumerate(head)
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _row(name: str, numbers: Sequence[str], mine: bool = False, bar: float | None = None) -> str:
    """One row. `name` is HTML; a bar is a share of the whole width."""
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    if bar is not None:
        kind = "model" if mine else "plain"
        cells += (
            '<td class="bar"><svg viewBox="0 0 100 8" preserveAspectRatio="none" '
            f'aria-hidden="true"><rect class="{kind}" width="{100 * bar:.1f}" height="8"/></svg>'
            "</td>"
        )
    return f"<tr{' class=mine' if mine else ''}><th>{name}</th>{cells}</tr>"
