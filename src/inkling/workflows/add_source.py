"""Storing one opened source, and remembering who its author is.

Knows: when a name that was told is one of the source's own. Does not know: paths, what was sent by
a page, the terminal.
Data: an `OpenSource` -> records -> the store -> `AddResult`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importers.pieces import OTHERS
from inkling.corpus.importing.importer import (
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from inkling.corpus.importing.source import OpenSource
from inkling.corpus.records import AddResult
from inkling.corpus.store import CorpusStore
from inkling.workflows.import_progress import ImportMeter


class NamedSource(NamedTuple):
    """An opened source and what it is called in the corpus."""

    name: str
    plain_kind: str
    """Its kind where no single importer of its own reads it: "folder", "md"."""
    opened: OpenSource


def add_source(
    store: CorpusStore,
    source: NamedSource,
    me: Sequence[str],
    options: Callable[[Importer], ReadOptions],
    meter: ImportMeter,
    waiting: Callable[[], None] | None,
) -> AddResult:
    """Store everything in a source. `me` are names that a person told for it: they are remembered
    for the importers in whose files they stand."""
    name, plain_kind, opened = source
    mine: set[str] = set()
    kind = opened.kind()
    records = _noticing(opened.records(options), mine, ReadOptions.of(me))
    result = store.add(name, kind or plain_kind, records, waiting, meter.messages)
    if kind is not None and result.documents and result.dropped[OTHERS]:
        mine.add(kind)  # mail, a blog of several authors: the names parted the two
    for importer in sorted(mine) if me else ():
        store.remember_names(importer, me, waiting)
    return result


def _noticing(
    records: Iterator[ImportedRecord], mine: set[str], told: ReadOptions
) -> Iterator[ImportedRecord]:
    """The same records. `mine` takes the importers in whose chats the author was known by a name
    that was told or remembered, or stands under a name that was told."""

    def noticed(
        chat: ImportedChat, messages: Iterator[Message | Dropped | Note]
    ) -> Iterator[Message | Dropped | Note]:
        for message in messages:
            yield message
            if isinstance(message, Message) and message.is_me:
                author = message.author_id
                # A chat that knows the author may know it because it was told the name.
                if not chat.me_known or told.is_me(author, chat.people.get(author)):
                    mine.add(chat.chat_id.partition(":")[0])
                return

    for record in records:
        if isinstance(record, ImportedChat) and (told.me or not record.me_known):
            # Nothing stands in the way of the messages behind the first of one's own.
            messages = record.messages
            record.messages = chain(noticed(record, messages), messages)
        yield record
