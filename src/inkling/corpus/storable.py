"""What the database can hold: JSON can spell halves of characters, SQLite refuses them.

Knows: which texts are valid Unicode. Does not know: formats, tables.
A text with half a character is left out and told; a label of something is shown with a replacement.
"""

from __future__ import annotations

from dataclasses import replace

from inkling.corpus.document import Conversation, Document, Message

NOT_UNICODE = "text that is not valid Unicode"


def is_valid(text: str | None) -> bool:
    """Whether a text, if there is one, holds whole characters only."""
    if text is None or text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(text: str) -> str:
    """The text with a question mark for each half of a character."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def is_storable(message: Message) -> bool:
    """Whether all that is kept of a message is valid."""
    text, identity, timestamp = message.text, message.message_id, message.timestamp
    reply_to, raw_ref = message.reply_to, message.raw_ref
    return (
        (text.isascii() or is_valid(text))
        and message.author_id.isascii()
        and (timestamp is None or timestamp.isascii())
        and (raw_ref is None or raw_ref.isascii())
        and (identity is None or identity.isascii())
        and (reply_to is None or reply_to.isascii())
    ) or all(map(is_valid, (text, message.author_id, identity, timestamp, reply_to, raw_ref)))


def unstorable(record: Document | Conversation) -> str | None:
    """Why a record cannot be stored; None for one that can."""
    if isinstance(record, Document):
        return None if is_valid(record.text) else NOT_UNICODE
    return None if all(map(is_storable, record.messages)) else NOT_UNICODE


def labelled(record: Document | Conversation) -> Document | Conversation:
    """The record with labels that can be stored."""
    labels = [record.raw_ref, record.title, record.timestamp]
    labels.append(record.document_id if isinstance(record, Document) else record.conversation_id)
    if all(map(is_valid, labels)):
        return record
    raw_ref, title, timestamp, identifier = (
        None if label is None else storable(label) for label in labels
    )
    changed = replace(record, raw_ref=raw_ref or "", title=title, timestamp=timestamp)
    if isinstance(changed, Document):
        return replace(changed, document_id=identifier)
    return replace(changed, conversation_id=identifier)
