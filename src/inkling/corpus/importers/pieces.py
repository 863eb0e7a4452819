"""What every reader of writing ends with: one document, and what was left out of it.

Knows: how a text and what belongs to others in it become records, and the encoding step. Does
not know: formats.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from inkling.corpus.clean import tidy
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importing.charset import decode
from inkling.corpus.importing.importer import Note, ReadOptions
from inkling.corpus.importing.tree import TreeFile

QUOTED = "quoted from someone else"
OTHERS = "written by someone else"
NO_WORDS = "no words in it"
DRAFT = "a draft"
NOT_TEXT = "binary, not text"
TOO_LARGE = "larger than 200 MB"

# Of a file that is read as a whole: a page, a post, a book.
WHOLE_BYTES = 200_000_000


def piece(
    text: str,
    raw_ref: str,
    title: str | None = None,
    timestamp: str | None = None,
    quotes: int = 0,
    left_out: dict[str, int] | None = None,
    document_id: str | None = None,
) -> Iterator[Document | Dropped]:
    """A document if there are words in it, then what was left out by reason."""
    words = tidy(text)
    if words.strip():
        yield Document(words, raw_ref, title, timestamp, document_id)
    else:
        yield Dropped(NO_WORDS, raw_ref)
    if quotes:
        yield Dropped(QUOTED, raw_ref, quotes)
    for reason, count in (left_out or {}).items():
        yield Dropped(reason, raw_ref, count)


Told = Generator[Dropped | Note, None, str | None]
"""What there is to tell of a text, then the text; None where there is none."""


def text_of(file: TreeFile, options: ReadOptions) -> Told:
    """The text of a file that is read as a whole, with Unix line ends.

    Told: which encoding was guessed, why there is no text.
    """
    if file.size > WHOLE_BYTES:
        yield Dropped(TOO_LARGE, file.path)
        return None
    text = yield from text_in(file.read(), file.path, options)
    if text is None or text.strip():
        return text
    yield Dropped("empty", file.path)
    return None


def text_in(data: bytes, raw_ref: str, options: ReadOptions) -> Told:
    """The same of bytes, which may be a part of a file."""
    found = decode(data, options.encoding)
    if found is None:
        yield Dropped(NOT_TEXT, raw_ref)
        return None
    yield from notes_of(found.notes, raw_ref)
    return found.text.replace("\r\n", "\n").replace("\r", "\n")


def notes_of(told: Iterable[str], raw_ref: str) -> Iterator[Note]:
    """What was guessed or repaired of one file."""
    return (Note(text, raw_ref) for text in told)
