"""Figures of a run and of a ladder: the only file that knows matplotlib.

Knows: how a training is drawn. Does not know how it was trained.
Data: a run's metrics -> `Curve`s -> figures/*.png.

One style for all: hairlines, labels at the line instead of a legend, train and held-out told
apart by colour, dash and grey value, so that a figure survives README size and a black-and-
white printer. Losses are nats a character on the left, bits on the right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkling.config import Phase, RunConfig
from inkling.errors import RunError
from inkling.evaluation.units import bits
from inkling.permissions import make_private_folder, private_opener
from inkling.run_files import METRICS_FILE
from inkling.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, FAINT = "#FBFAF7", "#1C1B19", "#8A877F"
TRAIN, HELD_OUT = "#0072B2", "#D55E00"
SIZE = (8.0, 4.5)
DOTS_PER_INCH = 160

LADDER_COLOURS = ("#999999", "#56B4E9", "#009E73", "#E69F00", "#0072B2", "#CC79A7", "#D55E00")
"""Okabe and Ito's palette, told apart by most colour-blind eyes."""

_STYLE = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.family": "serif",
    "font.size": 11,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Curve:
    """The evaluations of one phase. Losses in nats a character; train is None before step 1."""

    phase: Phase
    steps: list[int]
    minutes: list[float]
    train: list[float | None]
    held_out: list[float]
    held_out_tokens: list[float]
    """Nats a token, for perplexity."""
    lr: list[float]


def curves(records: Iterable[Mapping[str, Any]], config: RunConfig) -> list[Curve]:
    """The phases of a run. Train losses are turned into nats a character by the corpus's
    average of characters a token."""
    tokens_per_character = config.data.train_tokens / max(1, config.data.train_characters)
    found: dict[Phase, Curve] = {}
    for record in records:
        if "val_nats_per_char" not in record:
            continue
        phase: Phase = record["phase"]
        curve = found.setdefault(phase, Curve(phase, [], [], [], [], [], []))
        train = record["train_loss"]
        curve.steps.append(record["step"])
        curve.minutes.append(record["elapsed_min"])
        curve.train.append(None if train is None else train * tokens_per_character)
        curve.held_out.append(record["val_nats_per_char"])
        curve.held_out_tokens.append(record["val_loss"])
        curve.lr.append(record["lr"])
    return list(found.values())


def smoothed(values: Sequence[float]) -> list[float]:
    """Mean of each value and its neighbours: three points inside, two at the ends."""
    return [
        sum(values[max(0, i - 1) : i + 2]) / len(values[max(0, i - 1) : i + 2])
        for i in range(len(values))
    ]


def draw_run(run: Run) -> list[Path]:
    """Draw a run's four figures. Raises RunError where nothing was measured yet."""
    config = run.config()
    phases = curves(run.records(METRICS_FILE), config)
    if not any(curve.steps for curve in phases):
        raise RunError(
            f"The run {run.name!r} has no evaluation to draw yet. "
            f"Continue it: inkling train --resume --run {run.name}."
        )
    drawings: dict[str, Callable[[Figure, list[Curve]], None]] = {
        "loss_journey": _journey,
        "loss_decrease": _decrease,
        "perplexity": _perplexity,
        "training_dashboard": _dashboard,
    }
    make_private_folder(run.figures_path)
    paths = []
    for name, draw in drawings.items():
        path = run.figures_path / f"{name}.png"
        with styled_figure(path) as figure:
            draw(figure, phases)
        paths.append(path)
    return paths


def draw_ladder(path: Path, climbed: Mapping[str, Curve], baselines: Mapping[str, float]) -> None:
    """Every rung's held-out loss against its minutes, and what a table of counts reaches."""
    with styled_figure(path) as figure:
        axes = figure.add_subplot()
        labels = []
        end = max(curve.minutes[-1] for curve in climbed.values())
        for (name, curve), colour in zip(climbed.items(), LADDER_COLOURS, strict=False):
            axes.plot(curve.minutes, curve.held_out, color=colour)
            labels.append((curve.minutes[-1], curve.held_out[-1], name, colour))
        for name, value in baselines.items():
            axes.axhline(value, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.annotate(
                name, (0.02 * end, value), (0, -11), textcoords="offset points", fontsize=9,
                color=FAINT,
            )  # fmt: skip
        low = min(min(curve.held_out) for curve in climbed.values())
        high = max([*baselines.values(), max(curve.held_out[0] for curve in climbed.values())])
        axes.set_ylim(low - 0.08 * (high - low), min(high + 0.05 * (high - low), low + 2.2))
        axes.set_xlim(0, end * 1.16)
        _label_ends(axes, labels)
        axes.set_xlabel("minutes of training")
        _loss_axis(axes)


@contextmanager
def styled_figure(path: Path) -> Iterator[Figure]:
    """A figure in the house style that becomes `path` when the block ends."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    with matplotlib.rc_context(_STYLE):
        figure = pyplot.figure(figsize=SIZE, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
        try:
            yield figure
            temporary = path.with_name(f".{path.name}")
            with open(temporary, "wb", opener=private_opener) as file:
                figure.savefig(file, dpi=DOTS_PER_INCH, format="png")
            temporary.replace(path)
        finally:
            pyplot.close(figure)


def _journey(figure: Figure, phases: list[Curve]) -> None:
    axes = figure.add_subplot()
    _draw_losses(axes, phases, lambda curve: curve.steps, lambda values: values)
    axes.set_xlabel("step")
    _loss_axis(axes)


def _decrease(figure: Figure, phases: list[Curve]) -> None:
    axes = figure.add_subplot()
    for curve in phases:
        axes.plot(curve.minutes, curve.held_out, "o", color=HELD_OUT, markersize=2.5, alpha=0.45)
    _draw_losses(axes, phases, lambda curve: curve.minutes, smoothed)
    axes.set_xlabel("minutes of training (mean of three neighbouring evaluations)")
    _loss_axis(axes)


def _perplexity(figure: Figure, phases: list[Curve]) -> None:
    axes = figure.add_subplot()
    for curve in phases:
        axes.plot(curve.steps, [math.exp(v) for v in curve.held_out_tokens], color=HELD_OUT)
    axes.set_yscale("log")
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("choices a token, held out (perplexity)")
    axes.set_xlabel("step")
    _mark_phases(axes, phases, lambda curve: curve.steps)
    last = phases[-1]
    _label_ends(axes, [(last.steps[-1], math.exp(last.held_out_tokens[-1]), "held out", HELD_OUT)])


def _dashboard(figure: Figure, phases: list[Curve]) -> None:
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw_losses(losses, phases, lambda curve: curve.steps, lambda values: values)
    _loss_axis(losses)
    for curve in phases:
        rates.plot(curve.steps, curve.lr, color=INK)
    rates.set_ylabel("learning rate")
    rates.set_ylim(bottom=0)
    rates.set_xlabel("step")


def _draw_losses(
    axes: Axes,
    phases: list[Curve],
    position: Callable[[Curve], Sequence[float]],
    transform: Callable[[Sequence[float]], Sequence[float]],
) -> None:
    """Both losses of every phase, labelled at the line, the best point of each marked."""
    labels = []
    for curve in phases:
        x = position(curve)
        axes.plot(x, transform(curve.held_out), color=HELD_OUT)
        train = [(at, loss) for at, loss in zip(x, curve.train, strict=True) if loss is not None]
        if train:
            at, values = zip(*train, strict=True)
            axes.plot(at, transform(values), color=TRAIN, linestyle=(0, (4, 2)))
        best = min(range(len(x)), key=lambda i: curve.held_out[i])
        axes.plot(
            x[best], curve.held_out[best], "o", markersize=6, markerfacecolor=PAPER,
            markeredgecolor=HELD_OUT, markeredgewidth=1.4, zorder=5,
        )  # fmt: skip
        axes.annotate(
            f"best {curve.held_out[best]:.3f}", (x[best], curve.held_out[best]),
            (8 if curve is phases[-1] else -8, -12),
            textcoords="offset points", ha="left" if curve is phases[-1] else "right",
            fontsize=9, color=HELD_OUT,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
        if curve is phases[-1]:
            labels.append((x[-1], transform(curve.held_out)[-1], "held out", HELD_OUT))
            if train:
                labels.append((at[-1], transform(values)[-1], "train", TRAIN))
    _mark_phases(axes, phases, position)
    _label_ends(axes, labels)
    axes.margins(y=0.12)


def _mark_phases(
    axes: Axes, phases: list[Curve], position: Callable[[Curve], Sequence[float]]
) -> None:
    """A hairline where fine-tuning begins, and the phases' names at the top. Leaves room at
    the right for the lines' names."""
    axes.set_xlim(0, position(phases[-1])[-1] * 1.13)
    names = {"train": "writing", "finetune": "replies"}
    for index, curve in enumerate(phases):
        start = position(curve)[0] if index else 0
        if index:
            axes.axvline(start, color=FAINT, linewidth=0.6)
        if len(phases) > 1:
            axes.annotate(
                names[curve.phase], (start, 1), (4, -2), xycoords=("data", "axes fraction"),
                textcoords="offset points", va="top", fontsize=9, color=FAINT,
            )  # fmt: skip


def _label_ends(axes: Axes, labels: list[tuple[float, float, str, str]]) -> None:
    """Names behind the lines' ends, pushed apart where they would overlap."""
    axes.figure.canvas.draw()
    to_points = 72 / axes.figure.dpi
    bottom = -math.inf
    box = axes.get_window_extent()
    for x, y, name, colour in sorted(labels, key=lambda label: label[1]):
        at_y = (axes.transData.transform((x, y))[1] - box.y0) * to_points
        wanted = max(at_y, bottom + 12)
        bottom = wanted
        axes.annotate(
            name, (x, y), (6, wanted - at_y - 3), textcoords="offset points", fontsize=10,
            color=colour, annotation_clip=False,
        )  # fmt: skip


def _loss_axis(axes: Axes) -> None:
    """Nats on the left, bits on the right."""
    axes.set_ylabel("nats a character")

    def to_bits(nats: Any) -> Any:
        return bits(nats)

    def to_nats(value: Any) -> Any:
        return value * math.log(2)

    right = axes.secondary_yaxis("right", functions=(to_bits, to_nats))
    right.set_ylabel("bits a character")
    right.spines["right"].set_visible(True)
    right.spines["right"].set_linewidth(0.6)
