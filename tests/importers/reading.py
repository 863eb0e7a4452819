"""What every test of an importer of writing does: read all claims of a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from inkling.corpus.document import Document, Dropped
from inkling.corpus.importing.importer import ImportedRecord, Importer, ReadOptions
from tests.importers.trees import tree_of


def records(
    importer: Importer, files: Mapping[str, str | bytes], options: ReadOptions | None = None
) -> list[ImportedRecord]:
    """Everything that an importer finds in these files."""
    tree = tree_of(files)
    found: list[ImportedRecord] = []
    for claim in importer.claims(tree):
        assert claim.files <= {file.path for file in tree.files}
        assert 0 < claim.certainty <= 1
        assert claim.title
        found.extend(importer.read(tree, claim, options or ReadOptions()))
    for record in found:
        if isinstance(record, Document):
            assert record.text.strip()
            record.text.encode()
    return found


def documents(found: list[ImportedRecord]) -> list[Document]:
    return [record for record in found if isinstance(record, Document)]


def dropped(found: list[ImportedRecord]) -> dict[str, int]:
    """What was left out: reason -> count."""
    reasons = Counter[str]()
    for record in found:
        if isinstance(record, Dropped):
            reasons[record.reason] += record.count
    return dict(reasons)


def claimed(importer: Importer, files: Mapping[str, str | bytes]) -> set[str]:
    """Paths that an importer takes for its own."""
    return {path for claim in importer.claims(tree_of(files)) for path in claim.files}
