"""Notion's export as Markdown or HTML: pages named `Title <32 hex digits>.md`.

Knows: names, properties under the title, databases. Does not know: Markdown, zips in zips (they
come as paths). Tables of databases (.csv) repeat what their pages say, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inkling.corpus.document import Dropped
from inkling.corpus.html import fragment_to_text, html_to_text
from inkling.corpus.importers.pieces import piece, text_of
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.corpus.markdown import read_markdown

_NAMED = re.compile(r"(.{0,200}?) ?([0-9a-f]{32})(?:_all)?\.(md|html|csv)", re.IGNORECASE)
_PROPERTY = re.compile(r"([^\s:][^:\n]{0,60}): ?(.*)")
_DATES = ("date", "published", "created", "created time", "created at", "last edited time")


def _claims(tree: Tree) -> Iterable[Claim]:
    pages = [f for f in tree.files if _NAMED.fullmatch(f.name)]
    if not any(file.suffix != ".csv" for file in pages):
        return
    count = sum(file.suffix != ".csv" for file in pages)
    files = {file.path for file in pages}
    # An index and databases that were exported as a view.
    files |= {f.path for f in tree.files if f.name == "index.html" and f.folder in _folders(pages)}
    yield Claim(frozenset(files), 0.9, f"Notion export, {count} pages")


def _folders(files: Iterable[TreeFile]) -> set[str]:
    return {file.folder for file in files}


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        named = _NAMED.fullmatch(file.name)
        if named is None:
            yield Dropped("a table of contents", file.path)
        elif file.suffix == ".csv":
            yield Dropped("a table of a database", file.path)
        else:
            yield from _page(file, named[1].strip() or None, named[2].lower(), options)


def _page(
    file: TreeFile, title: str | None, identifier: str, options: ReadOptions
) -> Iterator[ImportedRecord]:
    text = yield from text_of(file, options)
    if text is None:
        return
    if file.suffix == ".html":
        page = html_to_text(text)
        # The properties are a table above the text.
        words = fragment_to_text(text, noise="header, .properties, .page-description")
        yield from piece(
            words.text,
            file.path,
            page.title or title,
            page.date,
            words.quotes,
            document_id=identifier,
        )
    else:
        heading, properties, body = _parts(text.lstrip("\ufeff"))
        dates = (from_post(properties.get(name, "").partition("→")[0]) for name in _DATES)
        date = next((date for date in dates if date is not None), None)
        read = read_markdown(body)
        yield from piece(
            read.text, file.path, heading or title, date, read.quotes, document_id=identifier
        )


def _parts(text: str) -> tuple[str | None, dict[str, str], str]:
    """Title, properties (names in lower case) and the text of a page."""
    first, _, rest = text.partition("\n")
    if not first.startswith("# "):
        return None, {}, text
    head, _, body = rest.lstrip("\n").partition("\n\n")
    properties: dict[str, str] = {}
    for line in head.split("\n"):
        match = _PROPERTY.fullmatch(line)
        if match is None or match[1].lower() in properties:
            return first[2:].strip() or None, {}, rest
        properties[match[1].strip().lower()] = match[2].strip()
    if not _looks_like_properties(properties):
        return first[2:].strip() or None, {}, rest
    return first[2:].strip() or None, properties, body


def _looks_like_properties(properties: dict[str, str]) -> bool:
    """A page that is no row of a database begins with its text, which may hold colons."""
    return any(
        name in _DATES or name in ("tags", "status", "type", "author") for name in properties
    ) or (
        len(properties) > 1
        and all(len(value) < 200 for value in properties.values())
        and not any(value.endswith((".", "!", "?")) for value in properties.values())
    )


IMPORTER = Importer(
    name="notion",
    title="Notion",
    kind="writing",
    how_to_export=(
        "In Notion: Settings, Workspace, Export all workspace content, format Markdown & CSV with "
        "subpages. Add the zip as it is."
    ),
    claims=_claims,
    read=_read,
    free_text=True,
)
