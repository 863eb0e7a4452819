"""What every importer owes: a result for any bytes, and counts that reconcile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from inkling.corpus.document import Document, Dropped, Message
from inkling.corpus.importing.importer import ImportedChat, Importer, Note, ReadOptions
from tests.importers.trees import tree_of

ONE_CHARACTER = (" ", "-", "[", "(", "0", "a", ">", "\n", '"', ":", "<", "{", ",", "\\", "&", "\r")
"""Runs of these made parsers slow before."""


@dataclass
class Read:
    """Everything that an importer made of a tree."""

    documents: list[Document] = field(default_factory=list)
    chats: list[ImportedChat] = field(default_factory=list)
    messages: list[list[Message]] = field(default_factory=list)
    """Of each chat."""
    dropped: Counter[str] = field(default_factory=Counter)
    """How many by reason."""
    notes: list[str] = field(default_factory=list)

    @property
    def mine(self) -> list[str]:
        """Texts that would be learned as the person's own, in order."""
        return [m.text for chat in self.messages for m in chat if m.is_me and m.kind == "text"]

    @property
    def found(self) -> int:
        return len(self.documents) + sum(map(len, self.messages)) + self.dropped.total()


def read_all(
    importer: Importer,
    files: Mapping[str, str | bytes],
    options: ReadOptions | None = None,
) -> Read:
    """All claims of a tree, read to the end."""
    tree = tree_of(files)
    read = Read()
    for claim in importer.claims(tree):
        assert claim.files <= {file.path for file in tree.files}
        assert 0 < claim.certainty <= 1
        for record in importer.read(tree, claim, options or ReadOptions()):
            if isinstance(record, Document):
                record.text.encode()
                read.documents.append(record)
            elif isinstance(record, Note):
                read.notes.append(record.text)
            elif isinstance(record, Dropped):
                assert record.count > 0
                read.dropped[record.reason] += record.count
            else:
                read.chats.append(record)
                kept = []
                for item in record.messages:
                    if isinstance(item, Dropped):
                        read.dropped[item.reason] += item.count
                    elif isinstance(item, Note):
                        read.notes.append(item.text)
                    else:
                        item.text.encode()
                        kept.append(item)
                read.messages.append(kept)
    return read


def mutated(shapes: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Real shapes with a part cut out, doubled or overwritten, or any bytes at all."""

    def change(shape: bytes, start: int, length: int, filling: bytes, twice: bool) -> bytes:
        start = start % (len(shape) + 1)
        cut = shape[start : start + length]
        return shape[:start] + filling + (cut * 2 if twice else b"") + shape[start + length :]

    return st.builds(
        change,
        st.sampled_from(list(shapes)),
        st.integers(0, 100_000),
        st.integers(0, 200),
        st.binary(max_size=20) | st.sampled_from([b"", b"null", b"[]", b"{}", b"1", b'"', b"\n"]),
        st.booleans(),
    ) | st.binary(max_size=200)
