"""Instagram: the direct messages of an archive.

Knows: which archives are Instagram's. Does not know: what a thread looks like (`meta`).
"""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.importers import meta, meta_signs
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.tree import Tree
from inkling.wording import plural


def claims(tree: Tree) -> Iterator[Claim]:
    """All threads of an archive that says it is Instagram's."""
    found = meta.archive(meta_signs.instagrams(tree))
    if found.threads or found.pages:
        title = f"Instagram, {plural(len(found.threads), 'chat')}"
        yield Claim(found.paths, 1.0, title if found.threads else "Instagram export as HTML")


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each thread."""
    found = meta.archive(tree.only(claim.files))
    yield from meta.chats(found, "instagram", "Instagram", IMPORTER.how_to_export, options)


IMPORTER = Importer(
    name="instagram",
    title="Instagram",
    kind="chats",
    how_to_export="Instagram › Settings › Accounts Center › Your information and permissions › "
    "Download your information: only Messages, format JSON, all time.",
    claims=claims,
    read=read,
)
