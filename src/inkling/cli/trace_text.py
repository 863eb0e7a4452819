"""A trace in words, for the terminal: what was copied, longest first, each with its source.

Knows: how a `Trace` is put in words for a person. Does not know how it was made.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from inkling.wording import plural

if TYPE_CHECKING:
    from inkling.tracing.trace import CopiedSpan, SourcePassage, Trace

MAX_SPANS = 10
MAX_PLACES = 3
# Of a longer span the middle is left out.
_SHOWN_CHARACTERS = 400
_OPENS, _CLOSES = "»", "«"


def lines(traced: Trace) -> Iterator[str]:
    """A trace for a person, 80 columns wide: the headline, then the spans, longest first."""
    yield _wrapped(_headline(traced))
    longest_first = sorted(traced.spans, key=lambda span: (-len(span.text), span.start))
    for span in longest_first[:MAX_SPANS]:
        yield ""
        yield from _span_lines(span)
    if len(longest_first) > MAX_SPANS:
        rest = plural(len(longest_first) - MAX_SPANS, "shorter span")
        verb = "is" if rest.startswith("1 ") else "are"
        yield f"\nThere {verb} {rest}; inkling trace --json has all."


def _headline(traced: Trace) -> str:
    if not traced.spans:
        short = (
            f" It has only {plural(traced.characters, 'character')}; inkling trace "
            "--min-characters looks for shorter stretches."
            if traced.characters < traced.min_characters
            else ""
        )
        return (
            f"Nothing of this text, in stretches of {plural(traced.min_characters, 'character')} "
            f"or more, stands verbatim in what the run {traced.run} was trained on.{short}"
        )
    return (
        f"{percent(traced.share).capitalize()} of this text stands verbatim in what the run "
        f"{traced.run} was trained on; longest {plural(traced.longest, 'character')}."
    )


def percent(share: float) -> str:
    """Whole percents, but never 0 % of something or 100 % of less than all."""
    if share < 0.01:
        return "less than 1 %"
    return f"{100 if share == 1 else min(99, round(100 * share))} %"


def _span_lines(span: CopiedSpan) -> Iterator[str]:
    times = "" if span.count == 1 else f", in {span.count:,} places"
    yield f"{plural(len(span.text), 'character')}{times}"
    for passage in span.passages[:MAX_PLACES]:
        yield _wrapped(_source(passage), "  ")
        if passage.question:
            yield _wrapped(f"them: {_shortened(passage.question)}", "    ", "          ")
        speaker = "" if passage.kind == "writing" else f"{passage.kind}: "
        indented = "    " + " " * len(speaker)
        yield _wrapped(speaker + _marked(span.text, passage), "    ", indented)
    more = span.count - min(len(span.passages), MAX_PLACES)
    if more:
        yield f"  and in {plural(more, 'more place')}"


def _source(passage: SourcePassage) -> str:
    """One line for a person: what it is called, where it came from, when."""
    if not passage.in_corpus:
        kind = "writing" if passage.kind == "writing" else "a dialog"
        return f"{kind} that is no longer in the corpus"
    reference = passage.reference or passage.source or ""
    if "://" not in reference:
        reference = os.path.basename(reference)
    named = f"“{passage.title}”, {reference}" if passage.title else reference
    return f"{named}, {passage.date}" if passage.date else named


def _marked(text: str, passage: SourcePassage) -> str:
    """The span between marks, with whole words before and after it."""
    from inkling.tracing.trace import CONTEXT_CHARACTERS

    before, after = passage.before, passage.after
    if len(before) == CONTEXT_CHARACTERS:
        before = "… " + before.partition(" ")[2]
    if len(after) == CONTEXT_CHARACTERS:
        after = after.rpartition(" ")[0] + " …"
    # Spaces at the edges of the span stand outside its marks, where they part words.
    opens = " " * text[:1].isspace() + _OPENS
    closes = _CLOSES + " " * text[-1:].isspace()
    return " ".join(f"{before}{opens}{_shortened(text)}{closes}{after}".split())


def _shortened(text: str) -> str:
    """On one line, and without its middle where it is long."""
    if len(text) > _SHOWN_CHARACTERS:
        half = _SHOWN_CHARACTERS // 2
        text = f"{text[:half]} […] {text[-half:]}"
    return " ".join(text.split())


def _wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    width = min(80, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=first if rest is None else rest
    )
