"""What the reader of one text format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inkling.corpus.document import Item
from inkling.corpus.importing.importer import ReadOptions

Reader = Callable[[str, str, ReadOptions], Iterator[Item]]
"""(clean text, raw_ref, what the person said) -> items."""
