"""What the panels of Inside show, as PNG figures.

Knows: matrices and bars in the house style (plots.py). Does not know models.
Data: labels and numbers -> a file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inkling.plots import FAINT, HELD_OUT, INK, TRAIN, styled_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELLED = 48
"""Up to as many rows and columns have labels."""
_WHITESPACE = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


@contextmanager
def _figure(path: Path) -> Iterator[Figure]:
    """A figure in the house style. What its font lacks is drawn as a box."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        with styled_figure(path) as figure:
            yield figure


def printed(text: str) -> str:
    """A piece with its whitespace made visible."""
    return text.translate(_WHITESPACE)


def draw_matrix(
    path: Path,
    title: str,
    caption: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: np.ndarray,
) -> None:
    """A matrix (R, C) of numbers from 0 to 1, shaded by their root; NaN is masked, shown as ×."""
    with _figure(path) as figure:
        figure.set_size_inches(8, 8 * max(0.4, min(1.2, len(rows) / max(1, len(columns)))) + 0.8)
        axes = figure.add_subplot()
        axes.imshow(np.sqrt(values), cmap="Blues", vmin=0, vmax=1, aspect="equal")
        if max(len(rows), len(columns)) <= LABELLED:
            axes.set_xticks(
                range(len(columns)),
                map(_plain, columns),
                rotation=60,
                fontsize=8,
                fontfamily="monospace",
            )
            axes.set_yticks(range(len(rows)), map(_plain, rows), fontsize=8, fontfamily="monospace")
            axes.xaxis.tick_top()
            for row, column in np.argwhere(np.isnan(values)):
                axes.text(column, row, "×", ha="center", va="center", fontsize=6, color=FAINT)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        axes.set_title(title, loc="left", color=INK)
        axes.set_xlabel(caption, fontsize=9, color=FAINT)


def draw_heads(path: Path, title: str, layers: Sequence[np.ndarray], names: Sequence[str]) -> None:
    """A tile a head, a row a layer; every tile (T, T) on one scale, with its name beneath."""
    heads = max(len(layer) for layer in layers)
    with _figure(path) as figure:
        figure.set_size_inches(max(4.0, 2.2 * heads), 2.6 * len(layers) + 0.6)
        grid = figure.subplots(len(layers), heads, squeeze=False)
        for number, (axes, name) in enumerate(zip(grid.flat, names, strict=True)):
            layer, head = divmod(number, heads)
            axes.imshow(np.sqrt(layers[layer][head]), cmap="Blues", vmin=0, vmax=1)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlabel(name, fontsize=8)
        figure.suptitle(title, x=0.02, ha="left")


def draw_distribution(
    path: Path,
    title: str,
    caption: str,
    names: Sequence[str],
    before: Sequence[float],
    after: Sequence[float],
) -> None:
    """What may come next: what is drawn from as bars, what the model said as outlines."""
    with _figure(path) as figure:
        figure.set_size_inches(8, 0.28 * len(names) + 1.6)
        axes = figure.add_subplot()
        at = np.arange(len(names))
        axes.barh(at, after, height=0.5, color=TRAIN)
        axes.barh(at, before, height=0.8, fill=False, edgecolor=HELD_OUT, linewidth=0.8)
        axes.set_yticks(at, map(_plain, names), fontsize=9, fontfamily="monospace")
        axes.invert_yaxis()
        axes.set_title(title, loc="left")
        axes.set_xlabel(caption, fontsize=9, color=FAINT)


def _plain(text: str) -> str:
    """A label: whitespace visible, and no mathematics, which matplotlib sees between dollars."""
    return printed(text).replace("$", r"\$")
