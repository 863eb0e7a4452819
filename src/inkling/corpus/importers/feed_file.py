"""A feed that was saved as a file: RSS or Atom, as a blog or a reader exports it.

Knows: who wrote an entry, that a teaser is not the whole post. Does not know: the format
(`feed_entries.py`), the network (`crawling/feed.py` fetches what a teaser leaves out).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inkling.corpus.document import Dropped
from inkling.corpus.importers.feed_entries import MAX_BYTES, looks_like_feed, read_feed
from inkling.corpus.importers.pieces import OTHERS, piece
from inkling.corpus.importing.charset import decode
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.tree import Tree

_DECLARED = re.compile(r"(?<=<\?xml)([^>]{0,80}?)\sencoding=[\"'][^\"'>]{0,40}[\"']")
TEASER = "only the beginning of a post (add the blog's address to fetch the whole)"


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix in (".xml", ".rss", ".atom", ".rdf") and looks_like_feed(file.read(3000)):
            yield Claim(frozenset((file.path,)), 0.7, f"Feed {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        if file.size > MAX_BYTES:
            yield Dropped("larger than 50 MB", file.path)
            continue
        feed = read_feed(_recoded(file.read(), options.encoding))
        if feed is None or not feed.entries:
            yield Dropped("not a feed, or without entries", file.path)
            continue
        # A name that no entry has is another platform's: then it tells nothing.
        known = any(options.is_me(entry.author) for entry in feed.entries)
        for number, entry in enumerate(feed.entries, start=1):
            raw_ref = entry.link or f"{file.path}: entry {number}"
            if known and entry.author and not options.is_me(entry.author):
                yield Dropped(OTHERS, raw_ref)
            elif entry.teaser:
                yield Dropped(TEASER, raw_ref)
            else:
                yield from piece(
                    entry.words.text,
                    raw_ref,
                    entry.title,
                    entry.date,
                    entry.words.quotes,
                    document_id=entry.identifier,
                )


def _recoded(data: bytes, encoding: str | None) -> bytes:
    """The bytes in UTF-8, where a person says that the encoding they declare is wrong."""
    found = decode(data, encoding) if encoding is not None else None
    if found is None:
        return data
    return _DECLARED.sub(r"\1", found.text.removeprefix("\ufeff"), count=1).encode(
        "utf-8", "replace"
    )


IMPORTER = Importer(
    name="feed",
    title="RSS or Atom file",
    kind="writing",
    how_to_export="Save the blog's feed as a file, or name the blog's address instead.",
    claims=_claims,
    read=_read,
)
