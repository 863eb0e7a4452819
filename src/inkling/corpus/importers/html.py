"""HTML pages: the words of the article, without menus, scripts and buttons."""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.clean import html_to_text, tidy
from inkling.corpus.document import Document, Dropped, Item


def read(text: str, raw_ref: str, me: str | None) -> Iterator[Item]:
    """One document a page."""
    page = html_to_text(text)
    words = tidy(page.text)
    if words.strip():
        yield Document(words, raw_ref, page.title, page.date)
    else:
        yield Dropped("no words in it", raw_ref)
