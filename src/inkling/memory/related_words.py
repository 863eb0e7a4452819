"""Words that belong together when people talk about their lives.

Knows: groups of English words (related_words.txt). Does not know: records, spelling alike, how
much a related word counts (index.py).
Data: a word -> `related` -> the words of its groups.

"Were you a town kid?" is answered by what was once said of a village; no message need have both
words. A word that stands in no group, and any word of another language, is related to nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("related_words.txt")

ENDINGS = ("s", "es", "d", "ed", "ing", "er")


@cache
def groups() -> tuple[tuple[str, ...], ...]:
    """Words that belong together, a line of the file each."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split()) for line in lines if not line.startswith("#"))


@cache
def _others() -> dict[str, tuple[str, ...]]:
    """Each word of a group, with the others of its groups."""
    found: dict[str, dict[str, None]] = {}
    for group in groups():
        for word in group:
            found.setdefault(word, {}).update(dict.fromkeys(group))
    return {word: tuple(other for other in all_ if other != word) for word, all_ in found.items()}


def related(word: str) -> tuple[str, ...]:
    """The words that belong to a word, by itself or without a regular ending; none for most."""
    others = _others()
    for base in (word, *_bases(word)):
        if base in others:
            return others[base]
    return ()


def _bases(word: str) -> list[str]:
    """What a regular form may be a form of: "towns", "baked", "hoping", "swimming", "carries"."""
    found = []
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            stem = word[: -len(ending)]
            found += [stem, f"{stem}e"]
            if stem[-1] == stem[-2]:
                found.append(stem[:-1])
            if stem[-1] == "i":
                found.append(f"{stem[:-1]}y")
    return found
