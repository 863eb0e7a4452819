"""The chats a workspace keeps: what they are (`records`), where they are stored (`store`, with its
`rows`), how one is found (`search`), what a correction teaches (`corrections`), and what a reply is
asked of (`pending`)."""

from __future__ import annotations

from inkling.chats.pending import PendingReply
from inkling.chats.records import ChatMessage, Provenance, SearchHit, Source, Summary, Variant
from inkling.chats.store import ChatStore

__all__ = [
    "ChatMessage",
    "ChatStore",
    "PendingReply",
    "Provenance",
    "SearchHit",
    "Source",
    "Summary",
    "Variant",
]
