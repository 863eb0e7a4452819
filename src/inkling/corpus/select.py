"""Which documents, people and sources a name means: one, several to choose from, or none.

Knows: the ways in which a person names a thing of the corpus (title, path, hash, name). Does not
know what is then done with it. Data: store + what was typed -> rows, or an error that lists the
nearest names.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from inkling.corpus.places import file_of, path_in
from inkling.corpus.reading import StoredDocument
from inkling.corpus.records import Person, StoredConversation
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError, UsageError

NAMELESS = frozenset({"them", "user", "human"})
"""What importers write as the author where a dialog does not tell who speaks."""

MIN_HASH = 6
SHOWN = 6

Stored = StoredDocument | StoredConversation


def all_items(store: CorpusStore) -> list[Stored]:
    """Every document, replaced versions included, then every conversation."""
    return [*store.documents(all_versions=True), *store.conversations()]


def people_called(people: Sequence[Person], name: str) -> list[Person]:
    """Everyone with that id or display name, over all sources, upper and lower case alike.

    Raises UsageError where two people of one source share the name, CorpusError for nobody.
    """
    wanted = name.strip().casefold()
    if wanted in NAMELESS | {"me"}:
        raise UsageError(
            f"{name!r} is nobody in particular: them:/me: dialogs do not tell who spoke. Use "
            "--match TEXT for what was said, or --source PATH for the whole import."
        )
    by_id = [person for person in people if person.author_id.casefold() == wanted]
    by_name = [person for person in people if person.name.casefold() == wanted]
    sources = [person.source for person in by_name]
    if not by_id and len(sources) != len(set(sources)):
        listed = "; ".join(
            f"{p.author_id} ({p.messages:,} messages, {p.source})" for p in by_name[:SHOWN]
        )
        raise UsageError(f"More than one person is called {name!r}. Name one by id: {listed}.")
    found = list(dict.fromkeys([*by_id, *by_name]))
    if found:
        return found
    named = [p for p in people if p.author_id.casefold() not in NAMELESS]
    nameless = sum(p.messages for p in people) - sum(p.messages for p in named)
    unknown = (
        f" {nameless:,} messages stand in them:/me: dialogs, which do not tell who spoke: use "
        "--match or --source for those."
        if nameless
        else ""
    )
    raise CorpusError(
        f"Nobody in the dialogs is called {name!r}. "
        f"{_nearest(name, [p.name for p in named], 'No dialog names anyone.')}{unknown}"
    )


def source_called(store: CorpusStore, name: str) -> str:
    """The source that a path means: as listed, from here, or by its last parts."""
    sources = [summary.source for summary in store.sources()]
    for means in (
        lambda source: source == name,
        lambda source: source == str(_absolute(name)),
        lambda source: _ends_with(source, name),
    ):
        found = [source for source in sources if means(source)]
        if len(found) > 1:
            raise UsageError(f"{name!r} means more than one source: {', '.join(found[:SHOWN])}.")
        if found:
            return found[0]
    raise CorpusError(
        f"No source is called {name!r}. {_nearest(name, sources, 'The corpus is empty.')}"
    )


def sources_called(store: CorpusStore, name: str) -> list[str]:
    """The one source that a path means, or all that one importer read: "whatsapp"."""
    kind = name.strip().casefold()
    of_kind = [found.source for found in store.sources() if found.kind.casefold() == kind]
    return of_kind or [source_called(store, name)]


def items_called(store: CorpusStore, name: str) -> list[Stored]:
    """The document, or all that was read from one file, that a title, path or hash means.

    A file that was imported in two versions is one thing: both are meant.
    """
    items = all_items(store)
    wanted = name.strip().casefold()
    is_hash = re.fullmatch(rf"[0-9a-f]{{{MIN_HASH},64}}", wanted) is not None
    ways: tuple[Callable[[Stored], bool], ...] = (
        lambda item: is_hash and item.content_hash.startswith(wanted),
        lambda item: (item.title or "").casefold() == wanted,
        lambda item: item.raw_ref == name,
        lambda item: path_of(item) == str(_absolute(name)),
        lambda item: _ends_with(path_of(item), name),
    )
    for means in ways:
        found = [item for item in items if means(item)]
        files = {path_of(item) for item in found}
        if len(files) > 1:
            listed = "; ".join(
                f"{item.content_hash[:8]} {label(item)}" for item in _one_a_file(found)[:SHOWN]
            )
            more = f"; and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
            raise UsageError(f"{name!r} means more than one. Name one by its hash: {listed}{more}.")
        if found:
            return found
    names = [n for item in items for n in (item.title, file_of(item.raw_ref)) if n]
    raise CorpusError(
        f"Nothing in the corpus has the title, path or hash {name!r}. "
        f"{_nearest(name, names, 'The corpus is empty.')} All: inkling corpus show."
    )


def label(item: Stored) -> str:
    """How a person knows it again: its title and where it stood."""
    return f"{item.title} ({item.raw_ref})" if item.title else item.raw_ref


def path_of(item: Stored) -> str:
    """The absolute path of the file that an item was read from."""
    return path_in(item.source, item.raw_ref)


def _one_a_file(items: Iterable[Stored]) -> list[Stored]:
    return list({path_of(item): item for item in items}.values())


def _absolute(name: str) -> Path:
    return Path(name).expanduser().resolve()


def _ends_with(path: str, name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and Path(path).parts[-len(parts) :] == parts


def _nearest(name: str, names: Iterable[str], otherwise: str) -> str:
    known = {known.casefold(): known for known in names}
    if not known:
        return otherwise
    close = difflib.get_close_matches(name.casefold(), known, n=4, cutoff=0.5)
    inside = [low for low in known if name.casefold() in low and low not in close]
    shown = [known[low] for low in [*close, *inside][:SHOWN]]
    if shown:
        return f"Did you mean: {', '.join(shown)}?"
    more = f" and {len(known) - SHOWN:,} more" if len(known) > SHOWN else ""
    return f"There are: {', '.join(list(known.values())[:SHOWN])}{more}."
