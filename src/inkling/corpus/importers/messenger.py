"""Messenger: an archive of Facebook's, or the one of its end-to-end encrypted chats.

Knows: which archives are Facebook's. Does not know: what a thread looks like (`meta`).
"""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.importers import meta, meta_signs
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.tree import Tree
from inkling.wording import plural


def claims(tree: Tree) -> Iterator[Claim]:
    """All threads of an archive that is not plainly Instagram's."""
    found = meta.archive(meta_signs.facebooks(tree))
    if found.threads or found.pages:
        title = f"Messenger, {plural(len(found.threads), 'chat')}"
        sure = 1.0 if meta_signs.says_facebook(tree) or any(t.alone for t in found.threads) else 0.9
        yield Claim(found.paths, sure, title if found.threads else "Messenger export as HTML")


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each thread."""
    found = meta.archive(tree.only(claim.files))
    yield from meta.chats(found, "messenger", "Messenger", IMPORTER.how_to_export, options)


IMPORTER = Importer(
    name="messenger",
    title="Messenger",
    kind="chats",
    how_to_export="facebook.com › Settings › Your information › Download your information: only "
    "Messages, format JSON, all time. Encrypted chats: messenger.com › Privacy & safety › "
    "End-to-end encrypted chats › Message storage › Download secure storage data.",
    claims=claims,
    read=read,
)
