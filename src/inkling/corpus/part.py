"""A part of a large corpus, where all of it would take longer to read than there is time.

Knows: which documents and conversations belong to a part of so many characters. Does not know:
why it is that many. Data: dataset + characters -> `Documents` and conversations of the part.

The part is a pure function of the corpus and the number. Of many documents or conversations it
is some, whole and spread evenly in the order of the corpus; of few the beginning of each, up to
a blank line or between two messages.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inkling.corpus.dataset import Dataset
from inkling.corpus.document import EDITS_SOURCE
from inkling.corpus.reading import Documents, StoredDocument
from inkling.corpus.records import StoredConversation
from inkling.corpus.rows import count_rows

MANY = 20
"""Documents or conversations that a part has at least, where it takes whole ones."""


@dataclass(frozen=True)
class PartOfDocuments(Documents):
    """About `share` of the characters of all documents."""

    share: float = 1.0

    def __iter__(self) -> Iterator[StoredDocument]:
        whole = self.share * self.count() >= MANY
        seen = taken = 0
        for document in super().__iter__():
            size = len(document.text)
            if not whole:
                text = _beginning(document.text, self.share)
                if text:
                    yield dataclasses.replace(document, text=text)
            elif taken <= self.share * seen:
                taken += size
                yield document
            seen += size

    def characters(self) -> int:
        return math.ceil(self.share * super().characters())


def part_of(dataset: Dataset, limit: int) -> tuple[Documents, Iterable[StoredConversation], float]:
    """Documents and conversations of about `limit` characters (0: all), and which share of the
    dataset that is."""
    documents = dataset.documents()
    characters = dataset.characters
    if not limit or limit >= characters:
        return documents, dataset.conversations(), 1.0
    share = limit / characters
    part = PartOfDocuments(
        documents.path,
        documents.read_only,
        chosen=documents.chosen,
        masking=documents.masking,
        share=share,
    )
    return part, _conversations(dataset, share), share


def _conversations(dataset: Dataset, share: float) -> Iterator[StoredConversation]:
    count = count_rows(dataset.store, "conversation", dataset.rows.conversations)
    if share * count >= MANY:
        yield from dataset.conversations(share)
        return
    for conversation in dataset.conversations():
        if conversation.source == EDITS_SOURCE:
            yield conversation
            continue
        kept = math.ceil(share * len(conversation.messages))
        yield dataclasses.replace(conversation, messages=conversation.messages[:kept])


def _beginning(text: str, share: float) -> str:
    cut = math.ceil(share * len(text))
    paragraph = text.rfind("\n\n", cut // 2, cut)
    return text[: paragraph + 2] if paragraph != -1 else text[:cut]
