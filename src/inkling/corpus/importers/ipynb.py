"""Jupyter notebooks (.ipynb): the words between the code.

Knows: notebook formats 3 and 4. Does not know: Markdown. Code and its output are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.importers.pieces import piece, text_of
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.corpus.markdown import read_markdown


def _cells(notebook: Any) -> list[Any] | None:
    """The cells of a notebook; None where it is none."""
    if not isinstance(notebook, dict):
        return None
    cells = notebook.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = notebook.get("worksheets")  # format 3
    if not isinstance(sheets, list):
        return None
    found: list[Any] = []
    for sheet in sheets:
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list):
            found.extend(sheet["cells"])
    return found


def _source(cell: dict[str, Any]) -> str:
    """A cell's text, which is written as one string or as its lines."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # JSON escapes can spell halves of characters.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _read_file(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    text = yield from text_of(file, options)
    if text is None:
        return
    try:
        cells = _cells(json.loads(text))
    except (ValueError, RecursionError):
        cells = None
    if cells is None:
        yield Dropped("not a notebook", file.path)
        return
    words: list[str] = []
    quotes = other = 0
    for cell in cells:
        kind = cell.get("cell_type") if isinstance(cell, dict) else None
        if kind in ("markdown", "heading"):
            read = read_markdown(_source(cell))
            quotes += read.quotes
            words.append(read.text.strip("\n"))
        else:
            other += 1
    left_out = {"code": other} if other else {}
    yield from piece(
        "\n\n".join(w for w in words if w.strip()), file.path, None, None, quotes, left_out
    )


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix == ".ipynb":
            yield Claim(frozenset((file.path,)), 0.9, f"Notebook {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _read_file(file, options)


IMPORTER = Importer(
    name="ipynb",
    title="Jupyter notebook",
    kind="writing",
    how_to_export="Save the notebook as .ipynb.",
    claims=_claims,
    read=_read,
    free_text=True,
)
