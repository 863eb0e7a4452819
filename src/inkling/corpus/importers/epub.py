"""Books (.epub): each chapter a document.

Knows: the container, the package and its reading order (EPUB 3, and 2). Does not know: zips
(`office_zip.py`), HTML. Covers, tables of contents and books that are locked are left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from inkling.corpus.document import Dropped
from inkling.corpus.html import html_to_text
from inkling.corpus.importers.office_zip import DamagedError, OfficeZip, xml_events
from inkling.corpus.importers.pieces import piece, text_in
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile

_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml"))


@dataclass
class _Book:
    title: str | None = None
    date: str | None = None
    chapters: list[str] = field(default_factory=list)
    """Names of parts, in reading order."""
    navigation: frozenset[str] = frozenset()


def _book(package: OfficeZip) -> _Book:
    """Raises DamagedError."""
    location = next(
        (
            event.attributes.get("full-path", "")
            for event in xml_events(package.read("META-INF/container.xml"))
            if event.kind == "open" and event.name == "rootfile"
        ),
        "",
    )
    said: dict[str, str] = {}
    parts: dict[str, str] = {}
    navigation: set[str] = set()
    spine: list[str] = []
    inside = ""
    for event in xml_events(package.read(location)):
        if event.kind == "text":
            if inside in ("title", "date"):
                said[inside] = said.get(inside, "") + event.name
            continue
        inside = event.name if event.kind == "open" else ""
        if event.kind != "open":
            continue
        attributes = event.attributes
        if event.name == "item" and attributes.get("media-type") in _PAGES:
            href = unquote(attributes.get("href", "").partition("#")[0])
            path = posixpath.normpath(posixpath.join(posixpath.dirname(location), href))
            parts[attributes.get("id", "")] = path
            if "nav" in attributes.get("properties", "").split():
                navigation.add(path)
        elif event.name == "itemref":
            spine.append(attributes.get("idref", ""))
    chapters = [parts[name] for name in spine if name in parts]
    return _Book(
        " ".join(said.get("title", "").split()) or None,
        from_post(said.get("date")),
        list(dict.fromkeys(chapters)),
        frozenset(navigation),
    )


def _read_file(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    try:
        package = OfficeZip(file)
        if "META-INF/rights.xml" in package.names:
            raise DamagedError("locked by the shop that sold it")
        book = _book(package)
    except DamagedError as error:
        yield Dropped(str(error), file.path)
        return
    if not book.chapters:
        yield Dropped("a book without chapters", file.path)
    for name in book.chapters:
        raw_ref = f"{file.path}/{name}"
        try:
            data = package.read(name)
        except DamagedError as error:
            yield Dropped(str(error), raw_ref)
            continue
        if name in book.navigation:
            yield Dropped("a table of contents", raw_ref)
        elif (text := (yield from text_in(data, raw_ref, options))) is not None:
            page = html_to_text(text)
            title = ": ".join(dict.fromkeys(t for t in (book.title, page.title) if t))
            yield from piece(page.text, raw_ref, title or None, book.date, page.quotes)


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix == ".epub":
            yield Claim(frozenset((file.path,)), 0.9, f"Book {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _read_file(file, options)


IMPORTER = Importer(
    name="epub",
    title="EPUB book",
    kind="writing",
    how_to_export="Export your book as EPUB, without copy protection, from where it was written.",
    claims=_claims,
    read=_read,
    free_text=True,
)
