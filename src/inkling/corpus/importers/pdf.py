"""PDF files, with pypdf where it is installed.

Knows: how lines of a page become paragraphs again, and what repeats on every page. Does not know:
PDF itself; pages without text (scans) are reported, not guessed.
"""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.importers.pieces import WHOLE_BYTES, piece
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile

NEEDS_PYPDF = "a PDF: run pip install pypdf, then add it again"
DAMAGED = "damaged, or a PDF of a kind that cannot be read"
_MAX_PAGES = 5_000

# What damaged PDFs make pypdf raise, beside its own errors.
_DAMAGE = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, OSError, RecursionError,
    ZeroDivisionError, OverflowError, AssertionError, NotImplementedError, ArithmeticError,
    EOFError, LookupError, MemoryError,
)  # fmt: skip
_ENDS = re.compile(r"[.!?…:;\"'”’)\]»]$")
_DIGITS = re.compile(r"\d+")


def pages_to_text(pages: list[str]) -> str:
    """The text of pages, whose paragraphs were cut into lines and whose edges repeat."""
    split = [[line.strip() for line in page.splitlines() if line.strip()] for page in pages]
    edges = Counter(_DIGITS.sub("#", line) for lines in split for line in {*lines[:1], *lines[-1:]})
    often = max(3, len(split) // 2)
    lines: list[str] = []
    for page in split:
        kept = list(page)
        for edge in (0, -1):
            if kept and edges[_DIGITS.sub("#", kept[edge])] >= often:
                kept.pop(edge)
        lines += [line for line in kept if not line.isdigit()]
    return "\n\n".join(_paragraphs(lines))


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines joined to paragraphs: one ends at a line that is short, or ends a sentence early."""
    width = sorted(map(len, lines))[int(0.9 * (len(lines) - 1))] if lines else 0
    parts: list[str] = []
    for line in lines:
        if parts and parts[-1].endswith("-") and parts[-1][-2:-1].islower() and line[0].islower():
            parts[-1] = parts[-1][:-1] + line.split(" ", 1)[0]
            line = line.split(" ", 1)[1] if " " in line else ""
            if not line:
                continue
        parts.append(line)
        if len(line) < 0.6 * width or (len(line) < 0.85 * width and _ENDS.search(line)):
            yield " ".join(parts)
            parts = []
    if parts:
        yield " ".join(parts)


def _read_file(file: TreeFile) -> Iterator[ImportedRecord]:
    try:
        import pypdf
        from pypdf.errors import PyPdfError
    except ImportError:
        yield Dropped(NEEDS_PYPDF, file.path)
        return
    if file.size > WHOLE_BYTES:
        yield Dropped("larger than 200 MB", file.path)
        return
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # every flaw would be printed
    try:
        reader = pypdf.PdfReader(io.BytesIO(file.read()))
        if reader.is_encrypted and not reader.decrypt(""):
            yield Dropped("locked with a password", file.path)
            return
        count = len(reader.pages)
        title, date = _said_of_itself(reader)
    except (PyPdfError, *_DAMAGE):
        yield Dropped(DAMAGED, file.path)
        return
    pages: list[str] = []
    damaged = empty = 0
    for number in range(min(count, _MAX_PAGES)):
        try:
            words = reader.pages[number].extract_text()
        except (PyPdfError, *_DAMAGE):
            damaged += 1
            continue
        words = words.encode("utf-8", "replace").decode().replace("\0", "")
        empty += not words.strip()
        pages.append(words)
    left_out = {"a page that cannot be read": damaged, "a page without text (a scan?)": empty}
    left_out["a page beyond the 5000th"] = max(0, count - _MAX_PAGES)
    told = {reason: number for reason, number in left_out.items() if number}
    yield from piece(pages_to_text(pages), file.path, title, date, left_out=told)


def _said_of_itself(reader: Any) -> tuple[str | None, str | None]:
    said = reader.metadata
    if said is None:
        return None, None
    title = str(said.title).strip() if said.title else ""
    created = said.creation_date
    return title or None, from_post(created.isoformat()) if created else None


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix == ".pdf":
            yield Claim(frozenset((file.path,)), 0.9, f"PDF {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _read_file(file)


IMPORTER = Importer(
    name="pdf",
    title="PDF",
    kind="writing",
    how_to_export="A .docx or .md of the same text is read better; a scan has no text at all.",
    claims=_claims,
    read=_read,
    free_text=True,
)
