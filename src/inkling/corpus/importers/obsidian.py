"""Folders of Obsidian: Markdown notes that link to each other.

Knows: wiki links as the sign of a vault, templates, drawings. Does not know: Markdown, headers,
how a dialog is written.
A vault's own settings lie in a hidden folder that nobody reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from inkling.corpus.document import Dropped
from inkling.corpus.front_matter import split_front_matter
from inkling.corpus.importers import dialog_text
from inkling.corpus.importers.markdown import note
from inkling.corpus.importers.pieces import text_of
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural

_SIGNS = (b"[[", b"> [!", b"\n%%", b"cssclass")
_LOOKED_AT = 200
_TEMPLATES = frozenset(("templates", "template", "_templates"))
_DRAWINGS = (".excalidraw.md", ".canvas", ".base")
_BLOCK_ID = re.compile(r"(?<=\S) \^[a-z0-9]{6}$", re.MULTILINE)
_DAILY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _claims(tree: Tree) -> Iterable[Claim]:
    notes = [file for file in tree.files if file.suffix == ".md"]
    drawings = [file for file in tree.files if file.name.endswith(_DRAWINGS)]
    if not notes or not (drawings or any(_linked(file) for file in notes[:_LOOKED_AT])):
        return
    files = frozenset(file.path for file in [*notes, *drawings])
    yield Claim(files, 0.4, f"Obsidian vault, {plural(len(notes), 'note')}")


def _linked(file: TreeFile) -> bool:
    beginning = file.read(4096)
    return any(sign in beginning for sign in _SIGNS)


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        if file.name.endswith(_DRAWINGS):
            yield Dropped("a drawing or a board", file.path)
        elif not _TEMPLATES.isdisjoint(file.folder.lower().split("/")):
            yield Dropped("a template", file.path)
        else:
            yield from _note(file, options)


def _note(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    text = yield from text_of(file, options)
    if text is None:
        return
    matter = split_front_matter(text)
    if dialog_text.is_dialog(matter.body, options):
        yield from dialog_text.read(matter.body, file.path, options)
        return
    matter = replace(matter, body=_BLOCK_ID.sub("", matter.body))
    title = file.name.removesuffix(".md")
    day = _DAILY.match(title)
    yield from note(matter, file.path, title, from_post(day[0]) if day else None, options.drafts)


IMPORTER = Importer(
    name="obsidian",
    title="Obsidian",
    kind="writing",
    how_to_export="Nothing to export: name the folder of the vault.",
    claims=_claims,
    read=_read,
    free_text=True,
)
