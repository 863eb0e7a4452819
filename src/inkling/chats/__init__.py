"""The chats a workspace keeps: what they are (`records`) and where (`store`)."""

from __future__ import annotations

from inkling.chats.records import ChatMessage, Hit, Origin, Source, Summary, Variant
from inkling.chats.store import ChatStore

__all__ = ["ChatMessage", "ChatStore", "Hit", "Origin", "Source", "Summary", "Variant"]
