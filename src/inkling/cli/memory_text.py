"""What a reply took from memory, in words for the terminal: the exchanges, and the share of each
word.

Knows: how an `Explanation` is put in words for a person, with marks where a terminal shows them and
with numbers where not. Does not know how it was made.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from inkling.cli.trace_text import percent

if TYPE_CHECKING:
    from inkling.inference.memory_trace import MemoryTrace, TracedPiece
    from inkling.workflows.why import Explanation

MOSTLY, PARTLY = 2 / 3, 1 / 3
"""Shares from which a word is marked as mostly or as partly from memory."""

_SHOWN_CHARACTERS = 160
_STYLES = {2: "\x1b[1;4m", 1: "\x1b[4m", 0: ""}
_PLAIN = "\x1b[0m"


def lines(explained: Explanation, numbered: bool) -> Iterator[str]:
    """The memory's part in a reply, 80 columns wide, without the words themselves unless
    `numbered`: then each stretch stands with its share and the exchange it came from."""
    if explained.remark:
        yield from _wrapped(explained.remark)
    memory = explained.memory
    if memory is None:
        return
    yield from _wrapped(headline(memory))
    for number, neighbour in enumerate(memory.neighbours):
        record = neighbour.record
        gave = memory.given[number]
        part = f"gave {percent(gave)} of the reply" if gave > 0 else "gave nothing"
        known = explained.described.get(record.document)
        named = known and (known.title or (known.timestamp and known.timestamp[:10]))
        yield from _wrapped(
            f"[{number + 1}] weight {neighbour.weight:.2f}, {part}{f'; {named}' if named else ''}"
        )
        yield from _wrapped(f"them: {_shortened(record.question)}", "    ")
        yield from _wrapped(f"me: {_shortened(record.reply)}", "    ")
    if numbered and memory.neighbours:
        yield "Share from memory, exchange, words:"
        for share, source, text in stretches(memory.pieces):
            mark = f"[{source + 1}]" if source is not None else "   "
            yield from _wrapped(f"{share:4.0%}  {mark:<4} {' '.join(text.split())}", "  ", 14)


def headline(memory: MemoryTrace) -> str:
    """One sentence: how much of the reply came from memory, and how much from the weights."""
    if memory.weight == 0:
        return "Memory 0: all of this reply came from the weights."
    if not memory.neighbours:
        return (
            f"Memory {memory.weight:g}: nothing that you said before is like this message; all of "
            "this reply came from the weights."
        )
    share = round(100 * memory.share)
    return (
        f"Memory {memory.weight:g}: {share} % of this reply came from what you said before, "
        f"{100 - share} % from the weights."
    )


def stretches(pieces: Sequence[TracedPiece]) -> Iterator[tuple[float, int | None, str]]:
    """Neighbouring pieces from the same exchange together, (mean share, exchange, text); each
    character counts the same."""
    for source, found in groupby(pieces, key=lambda piece: piece.neighbour):
        group = list(found)
        length = sum(len(piece.text) for piece in group)
        share = sum(len(piece.text) * piece.share for piece in group) / length
        yield share, source, "".join(piece.text for piece in group)


def marked(pieces: Sequence[TracedPiece]) -> str:
    """The reply for a terminal: underlined where partly, bold as well where mostly from memory.

    Its lines are as they are; nothing in the text is obeyed by a terminal."""
    from inkling.cli.console import visible

    shown = ""
    for level, group in groupby(pieces, key=lambda piece: level_of(piece.share)):
        text = visible("".join(piece.text for piece in group))
        shown += f"{_STYLES[level]}{text}{_PLAIN}" if level else text
    return shown


def level_of(share: float) -> int:
    """0 for what came from the weights, 1 partly, 2 mostly from memory."""
    return 2 if share >= MOSTLY else 1 if share >= PARTLY else 0


def _shortened(text: str) -> str:
    return textwrap.shorten(text, _SHOWN_CHARACTERS, placeholder=" …") or text[:_SHOWN_CHARACTERS]


def _wrapped(text: str, first: str = "", rest: int | None = None) -> list[str]:
    width = min(80, shutil.get_terminal_size().columns)
    indented = first + "    " if rest is None and first else " " * (rest or 0)
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=indented)
