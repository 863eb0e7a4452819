"""Markdown with or without YAML front matter: one document a file."""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.clean import split_front_matter, strip_markdown, tidy
from inkling.corpus.document import Document, Dropped, Item
from inkling.corpus.importers import dialog_text


def read(text: str, raw_ref: str, me: str | None) -> Iterator[Item]:
    """The words of a Markdown file, dated and titled by its front matter."""
    matter = split_front_matter(text)
    if dialog_text.is_dialog(matter.body, me):
        yield from dialog_text.read(matter.body, raw_ref, me)
        return
    body = tidy(strip_markdown(matter.body))
    if body.strip():
        yield Document(body, raw_ref, matter.title, matter.date)
    else:
        yield Dropped("no words in it", raw_ref)
