"""Markdown with or without front matter: one document a file."""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.document import Document, Dropped, Item
from inkling.corpus.front_matter import FrontMatter, split_front_matter
from inkling.corpus.importers import dialog_text
from inkling.corpus.importers.pieces import DRAFT, piece
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.markdown import read_markdown


def read(text: str, raw_ref: str, options: ReadOptions) -> Iterator[Item]:
    """The words of a Markdown file, dated and titled by its front matter."""
    matter = split_front_matter(text)
    if dialog_text.is_dialog(matter.body, options):
        yield from dialog_text.read(matter.body, raw_ref, options)
        return
    yield from note(matter, raw_ref, drafts=True)


def note(
    matter: FrontMatter,
    raw_ref: str,
    title: str | None = None,
    timestamp: str | None = None,
    drafts: bool = False,
) -> Iterator[Document | Dropped]:
    """What stands below a header, and what could not be read or is someone else's.

    `title` and `timestamp` are what the file's name says; the header knows better.
    """
    if matter.is_draft and not drafts:
        yield Dropped(DRAFT, raw_ref)
        return
    title, timestamp = matter.title or title, matter.date or timestamp
    words = read_markdown(matter.body)
    yield from piece(words.text, raw_ref, title, timestamp, words.quotes, matter.unreadable)
