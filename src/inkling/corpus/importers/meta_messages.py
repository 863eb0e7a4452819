"""Messages of Messenger and Instagram threads, oldest first.

Knows: both shapes of a message, and what of them their programs wrote themselves.
Does not know: threads, archives.
Data: files, oldest first -> `messages` -> Message | Dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, field

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.importing.json_shape import BROKEN, Shape
from inkling.corpus.importing.json_stream import JsonStream, valid_text
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


class _MetaMessage(Shape, frozen=True):
    """What is read of a message, in the words of both shapes."""

    sender_name: Any = UNSET
    timestamp_ms: Any = UNSET
    content: Any = UNSET
    sender_of_encrypted: Any = field(default=None, name="senderName")
    timestamp_of_encrypted: Any = field(default=None, name="timestamp")
    text_of_encrypted: Any = field(default=None, name="text")
    type: Any = None
    is_unsent: Any = None
    was_unsent: Any = field(default=None, name="isUnsent")
    call_duration: Any = UNSET
    share: Any = None
    photos: Any = None
    videos: Any = None
    audio_files: Any = None
    gifs: Any = None
    files: Any = None
    sticker: Any = None
    media: Any = None
    photo: Any = None
    attachments: Any = None

    @property
    def has_media(self) -> bool:
        found = (
            self.photos, self.videos, self.audio_files, self.gifs, self.files, self.sticker,
            self.media, self.photo, self.attachments,
        )  # fmt: skip
        return any(found)

    @property
    def moment(self) -> Any:
        """Milliseconds since 1970."""
        moment = self.timestamp_ms
        return self.timestamp_of_encrypted if moment is UNSET else moment


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
                if not isinstance(item, _MetaMessage):
                    yield Dropped("a damaged message" if item is None else "no message", raw_ref)
                    continue
                words = item.text_of_encrypted if item.content is UNSET else item.content
                text = repaired(words) if isinstance(words, str) else ""
                reason = _reason(item, text)
                if reason is not None:
                    yield Dropped(reason, raw_ref)
                    continue
                name = item.sender_name
                name = item.sender_of_encrypted if name is UNSET else name
                if not isinstance(name, str) or not name:
                    name = "unknown"
                if name not in known:
                    author = repaired(name)
                    people.setdefault(author, author)
                    known[name] = author, author in me or options.is_me(author)
                author, is_me = known[name]
                when = from_unix(item.moment, per_second=1000)
                yield Message(author, is_me, text, "text", None, when, None, raw_ref)
        except (OSError, EOFError):
            yield Dropped("the rest of the file could not be read", path)


def _reason(item: _MetaMessage, text: str) -> str | None:
    """Why a message is left out, or None."""
    if item.is_unsent is True or item.was_unsent is True:
        return "deleted message"
    kind = item.type
    if kind == "Call" or item.call_duration is not UNSET or kind == "call":
        return "call"
    if kind in ("Subscribe", "Unsubscribe", "Payment", "Plan", "placeholder"):
        return "system notice"
    if text and not text.isspace():
        return "system notice" if len(text) < 400 and _WRITTEN_FOR.fullmatch(text) else None
    if item.has_media:
        return "media without text"
    return "shared post without words" if item.share else "empty message"


def _items(file: TreeFile) -> Iterator[Any]:
    """Messages in the order of the file; None for a broken one, `CUT` where it ends early."""
    with file.open() as stream:
        pulled = JsonStream(stream)
        for key in pulled.fields():
            if key == "messages":
                for item in pulled.items(_MetaMessage):
                    yield None if item is BROKEN else item
        if pulled.damaged:
            yield CUT


def _time(item: Any) -> int | None:
    moment = item.moment if isinstance(item, _MetaMessage) else None
    return moment if isinstance(moment, int) else None
