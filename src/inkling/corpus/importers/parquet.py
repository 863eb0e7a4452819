"""Parquet tables of training data, with pyarrow where it is installed.

Knows: which columns hold text or dialogs, and reading them some rows at a time. Does not know: what
a row means, which is what the same line of JSON Lines means (importers.jsonl).
Data: file -> batches of the few columns that matter -> rows -> items. Memory holds one row group of
those columns, however long the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inkling.corpus.document import Dropped
from inkling.corpus.importers import jsonl
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.tree import Tree, TreeFile

NEEDS_PYARROW = "a Parquet table: run pip install pyarrow, then add it again"
NO_TEXT = "a table without a column text, messages, or prompt and completion"
DAMAGED = "a damaged Parquet table: read up to the damage"

_ROWS = 256
_COLUMNS = ("messages", "conversations", "prompt", "completion", "text")


def _claims(tree: Tree) -> Iterable[Claim]:
    files = frozenset(file.path for file in tree.files if file.suffix == ".parquet")
    if files:
        count = f", {len(files):,} files" if len(files) > 1 else ""
        yield Claim(files, 0.6, f"Parquet tables{count}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _read_file(file, options)


def _read_file(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError:
        yield Dropped(NEEDS_PYARROW, file.path)
        return
    roles, number = jsonl.Roles(options), 0
    try:
        with file.open() as stream, ParquetFile(stream) as table:
            columns = [name for name in _COLUMNS if name in table.schema_arrow.names]
            if not columns:
                yield Dropped(NO_TEXT, file.path)
                return
            for batch in table.iter_batches(_ROWS, columns=columns, use_threads=False):
                for record in batch.to_pylist():
                    number += 1
                    yield jsonl.item_of(record, f"{file.path}:{number}", roles)
    # pyarrow's own errors, and Python's where a file claims an impossible size or text.
    except (pyarrow.ArrowException, OSError, ValueError, MemoryError, OverflowError):
        yield Dropped(DAMAGED, file.path)


IMPORTER = Importer(
    name="parquet",
    title="Parquet tables",
    kind="both",
    how_to_export=(
        "Nothing to export: name the files or their folder. Read are the column `text`, or "
        "`messages` (`conversations`), or `prompt` and `completion`, a row as a line of JSON "
        "Lines. Needs `pip install pyarrow`."
    ),
    claims=_claims,
    read=_read,
)
