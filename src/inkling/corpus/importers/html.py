"""HTML pages: the words of the article, without menus, scripts and buttons."""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.document import Item
from inkling.corpus.html import html_to_text
from inkling.corpus.importers.pieces import piece
from inkling.corpus.importing.importer import ReadOptions


def read(text: str, raw_ref: str, options: ReadOptions) -> Iterator[Item]:
    """One document a page."""
    page = html_to_text(text)
    yield from piece(page.text, raw_ref, page.title, page.date, quotes=page.quotes)
