"""Messages of Messenger and Instagram threads, oldest first.

Knows: both shapes of a message, and what of them their programs wrote themselves.
Does not know: threads, archives.
Data: files, oldest first -> `messages` -> Message | Dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.importing.json_stream import BROKEN, JsonStream, valid_text
from inkling.corpus.importing.oldest_first import CUT, oldest_first
from inkling.corpus.importing.times import from_unix
from inkling.corpus.importing.tree import TreeFile

# Written by the programs into the author's mouth. They translate it; these are the commonest. What
# follows a name stands together: where the name ends is then tried once a character.
_WRITTEN_FOR = re.compile(
    r"Liked a message|(?:Reacted .{1,40}|Reaccionó .{1,40}) (?:to your message|a tu mensaje) ?"
    r"|Hat auf deine Nachricht mit .{1,40} reagiert|A réagi .{1,40} à votre message ?"
    r"|(?:Video|Audio) (?:call|chat) ended\.?|You (?:missed|called) .{1,100}"
    r"|You are now connected on Messenger\.?|Say hi to your new (?:Facebook )?friend, .{1,100}"
    r"|You can now (?:message and call|call) each other.{0,200}"
    r"|.{1,100} (?:"
    r"(?:sent|shared) (?:an attachment|a link|a story|a post|a photo|a video)\.?"
    r"|(?:hat einen Anhang gesendet|a envoyé une pièce jointe|envió un archivo adjunto)\.?"
    r"|(?:missed your (?:video )?call|waved at you"
    r"|started an? (?:(?:audio |video )?call|(?:audio|video) chat))\.?"
    r"|(?:named the group|changed the (?:group photo|theme|chat theme|quick reaction)"
    r"|set (?:the nickname|your nickname|(?:his|her|their) own nickname|the emoji"
    r"|the quick reaction)|left the group"
    r"|added .{1,100} to the group|removed .{1,100} from the group|created the group).{0,200}"
    r")"
)
# Fields of which a value can say that a message is none; most messages have none of them.
_TELLING = frozenset(("type", "is_unsent", "isUnsent", "call_duration"))
_MEDIA = frozenset(
    ("photos", "videos", "audio_files", "gifs", "files", "sticker", "media", "photo", "attachments")
)


def repaired(text: str) -> str:
    """A string whose UTF-8 bytes were written as characters, as the text that it is.

    Only where every character is a byte and the bytes are strict UTF-8: clean text stays.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return valid_text(text)


def messages(
    files: tuple[TreeFile, ...], me: frozenset[str], people: dict[str, str], options: ReadOptions
) -> Iterator[Message | Dropped]:
    """Of all files, each on its own: a damaged one does not stop the rest. `people` is filled on
    the way."""
    known: dict[str, tuple[str, bool]] = {}
    """By the name as it is written: the author, and whether that is me."""
    for file in files:
        path = file.path
        try:
            for number, item in oldest_first(_items(file), _time):
                if item is CUT:
                    yield Dropped("the rest of the file could not be read", path)
                    continue
                raw_ref = f"{path}#{number}"
                if not isinstance(item, dict):
                    yield Dropped("a damaged message" if item is None else "no message", raw_ref)
                    continue
                words = item.get("content", item.get("text"))
                text = repaired(words) if isinstance(words, str) else ""
                reason = _reason(item, text)
                if reason is not None:
                    yield Dropped(reason, raw_ref)
                    continue
                name = item.get("sender_name", item.get("senderName"))
                if not isinstance(name, str) or not name:
                    name = "unknown"
                if name not in known:
                    author = repaired(name)
                    people.setdefault(author, author)
                    known[name] = author, author in me or options.is_me(author)
                author, is_me = known[name]
                moment = item.get("timestamp_ms", item.get("timestamp"))
                when = from_unix(moment, per_second=1000)
                yield Message(author, is_me, text, "text", None, when, None, raw_ref)
        except (OSError, EOFError):
            yield Dropped("the rest of the file could not be read", path)


def _reason(item: dict[str, Any], text: str) -> str | None:
    """Why a message is left out, or None."""
    if not _TELLING.isdisjoint(item):
        kind = item.get("type")
        if item.get("is_unsent") is True or item.get("isUnsent") is True:
            return "deleted message"
        if kind == "Call" or "call_duration" in item or kind == "call":
            return "call"
        if kind in ("Subscribe", "Unsubscribe", "Payment", "Plan", "placeholder"):
            return "system notice"
    if text.strip():
        return "system notice" if len(text) < 400 and _WRITTEN_FOR.fullmatch(text) else None
    if any(item.get(key) for key in _MEDIA):
        return "media without text"
    return "shared post without words" if item.get("share") else "empty message"


def _items(file: TreeFile) -> Iterator[Any]:
    """Messages in the order of the file; None for a broken one, `CUT` where it ends early."""
    with file.open() as stream:
        pulled = JsonStream(stream)
        for key in pulled.fields():
            if key == "messages":
                for item in pulled.items():
                    yield None if item is BROKEN else item
        if pulled.damaged:
            yield CUT


def _time(item: Any) -> int | None:
    moment = item.get("timestamp_ms", item.get("timestamp")) if isinstance(item, dict) else None
    return moment if isinstance(moment, int) else None
