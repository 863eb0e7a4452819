"""`inkling ladder`: every rung on the same corpus, characters and minutes, in one table."""

from __future__ import annotations

from statistics import mean
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import COMMAND_STARTED
from inkling.cli.console import echo
from inkling.cli.options import WorkspaceOption, find_workspace
from inkling.cli.selection import (
    FromOption,
    InOption,
    MinLengthOption,
    OnlySourceOption,
    ToOption,
    WeightOption,
    WithoutSourceOption,
)
from inkling.cli.tables import Column, print_table
from inkling.config import Recipe
from inkling.errors import UsageError
from inkling.settings import chosen_texts
from inkling.workflows.ladder import LadderCallbacks, climb

if TYPE_CHECKING:
    from inkling.workflows.ladder import LadderReport

DEFAULT_MINUTES = 7.0


def ladder(
    minutes: Annotated[
        float, typer.Option(help="Minutes for all rungs together, shared evenly.")
    ] = DEFAULT_MINUTES,
    seeds: Annotated[int, typer.Option(help="Runs of each rung, one seed after another.")] = 1,
    name: Annotated[
        str | None, typer.Option(help="Name of the group of runs.", show_default=False)
    ] = None,
    only_source: OnlySourceOption = None,
    without_source: WithoutSourceOption = None,
    since: FromOption = None,
    until: ToOption = None,
    within: InOption = None,
    min_length: MinLengthOption = None,
    weight: WeightOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train every model from a bigram to `modern` on your text, and see what each idea buys."""
    if not 0 < minutes < 1e6:
        raise UsageError(f"--minutes must be more than 0; you gave {minutes:g}.")
    if not 1 <= seeds <= 100:
        raise UsageError(f"--seeds must be between 1 and 100; you gave {seeds}.")
    found = find_workspace(workspace)
    chosen = chosen_texts(found, {
        "only_source": only_source, "without_source": without_source, "from": since, "to": until,
        "in": within, "min_length": min_length, "weight": weight,
    })  # fmt: skip
    report = climb(
        found, minutes, seeds=seeds, name=name, selection=chosen, callbacks=_LadderView(),
        started=COMMAND_STARTED.get(),
    )  # fmt: skip
    if report.interrupted_in is not None:
        echo(f"Stopped in {report.interrupted_in}; what was trained before is kept.")
        raise typer.Exit(128 + (report.signal or 2))
    _print(report)


class _LadderView(LadderCallbacks):
    """Prints a line for each rung that was trained."""

    def on_climb(self, rungs: int, seconds: float) -> None:
        echo(f"{rungs} rungs, {seconds:.0f} seconds in all:")

    def on_rung(self, recipe: Recipe, number: int, parameters: int, nats_per_char: float) -> None:
        echo(f"  {recipe} {number}: {parameters:,} weights, {nats_per_char:.3f} nats a character")


def _print(report: LadderReport) -> None:
    from inkling.evaluation.units import bits

    rows = []
    for rung in report.rungs:
        middle = mean(rung.nats)
        spread = f"{rung.spread:.3f}" if len(rung.nats) > 1 else "–"
        rows.append(
            (rung.rung, f"{rung.parameters:,}", f"{middle:.3f}", spread, f"{bits(middle):.2f}")
        )
    for name, nats in report.baselines.items():
        rows.append((name, "", f"{nats:.3f}", "", f"{bits(nats):.2f}"))
    headings = ("weights", "nats/char", "spread", "bits/char")
    echo("")
    print_table([Column("rung"), *(Column(heading, number=True) for heading in headings)], rows)
    echo("")
    for rung in report.rungs:
        echo(f"{rung.rung}: {rung.sample}")
    for sentence in report.surprises:
        echo(sentence)
    echo(f"Figure: {report.figure}")
