"""The few questions that people ask first, in the many words that they ask them in.

Knows: ways_of_asking.txt. Does not know: anybody's dialogs, scores. Data: message ->
`other_ways(message)` -> the other ways of asking the same.

What somebody asks a stranger first is the same everywhere, and seldom worded as in their messages
to friends: "how old are you" there is "what age will you be in march". No corpus of one person
tells that the two are one question, so it is written here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from inkling.memory.words import words

_FILE = Path(__file__).with_name("ways_of_asking.txt")

MORE_WORDS = 2
"""Words that a message may have beside a way of asking: a name, "please", "today"."""


@cache
def groups() -> tuple[tuple[str, ...], ...]:
    """Ways of asking the same, together."""
    lines = [line for line in _FILE.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    paragraphs = "\n".join(lines).split("\n\n")
    return tuple(tuple(p.split("\n")) for paragraph in paragraphs if (p := paragraph.strip()))


@cache
def _by_words() -> dict[tuple[str, ...], int]:
    """The group of each way of asking, by its words."""
    return {tuple(words(way)): number for number, group in enumerate(groups()) for way in group}


def other_ways(message: str) -> tuple[str, ...]:
    """The ways of asking what a message asks, if it is a first question; else none."""
    found = tuple(words(message))
    known = _by_words()
    if len(found) > 12:  # the longest way, and MORE_WORDS
        return ()
    for length in range(len(found), max(0, len(found) - MORE_WORDS - 1), -1):
        for start in (0, *range(len(found) - length, 0, -1)):
            group = known.get(found[start : start + length])
            # "how are you getting on with the van" is no greeting, "hi wilma" is one.
            if group is not None and (length > 1 or len(found) <= 2):
                return groups()[group]
    return ()
