"""Word files (.docx): the words of paragraphs, tables and footnotes.

Knows: WordprocessingML (ECMA-376). Does not know: zips (`office_zip.py`), other formats.
Text that was deleted with changes tracked, field codes, comments, headers and footers are no
text of the document; paragraphs in a style for quotes are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from inkling.corpus.document import Dropped
from inkling.corpus.importers.office_zip import DamagedError, OfficeZip, xml_events
from inkling.corpus.importers.pieces import piece
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile

# Not shown, or shown twice: `Fallback` repeats what stands in `Choice` for older programs.
_SILENT = frozenset(
    ("del", "moveFrom", "instrText", "delText", "Fallback", "pPrChange", "rPrChange")
)
_QUOTE_STYLES = frozenset(("quote", "intensequote", "blocktext"))
_DOCUMENT = "word/document.xml"
_FOOTNOTES = "word/footnotes.xml"


@dataclass
class _Words:
    """Paragraphs of one part."""

    paragraphs: list[str] = field(default_factory=list)
    quotes: int = 0


def _words(data: bytes) -> _Words:
    """Raises DamagedError."""
    found = _Words()
    line: list[str] = []
    silent = cells = 0
    in_text = quoted = False
    row: list[str] = []
    for event in xml_events(data):
        name = event.name
        if event.kind == "text":
            if in_text and not silent:
                line.append(name)
        elif event.kind == "open":
            if name in _SILENT:
                silent += 1
            elif name == "t":
                in_text = True
            elif name == "pStyle":
                style = event.attributes.get("val", "").lower().replace(" ", "")
                quoted = style in _QUOTE_STYLES
            elif name in ("br", "cr") and not silent:
                line.append("\n")
            elif name == "tab" and line and not silent:
                line.append("\t")
            elif name == "noBreakHyphen" and not silent:
                line.append("\u2011")
            elif name == "tc":
                cells += 1
                row.append("")
        elif name in _SILENT:
            silent -= 1
        elif name == "t":
            in_text = False
        elif name == "p":
            text, line = "".join(line), []
            if quoted and text.strip():
                found.quotes += 1
            elif cells and row:
                row[-1] = f"{row[-1]}\n{text}" if row[-1] else text
            elif not quoted:
                found.paragraphs.append(text)
            quoted = False
        elif name == "tc":
            cells -= 1
        elif name == "tr" and not cells:
            found.paragraphs.append("\t".join(row))
            row = []
    return found


def _properties(package: OfficeZip) -> tuple[str | None, str | None]:
    """Title and time of creation. Raises DamagedError."""
    said: dict[str, str] = {}
    if "docProps/core.xml" in package.names:
        inside = ""
        for event in xml_events(package.read("docProps/core.xml")):
            if event.kind == "text":
                said[inside] = said.get(inside, "") + event.name
            else:
                inside = event.name if event.kind == "open" else ""
    return said.get("title", "").strip() or None, from_post(said.get("created"))


def _read_file(file: TreeFile) -> Iterator[ImportedRecord]:
    try:
        package = OfficeZip(file)
        words = _words(package.read(_DOCUMENT))
        if _FOOTNOTES in package.names:
            notes = _words(package.read(_FOOTNOTES))
            words.paragraphs += [note.strip() for note in notes.paragraphs if note.strip()]
            words.quotes += notes.quotes
        title, created = _properties(package)
    except DamagedError as error:
        yield Dropped(str(error), file.path)
        return
    yield from piece(
        "\n\n".join(_joined(words.paragraphs)), file.path, title, created, words.quotes
    )


def _joined(paragraphs: Iterable[str]) -> Iterator[str]:
    """Paragraphs without the empty ones that only make room."""
    return (paragraph for paragraph in paragraphs if paragraph.strip())


def _claims(tree: Tree) -> Iterable[Claim]:
    # `~$letter.docx` is what Word keeps while a file is open.
    for file in tree.files:
        if file.suffix in (".docx", ".docm") and not file.name.startswith("~$"):
            yield Claim(frozenset((file.path,)), 0.9, f"Word file {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _read_file(file)


IMPORTER = Importer(
    name="docx",
    title="Word",
    kind="writing",
    how_to_export="Save the document as .docx (Word, Pages, LibreOffice and Google Docs can).",
    claims=_claims,
    read=_read,
    free_text=True,
)
