"""Plain text: one document a file, or conversations where it is written as a dialog."""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.document import Document, Item
from inkling.corpus.importers import dialog_text
from inkling.corpus.importing.importer import ReadOptions


def read(text: str, raw_ref: str, options: ReadOptions) -> Iterator[Item]:
    """A text file as a document; a `them:`/`me:` file as conversations."""
    if dialog_text.is_dialog(text, options):
        yield from dialog_text.read(text, raw_ref, options)
    else:
        yield Document(text, raw_ref)
