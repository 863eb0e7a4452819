"""The memory that goes with a page: dialogs word for word, and how many words of whom.

Knows: which turns a memory needs. Does not know: how they are looked up, or the page. Data:
workspace + run -> the dialogs of its memory -> those turns that an exchange holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inkling.memory.corpus_index import run_dialogs
from inkling.memory.records import LOOKED_BACK, TURN_CHARACTERS, exchanges
from inkling.runs import Run
from inkling.tokens.chat_format import Turn
from inkling.workspace import Workspace


@dataclass(frozen=True)
class PageMemory:
    """Dialogs of which every turn belongs to an exchange: a question, its reply, what was said
    before."""

    dialogs: tuple[tuple[Turn, ...], ...]
    exchanges: int

    @classmethod
    def of(cls, dialogs: Iterable[Sequence[Turn]]) -> PageMemory | None:
        """What an index over these dialogs holds; None where that is nothing."""
        kept, count = [], 0
        for dialog in dialogs:
            places = [record.place for record in exchanges(dialog, "")]
            needed = {n for place in places for n in range(place - 1 - LOOKED_BACK, place + 1)}
            turns = [
                (dialog[n][0], dialog[n][1][:TURN_CHARACTERS]) for n in sorted(needed) if n >= 0
            ]
            if turns:
                kept.append(tuple(turns))
                count += len(places)
        return cls(tuple(kept), count) if kept else None

    def characters(self, role: str) -> int:
        """How much of it was written by `me`, or by `them`."""
        return sum(len(text) for dialog in self.dialogs for who, text in dialog if who == role)

    @property
    def size(self) -> int:
        """Bytes that it takes in a file, about."""
        return sum(len(text.encode(errors="replace")) + 10 for d in self.dialogs for _, text in d)

    def sentence(self, name: str) -> str:
        """What is in a file that holds it."""
        return (
            f"It holds a memory, word for word: {self.exchanges:,} exchanges, with "
            f"{self.characters('me'):,} characters of what {name} wrote and "
            f"{self.characters('them'):,} of what other people wrote to {name}. Whoever has the "
            "file can read all of it."
        )


def page_memory(workspace: Workspace, run: Run) -> PageMemory | None:
    """The memory that a run replies with; None where it has none.

    Raises CorpusError where the corpus cannot be read.
    """
    return PageMemory.of(run_dialogs(workspace, run))
