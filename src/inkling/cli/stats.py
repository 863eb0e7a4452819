"""`inkling corpus stats`: how much text there is, from when, with whom, and what it buys.

Knows: how the numbers look. Does not know how they are counted (workflows.corpus_stats).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import typer

from inkling.cli.console import echo, visible
from inkling.cli.options import JsonOption, WorkspaceOption, find_workspace, print_json
from inkling.corpus.masking.kinds import MEANING
from inkling.corpus.statistics import CorpusCounts, MonthCount
from inkling.wording import plural
from inkling.workflows.corpus_stats import CorpusStats, corpus_stats

MONTHS_SHOWN = 24
"""Months that have a line each; of a longer time each year has one."""
BAR = 40
PEOPLE_SHOWN = 10
LANGUAGES_SHOWN = 6
SEEN = 0.01
"""Share of the text from which a language is shown: under it, it is mostly a wrong guess."""


def stats(
    context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Show what the corpus holds in numbers, and what a training of it buys."""
    if isinstance(context.obj, tuple):  # options may stand before the command's name
        workspace, as_json = workspace or context.obj[0], as_json or context.obj[1]
    found = corpus_stats(find_workspace(workspace))
    if as_json:
        print_json(found.to_dict())
        return
    for line in _lines(found):
        echo(visible(line))


def _lines(found: CorpusStats) -> Iterator[str]:
    counts = found.counts
    yield (
        f"{plural(counts.documents, 'document')} and {plural(counts.dialogs, 'dialog')} of "
        f"{plural(counts.messages, 'message')}: {counts.characters:,} characters, "
        f"about {counts.words:,} words"
    )
    yield from _histogram(counts)
    if counts.people:
        listed = [f"{p.name} {p.messages:,}" for p in counts.people[:PEOPLE_SHOWN]]
        yield f"People    {', '.join(listed)}{_more(len(counts.people) - len(listed))}"
    if counts.languages:
        shares = [f"{e.name} {e.share:.0%}" for e in counts.languages if e.share >= SEEN]
        yield f"Languages {', '.join(shares[:LANGUAGES_SHOWN])} (a guess)"
    if counts.documents:
        share = f"{counts.duplicates:.0%} of the writing says what an earlier passage says"
        yield f"Repeated  {share}" + ("; one copy is learned" if counts.duplicates else "")
    if found.masked:
        listed = [f"{each.count:,} {MEANING[each.kind]}" for each in found.masked]
        yield f"Masked    {', '.join(listed)} (inkling corpus review)"
    yield f"It buys   {found.estimate}"


def _histogram(counts: CorpusCounts) -> Iterator[str]:
    """A line a month, or a year, with a bar as long as its characters are many."""
    periods = _periods(counts.by_month)
    most = max((count for _, count in periods), default=0)
    for period, count in periods:
        bar = "█" * max(1, round(BAR * count / most)) if count else ""
        yield f"  {period:<7} {bar:<{BAR}} {count:>12,}"
    if counts.undated and periods:
        yield f"  {'undated':<7} {'':<{BAR}} {counts.undated:>12,}"


def _periods(months: Sequence[MonthCount]) -> list[tuple[str, int]]:
    """Months with those between them that have nothing, or years where those are too many."""
    if not months:
        return []
    known = {month.month: month.characters for month in months}
    first, last = _number(months[0].month), _number(months[-1].month)
    if last - first < MONTHS_SHOWN:
        names = [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, last + 1)]
        return [(name, known.get(name, 0)) for name in names]
    years: Counter[str] = Counter()
    for month in months:
        years[month.month[:4]] += month.characters
    return sorted(years.items())


def _number(month: str) -> int:
    return 12 * int(month[:4]) + int(month[5:]) - 1


def _more(count: int) -> str:
    return f" and {count:,} more" if count > 0 else ""
