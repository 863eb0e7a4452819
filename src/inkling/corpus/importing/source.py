"""One source as a person named it: its tree, who reads it, and the records in it.

Knows: the way from a path to records. Does not know: the database, what a person is asked.
Data: path -> `open_source` -> `OpenSource.records` -> Record, with ids that are the importer's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from inkling.corpus.document import Document, Dropped
from inkling.corpus.importing.importer import (
    ATTACHED_FILE,
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.open_tree import OpenTree, open_held, open_tree
from inkling.corpus.importing.registry import detect
from inkling.corpus.importing.screening import refusal

# fmt: off
_MEDIA = frozenset({
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".heic", ".svg", ".bmp", ".tif", ".tiff", ".mp4",
    ".mov", ".m4v", ".avi", ".mkv", ".webm", ".3gp", ".mp3", ".m4a", ".aac", ".ogg", ".opus",
    ".oga", ".wav", ".flac", ".amr", ".pdf", ".vcf", ".was", ".thumb", ".woff", ".woff2", ".ttf",
})
# fmt: on


Claims = tuple[tuple[Importer, Claim], ...]


@dataclass(frozen=True)
class OpenSource:
    """An opened path and the claims to its files."""

    opened: OpenTree
    claims: Claims

    @property
    def size(self) -> int:
        """Bytes of all files that may be read, unpacked: pictures and the like are not."""
        return sum(f.size for f in self.opened.tree.files if f.suffix not in _MEDIA)

    def kind(self) -> str | None:
        """The name of the one importer that reads it, where that is not just text files."""
        names = {importer.name for importer, _ in self.claims} - {"files"}
        return names.pop() if len(names) == 1 else None

    def records(
        self,
        options: ReadOptions | Callable[[Importer], ReadOptions],
    ) -> Iterator[ImportedRecord]:
        """Everything in it, streamed, and at the end what could not be read."""
        told = 0
        for importer, claim in self.claims:
            yield from self.left_out(told)
            told = len(self.opened.left_out)
            chosen = options if isinstance(options, ReadOptions) else options(importer)
            yield from self.records_of(importer, claim, chosen)
        yield from self.left_out(told)
        yield from self.opened.notes

    def records_of(
        self, importer: Importer, claim: Claim, options: ReadOptions
    ) -> Iterator[ImportedRecord]:
        """What one importer reads. Ids of chats and documents begin with the importer's name, so
        that two sources never share one."""
        found = False
        attached: list[ImportedRecord] = []
        try:
            for record in importer.read(self.opened.tree, claim, options):
                if isinstance(record, Dropped) and record.reason == ATTACHED_FILE:
                    attached.append(record)
                    continue
                found = True
                if isinstance(record, ImportedChat):
                    record.chat_id = f"{importer.name}:{record.chat_id}"
                elif isinstance(record, Document):
                    yield _own(importer, record)
                    continue
                yield record
        except OSError as error:  # a disk that fails, a file that goes while it is read
            reason = (error.strerror or str(error)).lower()
            yield Dropped(f"could not be read to its end ({reason})", claim.title)
            found = True
        if found:
            yield from attached
        elif claim.files:  # the person named the source, and it is another
            yield Dropped(f"not as {importer.title} writes it", claim.title, len(claim.files))

    def left_out(self, told: int = 0) -> Iterator[Dropped]:
        """What of the path is no file that an importer could read, but for the first `told`."""
        yield from self.opened.left_out[told:]


def _own(importer: Importer, document: Document) -> Document | Dropped:
    if importer.free_text and (refused := refusal(document.text)) is not None:
        return Dropped(refused, document.raw_ref)
    if document.document_id is None:
        return document
    return replace(document, document_id=f"{importer.name}:{document.document_id}")


@contextlib.contextmanager
def open_source(
    path: Path,
    only: Importer | None = None,
    on_read: Callable[[int], None] = lambda count: None,
    claims: Claims | None = None,
) -> Iterator[OpenSource]:
    """A file, folder or zip, and who reads it; `only` is the importer that the person named.
    `claims` are those of an earlier look, which opened every file."""
    with open_tree(path, on_read) as opened:
        yield OpenSource(opened, tuple(detect(opened.tree, only)) if claims is None else claims)


@contextlib.contextmanager
def open_held_source(
    name: str,
    held: Mapping[str, Path],
    only: Importer | None = None,
    on_read: Callable[[int], None] = lambda count: None,
) -> Iterator[OpenSource]:
    """The same of files that lie under other names than their own (`open_held`)."""
    with open_held(name, held, on_read) as opened:
        yield OpenSource(opened, tuple(detect(opened.tree, only)))
