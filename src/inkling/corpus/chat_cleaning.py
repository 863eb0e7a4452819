"""Messages that say nothing by themselves, and what of a group's talk belongs to a reply.

Knows: messages. Does not know: sources, the database. Data: messages -> messages.

Whatever an importer knows of its own format is gone by now; this is for what every chat has.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from msgspec import structs

from inkling.corpus.document import Message

WINDOW = 8
"""Messages of a group before one's own that are learned with it: what was said further back is
another talk."""

LINK_ONLY = "a message that is only a link"
MEDIA_ONLY = "a marker where a picture or a file was"

_LINKS = re.compile(r"\s*(?:(?:https?://|www\.)\S{1,4000}\s*)+", re.IGNORECASE)
_MEDIA = re.compile(
    r"[<\[(]?\s?(?:media|image|photo|video|audio|voice message|gif|sticker|document|contact card"
    r"|attachment|file|bild|foto|sprachnachricht|dokument|medien|imagen|archivo|fichier|médias?)"
    r"\s(?:omitted|not included|attached|ausgeschlossen|weggelassen|omitid[oa]s?|omise?s?"
    r"|absent[es]*)\s?[>\])]?"
    r"|[<\[](?:media|image|photo|video|audio|gif|sticker|file|attachment|foto|bild)[>\]]"
    r"|\ufffc+",
    re.IGNORECASE,
)


def says_nothing(text: str) -> str | None:
    """Why a message is left out; None for one that says something."""
    if len(text) > 8_000:
        return None
    if "://" in text or "www." in text.lower():
        return LINK_ONLY if _LINKS.fullmatch(text) else None
    return MEDIA_ONLY if _MEDIA.fullmatch(text.strip()) else None


def group_talk(messages: Iterable[Message], called: Callable[[str], str]) -> Iterator[Message]:
    """One's own messages in a group, each with the few that were said before it. Who of the others
    spoke stands before what they said, as `called` names an author."""
    heard: deque[Message] = deque(maxlen=WINDOW)
    for message in messages:
        if message.is_me:
            yield from heard
            heard.clear()
            yield message
        elif message.kind == "text":
            said = f"{called(message.author_id)}: {message.text}"
            heard.append(structs.replace(message, text=said))
