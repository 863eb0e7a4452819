"""Writing and dialogs as files: text, Markdown, web pages, JSON Lines.

Knows: which reader a suffix has, the encoding step, files too large to be held. Does not know: what
each format means (one module a format). Data: files that no other importer claims -> text ->
reader -> items.

It claims every file that nobody else wants: what cannot be read is reported with its suffix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inkling.corpus.clean import tidy
from inkling.corpus.document import Document, Dropped, Item
from inkling.corpus.front_matter import split_front_matter
from inkling.corpus.importers import html, huge, jsonl, markdown, plain
from inkling.corpus.importing import screening
from inkling.corpus.importing.charset import decode
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, Note, ReadOptions
from inkling.corpus.importing.reader import Reader
from inkling.corpus.importing.tree import Tree, TreeFile

WHOLE_BYTES = 16_000_000
"""A larger file is read in parts, each a document of its own."""

MAX_FILE_BYTES = 2_000_000_000
"""A file larger than this is more likely a disk image than someone's writing; not one of lines of
JSON, which a corpus may come in."""

_READERS: dict[str, Reader] = {
    ".txt": plain.read,
    ".text": plain.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".jsonl": jsonl.read,
}

_PACKED = frozenset({".7z", ".rar", ".gz", ".bz2", ".xz", ".zst", ".dmg", ".tar", ".zip"})

SUPPORTED = (
    ", ".join([*_READERS, ".docx", ".epub", ".ipynb", ".parquet", ".pdf"])
    + ", also compressed (.gz, .bz2, .xz, .zst) or in a .zip or .tar"
)
"""Endings of the files that are read as what they are, here and by importers of their own."""


def _claims(tree: Tree) -> Iterable[Claim]:
    yield Claim(frozenset(file.path for file in tree.files), 0.05, "Text files")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _read_file(file, options)


def _read_file(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    reader = _READERS.get(file.suffix)
    if reader is html.read and file.folder.rpartition("/")[2] == "Takeout":
        yield Dropped("a table of contents", file.path)  # of Google's export
    elif reader is None:
        kind = file.suffix or "no extension"
        if file.suffix in _PACKED:
            yield Dropped(f"an archive that Inkling does not open ({kind}): unpack it", file.path)
        else:
            yield Dropped(f"not a format that Inkling reads ({kind})", file.path)
    elif file.size > MAX_FILE_BYTES and reader is not jsonl.read:
        yield Dropped("larger than 2 GB", file.path)
    elif file.size > WHOLE_BYTES and reader is not html.read:
        yield from huge.read(file, screened(reader), reader is jsonl.read, options)
    else:
        decoded = decode(file.read(), options.encoding)
        if decoded is None:
            yield Dropped("binary, not text", file.path)
            return
        yield from (Note(note, file.path) for note in decoded.notes)
        text = tidy(decoded.text)
        if not text.strip():
            yield Dropped("empty", file.path)
        else:
            yield from screened(reader)(text, file.path, options)


def screened(reader: Reader) -> Reader:
    """The reader, which never takes for the author's own writing what looks like a chat or mail."""
    if reader is jsonl.read:
        return reader

    def read(text: str, raw_ref: str, options: ReadOptions) -> Iterator[Item]:
        if reader is html.read and (refusal := screening.page_refusal(text)) is not None:
            yield Dropped(refusal, raw_ref)
            return
        for item in reader(text, raw_ref, options):
            if isinstance(item, Document):
                refusal = screening.refusal(item.text, bool(options.me))
                if refusal is None and reader is markdown.read:
                    # <Jan> is a name in a log, and a tag in Markdown.
                    refusal = screening.refusal(split_front_matter(text).body, bool(options.me))
                yield item if refusal is None else Dropped(refusal, raw_ref)
            else:
                yield item

    return read


IMPORTER = Importer(
    name="files",
    title="Text files",
    kind="writing",
    how_to_export=(
        "Nothing to export: name a folder or files. Dialogs are text in which each message begins "
        "with `them:` or `me:`, or with a name where --me says which is yours."
    ),
    claims=_claims,
    read=_read,
)
