"""Names in the chats of a source, where it has to be said which of them is the author's.

Knows: who speaks how often, and how people who share a name are told apart. Does not know what is
remembered, or how a person is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from inkling.corpus.importing.archive import shown
from inkling.corpus.importing.importer import Importer, ReadOptions
from inkling.corpus.importing.preview import SourcePreview, unknown_people
from inkling.corpus.importing.source import Claims, open_source
from inkling.errors import UsageError

NAMES_SHOWN = 12

_ANSWERS = (
    ("say under which name", "--me NAME"),
    ("say which mail address", "--me ADDRESS"),
    ("say the encoding", "--encoding NAME"),
)


def refuse_unknown_me(
    path: Path, importer: Importer | None, options: Callable[[Importer], ReadOptions]
) -> Claims:
    """Who reads which files of a source. Raises UsageError that lists the names, where it does not
    tell who the author is and nobody has said it."""
    with open_source(path.resolve(), importer) as source:
        for found in unknown_people(source, options):
            raise UsageError(
                f"Which name in {shown(path.name)} ({found.importer.title}) is yours? "
                f'Found: {names_found(found)}. Say it with --me "NAME".'
            )
        return source.claims


def with_option(told: str) -> str:
    """What an import told, and the option of the command line that answers it."""
    option = next((option for words, option in _ANSWERS if words in told), None)
    return told if option is None else f"{told} ({option})"


def names_found(found: SourcePreview) -> str:
    """The people of chats with their messages, those who say most first."""
    listed = [f"{label} ({count:,})" for label, count in labels(found).most_common(NAMES_SHOWN)]
    more = len(found.people) - len(listed)
    return ", ".join(listed) + (f" and {more:,} more" if more > 0 else "")


def labels(found: SourcePreview) -> Counter[str]:
    """Messages by name; of people who share a name, and those without one, by id."""
    shared = Counter(found.names.values())
    counted: Counter[str] = Counter()
    for author, count in found.people.items():
        name = found.names.get(author)
        counted[name if name is not None and shared[name] == 1 else author] += count
    return counted
