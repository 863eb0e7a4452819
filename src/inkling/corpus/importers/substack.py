"""Substack's export: posts.csv and a page of HTML for each post.

Knows: the export's names and columns. Does not know: a post's HTML (`substack_html.py`), the
network (`crawling/substack_live.py`). Data: posts.csv -> rows -> posts/<post_id>.html -> documents.

The same export holds lists of subscribers and who opened what. They are claimed, so that nobody
reads them, and never opened.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inkling.corpus.document import Dropped
from inkling.corpus.importers.pieces import DRAFT, piece, text_of
from inkling.corpus.importers.substack_html import post_words
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural

SUBSCRIBERS = "a list of subscribers, never opened"

OTHER_TYPES = {
    "podcast": "a podcast",
    "thread": "a discussion thread",
    "page": "a page about the publication",
    "video": "a video",
    "restack": "a post of someone else",
}
"""Types that are no writing of the author's, or none meant as a post."""

_PRIVATE = re.compile(
    r"(?:.*\.(?:delivers|opens)|email_list.*|subscriber.*|.*subscribers.*)\.csv", re.IGNORECASE
)
_POST = re.compile(r"(\d+)(?:\.(.*))?\.html")


@dataclass(frozen=True)
class _Export:
    """One export in a tree: its list, its pages and what is private."""

    table: TreeFile
    pages: dict[str, TreeFile]
    """By name without the suffix."""
    private: list[TreeFile]


def _exports(tree: Tree) -> Iterator[_Export]:
    for table in tree.files:
        if table.name != "posts.csv" or not _is_table(table):
            continue
        root = f"{table.folder}/" if table.folder else ""
        pages: dict[str, TreeFile] = {}
        private: list[TreeFile] = []
        for file in tree.files:
            if not file.path.startswith(root):
                continue
            inner = file.path[len(root) :]
            if _PRIVATE.fullmatch(file.name):
                private.append(file)
            elif inner.startswith("posts/") and _POST.fullmatch(inner[6:]):
                pages[file.name.removesuffix(".html")] = file
        yield _Export(table, pages, private)


def _is_table(table: TreeFile) -> bool:
    beginning = table.read(1000).decode("utf-8", "replace").lstrip("\ufeff")
    columns = {name.strip(' "').lower() for name in beginning.partition("\n")[0].strip().split(",")}
    return {"post_id", "is_published"} <= columns


def _claims(tree: Tree) -> Iterable[Claim]:
    for export in _exports(tree):
        files = [export.table, *export.pages.values(), *export.private]
        title = f"Substack export, {plural(len(export.pages), 'post')}"
        yield Claim(frozenset(file.path for file in files), 1.0, title)


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for export in _exports(tree.only(claim.files)):
        yield from _posts(export, options)
        for file in export.private:
            yield Dropped(SUBSCRIBERS, file.path)


def _posts(export: _Export, options: ReadOptions) -> Iterator[ImportedRecord]:
    waiting = dict(export.pages)
    by_number = {name.partition(".")[0]: name for name in export.pages}
    text = yield from text_of(export.table, options)
    for row in _rows(text or ""):
        post_id = row.get("post_id", "").strip()
        name = post_id if post_id in waiting else by_number.get(post_id.partition(".")[0], "")
        page = waiting.pop(name, None)
        if page is None:
            # A thread has no page; a post without one has lost it.
            reason = _left_out(row, options) or "a post without its page"
            yield Dropped(reason, f"{export.table.path}: {post_id or 'a row without id'}")
        else:
            yield from _post(page, row, options)
    for page in waiting.values():
        yield Dropped("a page that posts.csv does not know", page.path)


def _rows(text: str) -> Iterator[dict[str, str]]:
    """Rows of a table by column; a torn one is as long as it is."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    columns: list[str] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a field beyond every limit
            continue
        if not columns:
            columns = [name.strip().lower() for name in row]
        elif any(row):
            yield dict(zip(columns, row, strict=False))


def _left_out(row: dict[str, str], options: ReadOptions) -> str | None:
    """Why a post is not read; None where it is."""
    kind = row.get("type", "").strip().lower()
    if options.drafts:  # what a person asked for beside the published posts
        return None if kind != "restack" else OTHER_TYPES[kind]
    if row.get("is_published", "").strip().lower() not in ("true", "1", "yes"):
        return DRAFT
    return OTHER_TYPES.get(kind)


def _post(page: TreeFile, row: dict[str, str], options: ReadOptions) -> Iterator[ImportedRecord]:
    reason = _left_out(row, options)
    if reason is not None:
        yield Dropped(reason, page.path)
        return
    text = yield from text_of(page, options)
    if text is None:
        return
    words = post_words(text)
    title = row.get("title", "").strip() or None
    date = from_post(row.get("post_date"))
    # `123.slug`: the slug may change, the number is the post's in every export and on the web.
    number = row.get("post_id", "").strip().partition(".")[0]
    yield from piece(words.text, page.path, title, date, words.quotes, document_id=number or None)


IMPORTER = Importer(
    name="substack",
    title="Substack",
    kind="writing",
    how_to_export=(
        "On Substack: Settings of your publication, Import and export, Export your data, then "
        "Create a new export. Add the zip as it is; lists of subscribers in it are never opened."
    ),
    claims=_claims,
    read=_read,
)
