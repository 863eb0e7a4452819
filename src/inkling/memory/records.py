"""What a memory is made of: exchanges of dialogs and passages of writing.

Knows: how turns become exchanges and how writing is cut. Does not know: where text is kept, how
it is looked up. Data: turns or a document's text -> `Record`s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inkling.tokens.chat_format import Turn

LOOKED_BACK = 2
"""Turns before a question that are kept with it."""

TURN_CHARACTERS = 2_000
"""Of a longer turn only the beginning is kept: what is mixed into a reply is a reply's length."""

PASSAGE_CHARACTERS = 150
"""How long a passage of writing is at least: a sentence or two, as a reply is."""

_BREAK = re.compile(r"(?<=[.!?…。！？])[\"'”’»)]*\s+|\n\s*\n|(?<=[。！？])")


@dataclass(frozen=True)
class Record:
    """An exchange, or with an empty question a passage of writing.

    `document` names the conversation or document in the corpus (its content hash); `place` is the
    position of the reply among the turns of its dialog, or the first character of a passage.
    """

    question: str
    reply: str
    before: tuple[Turn, ...] = ()
    document: str = ""
    place: int = 0

    @property
    def is_passage(self) -> bool:
        return not self.question


def exchanges(turns: Sequence[Turn], document: str) -> Iterator[Record]:
    """Every `me` turn of a dialog that follows a `them` turn."""
    kept = [(role, text[:TURN_CHARACTERS]) for role, text in turns]
    for place in range(1, len(kept)):
        (asked, question), (answered, reply) = kept[place - 1], kept[place]
        if asked == "them" and answered == "me" and question.strip() and reply.strip():
            before = tuple(kept[max(0, place - 1 - LOOKED_BACK) : place - 1])
            yield Record(question, reply, before, document, place)


def passages(text: str, document: str, start: int = 0) -> Iterator[Record]:
    """Writing in pieces of whole sentences, PASSAGE_CHARACTERS to twice as long. `start` is where
    the text begins in its document."""
    begun = 0
    for cut in [*(found.end() for found in _BREAK.finditer(text)), len(text)]:
        while cut - begun >= PASSAGE_CHARACTERS or cut == len(text):
            stop = min(cut, begun + 2 * PASSAGE_CHARACTERS)
            if piece := text[begun:stop].strip():
                yield Record("", piece, (), document, start + begun)
            begun = stop
            if begun >= cut:
                break
