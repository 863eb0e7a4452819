"""What a test asks of an importer of chats."""

from __future__ import annotations

from dataclasses import dataclass, field

from inkling.corpus.document import Document, Dropped, Message
from inkling.corpus.importing.importer import ImportedChat, Importer, Note, ReadOptions
from inkling.corpus.importing.tree import Tree


@dataclass
class Read:
    """Everything that an importer found in a tree."""

    chats: list[ImportedChat] = field(default_factory=list)
    messages: list[list[Message]] = field(default_factory=list)
    """Of each chat."""
    documents: list[Document] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [message.text for messages in self.messages for message in messages]

    @property
    def reasons(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for dropped in self.dropped:
            counts[dropped.reason] = counts.get(dropped.reason, 0) + dropped.count
        return counts

    def said(self) -> list[tuple[str, str]]:
        """("me" or the name, text) of every message."""
        return [
            ("me" if message.is_me else chat.people[message.author_id], message.text)
            for chat, messages in zip(self.chats, self.messages, strict=True)
            for message in messages
        ]


def read_all(importer: Importer, tree: Tree, *me: str, drafts: bool = False) -> Read:
    """What an importer reads of all its claims, each message gone through."""
    result = Read()
    for claim in importer.claims(tree):
        assert claim.files <= {file.path for file in tree.files}
        assert 0 < claim.certainty <= 1
        for record in importer.read(tree, claim, ReadOptions.of(me, drafts=drafts)):
            if isinstance(record, Dropped):
                result.dropped.append(record)
            elif isinstance(record, Document):
                result.documents.append(record)
            elif isinstance(record, Note):
                result.notes.append(record.text)
            else:
                result.chats.append(record)
                result.messages.append([])
                for message in record.messages:
                    if isinstance(message, Dropped):
                        result.dropped.append(message)
                    elif isinstance(message, Note):
                        result.notes.append(message.text)
                    else:
                        assert message.author_id in record.people
                        result.messages[-1].append(message)
    return result
